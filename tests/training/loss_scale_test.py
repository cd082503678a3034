"""Tests of training in float16, whose gradients can overflow."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import optimizers
from bsgen.training.loop import preprocessing, replica_program
from bsgen.training.loop.batch import Batch
from tests.training import made_up_runs

_LARGE = 300.0  # times the first loss scale, 2^15, is more than float16 holds


def _program(replicas, parts=1):
    with made_up_runs.devices(replicas).strategy.scope():
        inputs = keras.Input([1], dtype="float32")
        hidden = keras.layers.Dense(
            2, use_bias=False, kernel_initializer="zeros", dtype="mixed_float16"
        )(inputs)
        model = keras.Model(inputs, keras.layers.Activation("linear")(hidden))
        inner = optimizers.Momentum(0.5, momentum=0.5)
        optimizer = keras.optimizers.LossScaleOptimizer(inner)
        optimizer.build(model.trainable_variables)
        none, one = tf.constant(0.0), tf.constant(1.0)
        program = replica_program.ReplicaProgram(
            model,
            optimizer,
            preprocessing.Preprocessing(none, one, none),
            gradient_accumulation=parts,
        )
    return model, optimizer, program


def _step(program, inputs):
    values = np.array(inputs, np.float32)[None, :, None]
    labels = np.zeros([1, len(inputs)], np.int32)
    batch = Batch(tf.constant(values), tf.constant(labels))
    step = tf.constant(0, tf.int64)
    return program.take_steps(batch, tf.constant([0.5]), step)[0]


class LossScaleTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        (1, 1, [_LARGE, 1.0]),
        (1, 2, [1.0, _LARGE]),
        (2, 1, [_LARGE, 1.0]),
        (2, 1, [1.0, _LARGE]),  # only the second replica overflows
    )
    def test_a_step_that_overflows_is_skipped_on_all_replicas(
        self, replicas, parts, inputs
    ):
        model, optimizer, program = _program(replicas, parts)
        metrics = _step(program, inputs).numpy()
        self.assertAllClose(metrics[0, 0], np.log(2), 1e-6)
        self._assert_all(self._copies(model.trainable_variables[0]), 0.0)
        self._assert_all(self._copies(optimizer.dynamic_scale), 2.0**14)
        self._assert_all(self._copies(optimizer.inner_optimizer.iterations), 0)
        # What fits is taken afterwards: the gradient of -log p_0 at p = 1/2 with
        # inputs of mean 1.5 is -+0.75, times the rate 0.5.
        _step(program, [1.0, 2.0])
        for copy in self._copies(model.trainable_variables[0]):
            self.assertAllClose(copy, [[0.375, -0.375]], 1e-3)
        self._assert_all(self._copies(optimizer.dynamic_scale), 2.0**14)

    def _assert_all(self, copies, value):
        np.testing.assert_array_equal(copies, np.full_like(copies, value))

    def _copies(self, variable):
        strategy = variable.value.distribute_strategy if _mirrored(variable) else None
        if strategy is None:
            return [variable.numpy()]
        copies = strategy.experimental_local_results(variable.value)
        self.assertLen(copies, 2)
        return [copy.numpy() for copy in copies]


def _mirrored(variable):
    return isinstance(variable.value, tf.distribute.DistributedValues)


if __name__ == "__main__":
    tf.test.main()
