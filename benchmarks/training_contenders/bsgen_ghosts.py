"""This project's engine for big networks, with ghost batch normalization."""

import numpy as np
import tensorflow as tf

from benchmarks import training_problem
from bsgen import config, models, optimizers
from bsgen.training.loop import preprocessing, replica_program, resident_images
from bsgen.training.loop.batch import Batch


class Contender:
    """See `benchmarks.training_contenders`."""

    def __init__(self, problem: training_problem.Problem):
        settings = config.ModelConfig(
            problem.model,
            normalization="ghost",
            ghost_batch_size=problem.ghost_batch_size,
        )
        images, self._labels = problem.data()
        self._model = models.build(
            settings,
            images.shape[1:],
            training_problem.NUM_CLASSES,
            precision=problem.precision,
        )
        optimizer = optimizers.Momentum(
            training_problem.LEARNING_RATE, training_problem.MOMENTUM
        )
        optimizer.build(self._model.trainable_variables)
        self._program = replica_program.ReplicaProgram(
            self._model,
            optimizer,
            preprocessing.Preprocessing(
                *map(tf.constant, (0.0, 1 / training_problem.PIXEL_RANGE, 0.0))
            ),
            tf.constant(resident_images.pack(images)),
            jit=bool(tf.config.list_physical_devices("GPU")),  # the engine's default
        )
        self._step = 0

    def take_steps(self, positions: np.ndarray) -> None:
        """Takes a step a batch, positions [K, B]."""
        num_steps = len(positions)
        batches = Batch(tf.constant(positions), tf.constant(self._labels[positions]))
        rates = tf.fill([num_steps], training_problem.LEARNING_RATE)
        first_step = tf.constant(self._step, tf.int64)
        metrics, _ = self._program.take_steps(batches, rates, first_step)
        metrics.numpy()
        self._step += num_steps

    def num_parameters(self) -> int:
        """Returns the number of trainable parameters."""
        weights = self._model.trainable_variables
        return sum(weight.value.shape.num_elements() for weight in weights)
