"""The ensemble engine of this project, in the chunks that it would choose."""

import numpy as np
import tensorflow as tf

from benchmarks import ensemble_problem
from bsgen import models
from bsgen.training import ensemble
from bsgen.training.ensemble import stacked_program


class Contender:
    """See `benchmarks.ensemble_contenders`."""

    stacked = True

    def __init__(self, problem: ensemble_problem.Problem):
        width, hidden = problem.weights[0].shape[1:]
        model = models.mlp((width,), ensemble_problem.NUM_CLASSES, (hidden,))
        self._program = stacked_program.Program(model, problem.inputs, problem.labels)
        most = ensemble.max_runs(model, problem.batch_size)
        size = -(-problem.num_runs // -(-problem.num_runs // most))
        self._chunks = [
            slice(first, first + size) for first in range(0, problem.num_runs, size)
        ]
        self._states, self._settings = [], []
        for runs in self._chunks:
            weights = [tf.constant(weight[runs]) for weight in problem.weights]
            accumulators = [tf.zeros_like(weight) for weight in weights]
            self._states.append(stacked_program.State(weights, accumulators))
            self._settings.append(_settings(len(weights[0]), width))

    def take_steps(self, positions: np.ndarray) -> None:
        """Takes a step a batch, positions [K, R, B]."""
        for index, runs in enumerate(self._chunks):
            self._states[index], finite = self._program.take_steps(
                self._states[index],
                self._settings[index],
                tf.constant(positions[:, runs]),
                tf.constant(len(positions)),
            )
            finite.numpy()

    def weights(self) -> list[np.ndarray]:
        """Returns the weights, [R, ...] each."""
        return [
            np.concatenate(parts)
            for parts in zip(*(state.weights for state in self._states), strict=True)
        ]


def _settings(num_runs: int, width: int) -> stacked_program.Settings:
    columns = (
        np.full(num_runs, ensemble_problem.LEARNING_RATE),
        np.full(num_runs, ensemble_problem.MOMENTUM),
        np.zeros(num_runs),
        np.full(num_runs, np.inf),
        np.zeros((num_runs, width)),
        np.ones((num_runs, 1)),
    )
    return stacked_program.Settings(
        *(tf.constant(column, tf.float32) for column in columns)
    )
