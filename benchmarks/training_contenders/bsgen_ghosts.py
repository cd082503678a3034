"""A network of this project with ghost batches, many steps a call, data on the device.

The images lie on the device as uint8 and are gathered and scaled inside.
"""

import numpy as np
import tensorflow as tf

from benchmarks import training_problem
from bsgen import config, models, optimizers


class Contender:
    """See `benchmarks.training_contenders`."""

    def __init__(self, problem: training_problem.Problem):
        settings = config.ModelConfig(
            problem.model,
            normalization="ghost",
            ghost_batch_size=problem.ghost_batch_size,
        )
        images, labels = problem.data()
        self._model = models.build(
            settings,
            images.shape[1:],
            training_problem.NUM_CLASSES,
            precision=problem.precision,
        )
        self._images, self._labels = tf.constant(images), tf.constant(labels)
        self._optimizer = optimizers.Momentum(
            training_problem.LEARNING_RATE, training_problem.MOMENTUM
        )
        self._optimizer.build(self._model.trainable_variables)
        batches = tf.TensorSpec([None, problem.batch_size], tf.int32)
        self._program = tf.function(self._steps, input_signature=[batches])

    def take_steps(self, positions: np.ndarray) -> None:
        """Takes a step a batch, positions [K, B]."""
        self._program(tf.constant(positions)).numpy()

    def num_parameters(self) -> int:
        """Returns the number of trainable parameters."""
        return sum(weight.shape.num_elements() for weight in self._weights())

    def _weights(self) -> list[tf.Variable]:
        return [variable.value for variable in self._model.trainable_variables]

    def _steps(self, positions: tf.Tensor) -> tf.Tensor:
        def step(index: tf.Tensor) -> tuple[tf.Tensor]:
            self._step(positions[index])
            return (index + 1,)

        num_steps = tf.shape(positions)[0]
        return tf.while_loop(lambda index: index < num_steps, step, [tf.constant(0)])[0]

    def _step(self, batch: tf.Tensor) -> None:
        images = tf.gather(self._images, batch)
        images = tf.cast(images, self._model.layers[1].compute_dtype)
        weights = self._weights()
        with tf.GradientTape() as tape:
            logits = self._model(images / training_problem.PIXEL_RANGE, training=True)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(
                    tf.gather(self._labels, batch), logits
                )
            )
        gradients = tape.gradient(loss, weights)
        self._optimizer.apply(gradients, self._model.trainable_variables)
