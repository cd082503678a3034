"""Tests of which products are found in a graph; none of these graphs is ever run."""

import tensorflow as tf
from absl.testing import parameterized

from bsgen.measures.operators import shared_products


def _traced(function, *shapes, dtype=tf.float32):
    specs = [tf.TensorSpec(shape, dtype) for shape in shapes]
    return tf.function(function, autograph=False).get_concrete_function(*specs)


def _backwards(weight, inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        value = tf.matmul(inputs, weight)
    return tape.gradient(value, inputs)


_inside = tf.function(lambda weight, inputs: tf.matmul(inputs, weight))


class SharedProductsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(
        ("one_matrix", [4, 3], [64, 1, 6, 4], {0}),
        ("with_axes_of_one", [1, 1, 4, 3], [64, 1, 6, 4], {0}),
        ("unknown_groups", [4, 3], [None, 1, 6, 4], {0}),
        ("may_be_one", [4, 3], [64, None, 6, 4], {0}),
        ("of_any_rank", [4, 3], None, {0}),
        ("five_axes", [4, 3], [64, 2, 1, 6, 4], {0}),
        ("three_axes", [4, 3], [64, 6, 4], set()),
        ("no_axis_of_one", [4, 3], [64, 2, 6, 4], set()),
        ("a_matrix_each", [64, 1, 4, 3], [64, 1, 6, 4], set()),
    )
    def test_a_product(self, weight, inputs, expected):
        traced = _traced(lambda w, x: tf.matmul(x, w), weight, inputs)
        self.assertEqual(shared_products.sources(traced, 1), expected)

    def test_transposed(self):
        def product(w, x):
            return tf.matmul(x, w, transpose_a=True)

        traced = _traced(product, [4, 3], [64, 1, 4, 6])
        self.assertEqual(shared_products.sources(traced, 1), set())
        traced = _traced(
            lambda w, x: tf.matmul(x, w, transpose_b=True), [3, 4], [9, 1, 6, 4]
        )
        self.assertEqual(shared_products.sources(traced, 1), {0})

    def test_the_weights_that_the_matrix_comes_from(self):
        def product(first, second, third, x):
            return tf.matmul(x + third, tf.reshape(first, [4, 3]) * second)

        traced = _traced(product, [12], [3], [4], [64, 1, 6, 4])
        self.assertEqual(shared_products.sources(traced, 3), {0, 1})

    def test_of_no_weight(self):
        traced = _traced(lambda w, x: tf.matmul(x, tf.ones([4, 3])), [2], [9, 1, 6, 4])
        self.assertIsNone(shared_products.sources(traced, 1))

    def test_in_a_derivative(self):
        traced = _traced(_backwards, [4, 3], [64, 1, 6, 4])
        self.assertEqual(shared_products.sources(traced, 1), {0})

    @parameterized.parameters(
        ([64, 1, 6, 4], None), ([None, 2, None, 4], set()), ([6, 4], set())
    )
    def test_inside_a_function(self, inputs, expected):
        traced = _traced(lambda w, x: _inside(w, x), [4, 3], inputs)
        self.assertEqual(shared_products.sources(traced, 1), expected)


if __name__ == "__main__":
    tf.test.main()
