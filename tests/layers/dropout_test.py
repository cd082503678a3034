"""Dropout: the same masks however they are computed, from a published generator."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import layers
from bsgen.layers import threefry
from tests.references import threefry as reference

# From the known-answer tests of the authors' library, Random123: key, counter, words.
_KNOWN = (
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((2**32 - 1,) * 2, (2**32 - 1,) * 2, (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
)
_SEED = 1000 * 2**53 + 7  # the largest that a network may draw from


class ThreefryTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*_KNOWN)
    def test_known_answers(self, key, counter, expected):
        self.assertEqual(reference.block(key, counter), expected)
        self.assertEqual(tuple(self._words(key, counter)), expected)

    def test_equals_the_reference_on_many_counters(self):
        random = np.random.default_rng()
        key, *counters = random.integers(2**32, size=(65, 2)).tolist()
        found = self._words(key, np.transpose(counters))
        expected = [reference.block(key, counter) for counter in counters]
        self.assertAllEqual(np.transpose(found), expected)

    def _words(self, key, counter):
        of = [tuple(tf.constant(v, tf.uint32) for v in pair) for pair in (key, counter)]
        return [word.numpy() for word in threefry.words(*of)]


class DropoutTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        inputs = keras.Input((5,))
        self.model = keras.Model(inputs, layers.Dropout(0.3, seed=_SEED)(inputs))
        self.ones = tf.ones((3, 5))

    def _expected(self, call):
        kept = reference.kept(_SEED, call, 0.3, 15)
        return np.reshape(kept, (3, 5)) / np.float32(0.7)

    def test_masks_are_those_of_seed_and_call(self):
        for call in range(3):
            outputs = self.model(self.ones, training=True)
            self.assertAllClose(outputs, self._expected(call), rtol=1e-6)
        self.assertAllEqual(self.model(self.ones), self.ones)

    @parameterized.parameters(False, True)
    def test_stacked_runs_have_masks_of_their_own(self, jit):
        calls = (0, 5, 2**33 + 5)  # the last two agree in their lowest 32 bits
        states = tf.constant([[_SEED, call] for call in calls], tf.int64)

        @tf.function(jit_compile=jit)
        def stacked(states):
            return tf.vectorized_map(
                lambda state: self.model.stateless_call(
                    [], [state], self.ones, training=True
                ),
                states,
                fallback_to_while_loop=False,
            )

        outputs, (after,) = stacked(states)
        for output, call in zip(outputs, calls, strict=True):
            self.assertAllClose(output, self._expected(call), rtol=1e-6)
        self.assertAllEqual(after, states + [0, 1])

    def test_more_examples_change_none_before_them(self):
        state = [tf.constant([3, 8], tf.int64)]
        few, many = (
            self.model.stateless_call([], state, tf.ones((n, 5)), training=True)[0]
            for n in (3, 8)
        )
        self.assertAllEqual(few, many[:3])

    def test_a_batch_of_unknown_size(self):
        signature = [tf.TensorSpec([None, 5])]
        outputs = tf.function(
            lambda inputs: self.model(inputs, training=True), input_signature=signature
        )(self.ones)
        self.assertAllClose(outputs, self._expected(0), rtol=1e-6)

    def test_gradients_pass_where_the_mask_does(self):
        with tf.GradientTape() as tape:
            tape.watch(self.ones)
            outputs = self.model(self.ones, training=True)
        self.assertAllEqual(tape.gradient(outputs, self.ones), outputs)

    def test_saved_with_its_model(self):
        path = self.create_tempdir().full_path + "/model.keras"
        self.model(self.ones, training=True)
        self.model.save(path)
        loaded = keras.models.load_model(path)
        self.assertIsInstance(loaded.layers[-1], layers.Dropout)
        outputs = loaded(self.ones, training=True)
        self.assertAllClose(outputs, self._expected(0), rtol=1e-6)  # counts anew

    def test_the_bounds_of_the_rate_and_mixed_precision(self):
        self.assertAllEqual(layers.Dropout(0.0)(self.ones, training=True), self.ones)
        self.assertAllEqual(
            layers.Dropout(1.0)(self.ones, training=True), 0 * self.ones
        )
        layer = layers.Dropout(0.5, dtype="mixed_bfloat16")
        self.assertEqual(layer(self.ones, training=True).dtype, tf.bfloat16)


if __name__ == "__main__":
    tf.test.main()
