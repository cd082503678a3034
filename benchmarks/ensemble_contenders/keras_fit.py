"""Keras' `fit` with its defaults, on batches that are already in order."""

import keras
import numpy as np

from benchmarks import ensemble_problem
from benchmarks.ensemble_contenders import peer


class Contender(peer.Peer):
    """See `benchmarks.ensemble_contenders`."""

    most_steps_per_call = 250
    steps_per_execution = 1

    def __init__(self, problem: ensemble_problem.Problem):
        super().__init__(problem.first_run())
        width, hidden = problem.first_weights[0].shape
        self._model = keras.Sequential(
            [
                keras.Input((width,)),
                keras.layers.Dense(hidden, activation="relu"),
                keras.layers.Dense(ensemble_problem.NUM_CLASSES),
            ]
        )
        self._model.set_weights(problem.first_weights)
        self._model.compile(
            keras.optimizers.SGD(
                ensemble_problem.LEARNING_RATE, ensemble_problem.MOMENTUM
            ),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            steps_per_execution=self.steps_per_execution,
        )

    def take_steps(self, positions: np.ndarray) -> None:
        """Takes a step a batch, positions [K, 1, B]."""
        order = positions.ravel()
        self._model.fit(
            self._problem.inputs[order],
            self._problem.labels[order],
            batch_size=positions.shape[-1],
            shuffle=False,
            verbose=0,
        )

    def weights(self) -> list[np.ndarray]:
        """Returns the weights, [1, ...] each."""
        return [weight[None] for weight in self._model.get_weights()]
