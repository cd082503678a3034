"""Tests that dropout's masks depend on step, part and replica alone."""

import keras
import numpy as np
import tensorflow as tf

from bsgen import layers, optimizers
from bsgen.training import draw_counters
from bsgen.training.loop import preprocessing, replica_program
from bsgen.training.loop.batch import Batch
from tests.training import made_up_runs

_WIDTH = 64


def _program(replicas, parts=1, jit=False):
    """A linear network on dropped ones, whose weights gather the masks."""
    with made_up_runs.devices(replicas).strategy.scope():
        inputs = keras.Input([_WIDTH])
        dropped = layers.Dropout(0.5, seed=3)(inputs)
        outputs = keras.layers.Dense(2, use_bias=False, kernel_initializer="zeros")
        model = keras.Model(inputs, outputs(dropped))
        optimizer = optimizers.Momentum(1.0, momentum=0.0)
        optimizer.build(model.trainable_variables)
        none, one = tf.constant(0.0), tf.constant(1.0)
        return model, replica_program.ReplicaProgram(
            model,
            optimizer,
            preprocessing.Preprocessing(none, one, none),
            gradient_accumulation=parts,
            jit=jit,
        )


def _kept(program, first_step=0, batch_size=2, loss_weights=None):
    """How many of the batch's masks keep each input, after a step from weights 0.

    With weights 0 both classes have probability 1/2, so the step adds to the first
    column 1/2 of the mean of masks / (1 - 0.5). Masks count as often as the weights of
    their examples' losses say.
    """
    model, compiled = program
    model.trainable_variables[0].assign(np.zeros([_WIDTH, 2], np.float32))
    batch = Batch(
        tf.ones([1, batch_size, _WIDTH]),
        tf.zeros([1, batch_size], tf.int32),
        loss_weights=() if loss_weights is None else (tf.constant([loss_weights]),),
    )
    compiled.take_steps(batch, tf.ones([1]), tf.constant(first_step, tf.int64))
    return model.trainable_variables[0].numpy()[:, 0] * batch_size


class DropoutTest(tf.test.TestCase):
    def test_a_mask_follows_from_the_step(self):
        program = _program(1)
        masks = [_kept(program, step, batch_size=1) for step in (0, 1, 2, 1, 0)]
        np.testing.assert_array_equal(masks[0], masks[4])
        np.testing.assert_array_equal(masks[1], masks[3])
        np.testing.assert_array_equal(masks[1], _kept(_program(1), 1, batch_size=1))
        self.assertEqual(set(masks[0]), {0.0, 1.0})
        for a, b in ((0, 1), (1, 2), (0, 2)):
            self.assertNotAllEqual(masks[a], masks[b])

    def test_replicas_draw_different_masks(self):
        # The sum of two equal masks would have no 1.
        self.assertEqual(set(_kept(_program(2))), {0.0, 1.0, 2.0})

    def test_parts_draw_different_masks(self):
        self.assertEqual(set(_kept(_program(1, parts=2))), {0.0, 1.0, 2.0})

    def test_no_two_parts_share_a_mask_over_the_steps(self):
        masks = [_kept(_program(1), draw, batch_size=1) for draw in range(6)]
        program = _program(1, parts=2)
        for step in range(3):
            expected = masks[2 * step] + masks[2 * step + 1]
            np.testing.assert_array_equal(_kept(program, step), expected)

    def test_no_two_steps_share_the_mask_of_a_replica(self):
        # Among 8 masks of 64 fair bits, two are equal with probability below 2^-58.
        for replicas in (1, 2):
            program = _program(replicas)
            masks = [tuple(_kept(program, step, replicas)) for step in range(8)]
            self.assertLen(set(masks), 8)

    def test_xla_draws_the_same_masks(self):
        plain, compiled = _program(1), _program(1, jit=True)
        for step in (0, 7, 1):
            np.testing.assert_array_equal(_kept(plain, step), _kept(compiled, step))

    def test_noise_weighs_the_masks_and_changes_none(self):
        program = _program(1)
        first, second = (
            _kept(program, loss_weights=weights) for weights in ([1.0, 0.0], [0.0, 1.0])
        )
        np.testing.assert_array_equal(_kept(_program(1)), first + second)
        weighted = _kept(program, loss_weights=[3.0, -0.5])
        np.testing.assert_array_equal(weighted, 3 * first - second / 2)

    def test_the_counters_are_no_state(self):
        run = made_up_runs.run(made_up_runs.convolutional(), num_steps=1)
        trained = made_up_runs.ready(run)
        counters = draw_counters.of(trained.model)
        self.assertLen(counters, 2)
        self.assertLen(
            trained.state.arrays(),
            len(trained.model.variables) - 2 + len(trained._optimizer.variables),
        )


if __name__ == "__main__":
    tf.test.main()
