"""Keras' `fit` with its defaults and its own BatchNormalization."""

import keras
import numpy as np

from benchmarks import training_problem
from bsgen import config, models


class Contender:
    """See `benchmarks.training_contenders`."""

    def __init__(self, problem: training_problem.Problem):
        images, self._labels = problem.data()
        self._images = images.astype(np.float32) / training_problem.PIXEL_RANGE
        self._batch_size = problem.batch_size
        self._model = models.build(
            config.ModelConfig(problem.model, normalization="batch"),
            images.shape[1:],
            training_problem.NUM_CLASSES,
            precision=problem.precision,
        )
        self._model.compile(
            keras.optimizers.SGD(
                training_problem.LEARNING_RATE, training_problem.MOMENTUM
            ),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )

    def take_steps(self, positions: np.ndarray) -> None:
        """Takes a step a batch, positions [K, B]."""
        order = positions.ravel()
        self._model.fit(
            self._images[order],
            self._labels[order],
            batch_size=self._batch_size,
            shuffle=False,
            verbose=0,
        )

    def num_parameters(self) -> int:
        """Returns the number of trainable parameters."""
        return sum(np.prod(each.shape) for each in self._model.trainable_variables)
