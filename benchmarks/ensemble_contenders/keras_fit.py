"""Keras' `fit` with its defaults, on batches that are already in order."""

import keras
import numpy as np

from benchmarks import ensemble_problem


class Contender:
    """See `benchmarks.ensemble_contenders`."""

    stacked = False
    steps_per_execution = 1

    def __init__(self, problem: ensemble_problem.Problem):
        self._inputs, self._labels = problem.inputs, problem.labels
        self._batch_size = problem.batch_size
        width, hidden = problem.weights[0].shape[1:]
        self._model = keras.Sequential(
            [
                keras.Input((width,)),
                keras.layers.Dense(hidden, activation="relu"),
                keras.layers.Dense(ensemble_problem.NUM_CLASSES),
            ]
        )
        self._model.set_weights([weight[0] for weight in problem.weights])
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
            self._inputs[order],
            self._labels[order],
            batch_size=self._batch_size,
            shuffle=False,
            verbose=0,
        )

    def weights(self) -> list[np.ndarray]:
        """Returns the weights, [1, ...] each."""
        return [weight[None] for weight in self._model.get_weights()]
