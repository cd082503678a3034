"""Tests of models called with values in place of their variables."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import measures
from bsgen.measures.objective import stateless
from tests.measures import small_models


class Decorated(keras.layers.Layer):
    """x w, compiled by its author."""

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], 3))

    @tf.function
    def call(self, inputs):
        return tf.matmul(inputs, self.kernel)


class Within(Decorated):
    """The same, compiled when it is made."""

    def __init__(self):
        super().__init__()
        self._product = tf.function(lambda inputs: tf.matmul(inputs, self.kernel))

    def call(self, inputs):
        return self._product(inputs)


class Whole(keras.Model):
    """A model whose own call is compiled, too."""

    def __init__(self):
        super().__init__()
        self.layer = Within()

    @tf.function
    def call(self, inputs):
        return self.layer(inputs)


class StatelessTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(
        ("call", lambda: keras.Sequential([keras.Input((4,)), Decorated()])),
        ("member", lambda: keras.Sequential([keras.Input((4,)), Within()])),
        ("model", Whole),
    )
    def test_a_tf_function_takes_the_values_that_are_given(self, build):
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(9, 4)).astype("float32")
        model = build()
        model(inputs)  # Keeps the variables that it is traced with.
        given = rng.normal(size=(4, 3)).astype("float32")
        called = stateless.call(model, [tf.constant(given)], [], tf.constant(inputs))
        # Sums of four products of order 1.
        self.assertAllClose(called.outputs, inputs @ given, rtol=0, atol=1e-5)
        self.assertFalse(tf.config.functions_run_eagerly())
        labels = rng.integers(3, size=9)
        gradients = [
            small_models.mean_gradient(model, inputs[i : i + 1], labels[i : i + 1])
            for i in range(9)
        ]
        found = measures.gradient_noise(model, small_models.softmax, (inputs, labels))
        trace = np.trace(np.cov(np.array(gradients, float), rowvar=False))
        self.assertAllClose(found.trace, trace, rtol=1e-5)

    def test_functions_are_compiled_again_after_an_error(self):
        model = keras.Sequential([keras.Input((4,)), Decorated()])
        with self.assertRaises(ValueError):
            stateless.call(model, [tf.zeros([5, 3])], [], tf.ones([2, 4]))
        self.assertFalse(tf.config.functions_run_eagerly())


if __name__ == "__main__":
    tf.test.main()
