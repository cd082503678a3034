"""Tests of functions over groups, at once or in a loop, against NumPy."""

from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors
from bsgen.measures.operators import groupwise


def _product(weights, group):
    # [1, 6, 4] x [4, 3]: vectorised as it stands, oneDNN returns garbage or dies.
    return tf.reduce_sum(tf.matmul(group, weights[0]) ** 2) * weights[1]


def _gradients(groups, weights):
    """By hand: of sum((x w)^2) v, [G, 4, 3] by w, and [G] by v."""
    products = groups[:, 0] @ weights[0]
    by_matrix = 2 * weights[1] * np.swapaxes(groups[:, 0], 1, 2) @ products
    return by_matrix, (products**2).sum(axis=(1, 2))


def _with_gradient(function, weights):
    with tf.GradientTape() as tape:
        tape.watch(weights)
        value = function(weights)
    return value, tape.gradient(value, weights)


def _gradient(weights, group):
    return _with_gradient(lambda weights: _product(weights, group), weights)[1]


def _after_a_loop(weights, group):
    _, result = tf.while_loop(
        lambda i, _: i < 2, lambda i, x: (i + 1, x * 1.0), (0, weights[1])
    )
    return _product([weights[0], result], group)


def _of_a_branch(weights, group):
    positive = tf.reduce_sum(group) > 0
    factor = tf.cond(positive, lambda: weights[1], lambda: -2.0 * weights[1])
    return _product([weights[0], factor], group)


def _constant(weights, group):
    """Of a group and a matrix that comes from no weight."""
    matrix = tf.constant(np.arange(12, dtype=np.float32).reshape(4, 3))
    return _product([matrix, weights[1]], group)


def _of_the_positive(weights, group):
    """Of as many numbers as are positive in the group."""
    return tf.reduce_sum(tf.boolean_mask(group, group > 0)) * weights[1]


def _of_words(weights, group):
    """Of the words of a text: fewer in some groups than in others."""
    text = tf.strings.reduce_join(tf.where(group[0, 0] > 0, "a ", "a"))
    lengths = tf.strings.length(tf.strings.split([text]).values)
    return tf.cast(tf.reduce_sum(lengths), tf.float32) * weights[1]


class GroupwiseTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(0)
        self.groups = rng.normal(size=(64, 1, 6, 4)).astype("float32")
        self.weights = [
            rng.normal(size=(4, 3)).astype("float32"),
            np.array(1.5, "float32"),
        ]

    def _compiled(self, function, num_groups=None):
        """Returns a compiled function of weights and any, or so many, groups."""
        shape = [num_groups, 1, 6, 4]
        weights = [tf.TensorSpec([4, 3]), tf.TensorSpec([])]
        signature = [weights, tf.TensorSpec(shape)]
        return tf.function(function, input_signature=signature, autograph=False)

    @parameterized.parameters(
        (64, 64), (64, None), (2, 2), (2, None), (1, 1), (1, None)
    )
    def test_gradients_through_a_product_that_all_groups_share(self, count, known):
        groups = self.groups[:count]
        each = self._compiled(lambda w, g: groupwise.each(_gradient, w, g), known)
        expected = _gradients(groups.astype(float), self.weights)
        for found, right in zip(each(self.weights, groups), expected, strict=True):
            # Sums of some dozen terms in float32, relative to the largest.
            atol = 1e-6 * np.abs(right).max()
            self.assertAllClose(found, right, rtol=0, atol=atol)
        total = self._compiled(
            lambda w, g: groupwise.total(_with_gradient, _product, w, g), known
        )
        value, gradient = total(self.weights, groups)
        self.assertAllClose(value, 1.5 * expected[1].sum(), rtol=1e-6)
        for found, right in zip(gradient, expected, strict=True):
            atol = 1e-6 * np.abs(right).sum(axis=0).max()
            self.assertAllClose(found, right.sum(axis=0), rtol=0, atol=atol)

    def test_no_remarks_of_tensorflow_on_convolutions(self):
        def gradient(weights, group):
            with tf.GradientTape() as tape:
                tape.watch(weights)
                convolved = tf.nn.conv2d(group, weights[0], 1, "VALID")
                value = tf.reduce_sum(convolved**2)
            return tape.gradient(value, weights)

        weights, groups = [tf.ones([2, 2, 1, 1])], tf.ones([3, 1, 4, 4, 1])
        with self.assertNoLogs(tf.get_logger(), "WARNING"):
            each = tf.function(lambda: groupwise.each(gradient, weights, groups))()
        # 9 places with products of 4, twice each.
        self.assertAllClose(each[0], np.full((3, 2, 2, 1, 1), 9 * 2 * 4.0))

    @parameterized.named_parameters(
        ("shared_product", _product, False),
        ("loop", _after_a_loop, True),
        ("branch", _of_a_branch, True),
        ("matrix_of_no_weight", _constant, True),
        ("positive", _of_the_positive, True),
        ("words", _of_words, True),
    )
    def test_what_is_computed_in_a_loop(self, function, in_a_loop):
        compiled = self._compiled(lambda w, g: groupwise.each(function, w, g))
        with mock.patch.object(
            groupwise, "one_by_one", wraps=groupwise.one_by_one
        ) as one_by_one:
            found = compiled(self.weights, self.groups)
        self.assertEqual(one_by_one.called, in_a_loop)
        expected = [
            function([tf.constant(w) for w in self.weights], tf.constant(group))
            for group in self.groups
        ]
        self.assertAllClose(found, expected, rtol=1e-5)

    def test_only_the_weights_of_unsafe_products_are_copied(self):
        def shapes(weights, group):
            seen.append([w.shape.rank for w in weights])
            return _product(weights, group)

        seen = []
        with mock.patch.object(tf, "broadcast_to", wraps=tf.broadcast_to) as copy:
            compiled = self._compiled(lambda w, g: groupwise.each(shapes, w, g))
            compiled(self.weights, self.groups)
        self.assertNotEmpty(copy.call_args_list)
        self.assertAllEqual({c.args[0].shape.rank for c in copy.call_args_list}, {2})
        self.assertAllEqual(np.unique(seen, axis=0), [[2, 0]])

    def test_a_mistake_of_the_user_is_told_as_it_is(self):
        def mistaken(weights, group):
            raise errors.UserError("loss", "x", "another")

        compiled = self._compiled(lambda w, g: groupwise.each(mistaken, w, g))
        with self.assertRaisesRegex(errors.UserError, "loss='x': another"):
            compiled(self.weights, self.groups)

        def broken(weights, group):
            raise TypeError("of the function itself")

        compiled = self._compiled(lambda w, g: groupwise.each(broken, w, g))
        with self.assertRaisesRegex(TypeError, "of the function itself"):
            compiled(self.weights, self.groups)


if __name__ == "__main__":
    tf.test.main()
