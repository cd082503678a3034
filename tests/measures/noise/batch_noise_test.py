"""Tests of the batch noise against every batch there is, and against drawn ones."""

import itertools
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures
from bsgen.measures.noise import batch_noise
from tests.measures import small_models

_ROUNDING = 1e-10  # of float64 sums over some hundred weights, and of their squares


def measure(model, data, sizes, **options):
    return measures.noise_by_batch_size(
        model, small_models.softmax, data, sizes, **options
    )


def every_batch(num_examples, size, replacement):
    """All batches, each as likely as the other."""
    if replacement:
        return itertools.product(range(num_examples), repeat=size)
    return itertools.combinations(range(num_examples), size)


def gradients_of(model, data, positions):
    """Slow twin: the gradients [batches, P] of batches, each through the model."""
    inputs, labels = data
    rows = [list(places) for places in positions]
    return np.stack(
        [small_models.mean_gradient(model, inputs[r], labels[r]) for r in rows]
    )


def predicted_share(found):
    """The exact covariance in units of F, [S]."""
    per_batch = 1.0 / found.batch_sizes
    if found.replacement:
        return per_batch * (1.0 - 1.0 / found.num_examples)
    return per_batch - 1.0 / found.num_examples


class BatchNoiseTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(5)

    @parameterized.parameters(
        (1, False), (3, False), (5, False), (6, False), (1, True), (2, True)
    )
    def test_the_exact_share_is_that_of_every_batch(self, size, replacement):
        model, data = small_models.make("batch_norm", self.rng, num_examples=6)
        found = measure(model, data, [size], replacement=replacement, num_batches=2)
        full = small_models.mean_gradient(model, *data)
        batches = every_batch(6, size, replacement)
        moves = gradients_of(model, data, batches) - full
        share = predicted_share(found)[0]
        trace = np.mean(np.sum(moves**2, axis=1))
        self.assertAllClose(share * found.example_trace, trace, atol=_ROUNDING)
        along = moves @ full / np.linalg.norm(full)
        self.assertAllClose(
            share * found.example_variances[0], np.mean(along**2), atol=_ROUNDING
        )
        self.assertAllClose(found.squared_gradient, full @ full, rtol=_ROUNDING)
        self.assertEqual((found.num_examples, found.mode), (6, "inference"))

    @parameterized.parameters(
        (False, "dense"), (True, "convolution"), (False, "batch_norm")
    )
    def test_drawn_batches(self, replacement, kind):
        model, data = small_models.make(kind, self.rng, num_examples=12)
        drawn = {}

        def remember(draw, num_examples, size, *others):
            drawn[size] = kept(draw, num_examples, size, *others)
            return drawn[size]

        kept = batch_noise._draw
        with mock.patch.object(batch_noise, "_draw", remember):
            found = measure(
                model,
                data,
                [2, 7],
                replacement=replacement,
                num_batches=[9, 16],
                num_directions=2,
                seed=4,
            )
        full = small_models.mean_gradient(model, *data)
        directions = [full / np.linalg.norm(full)]
        for number in range(2):
            parts = measures.random_direction(model, (4, number), "unit")
            directions.append(np.concatenate([part.ravel() for part in parts]))
        self.assertAllEqual(found.num_batches, [9, 16])
        for place, (size, count) in enumerate([(2, 9), (7, 16)]):
            self.assertEqual(drawn[size].shape, (count, size))
            moves = gradients_of(model, data, drawn[size]) - full
            squares = np.sum(moves**2, axis=1)
            along = (moves @ np.transpose(directions)) ** 2
            for value, error, expected in (
                (found.trace, found.trace_standard_error, squares),
                (found.variances, found.variances_standard_error, along),
            ):
                self.assertAllClose(value[place], expected.mean(0), rtol=_ROUNDING)
                expected_error = expected.std(0, ddof=1) / np.sqrt(count)
                self.assertAllClose(error[place], expected_error, rtol=1e-8)

    @parameterized.parameters(False, True)
    def test_it_measures_what_is_predicted(self, replacement):
        model, data = small_models.make("dense", self.rng, num_examples=20)
        sizes = [1, 4, 16, 19]
        found = measure(model, data, sizes, replacement=replacement, num_batches=3000)
        share = predicted_share(found)
        # Of twelve numbers the largest lies within 4 standard errors, but for one
        # seed in a thousand; 3000 batches make that at most some 10 %.
        for value, error, expected in (
            (found.trace, found.trace_standard_error, share * found.example_trace),
            (
                found.variances,
                found.variances_standard_error,
                np.outer(share, found.example_variances),
            ),
        ):
            self.assertAllLess(np.abs(value - expected) / error, 4.0)
            self.assertAllLess(error / expected, 0.04)

    def test_batches_are_drawn_as_asked(self):
        draw = np.random.default_rng(0)
        without = batch_noise._draw(draw, 5, 5, 40, False)
        self.assertAllEqual(np.sort(without), np.tile(np.arange(5), (40, 1)))
        twice = batch_noise._draw(draw, 5, 9, 40, True)
        self.assertEqual((twice.shape, set(twice.ravel())), ((40, 9), set(range(5))))

    def test_the_full_batch_has_no_noise(self):
        model, data = small_models.make("dense", self.rng, num_examples=10)
        found = measure(model, data, [1, 10], num_batches=5)
        self.assertEqual(predicted_share(found)[1], 0.0)
        self.assertAllLess(found.trace[1] / found.trace[0], 1e-25)  # float64, squared
        self.assertAllLess(found.variances[1] / found.trace[0], 1e-25)

    def test_more_than_all_with_replacement(self):
        model, data = small_models.make("dense", self.rng, num_examples=3)
        found = measure(
            model, data, [30], replacement=True, num_batches=2, num_directions=0
        )
        self.assertEqual(found.variances.shape, (1, 1))
        self.assertAllClose(predicted_share(found), [2 / 3 / 30], rtol=1e-12)

    def test_the_seed_decides(self):
        model, data = small_models.make("dense", self.rng, num_examples=9)
        first, again, other = (
            measure(model, data, [3], num_batches=4, seed=seed) for seed in (1, 1, 2)
        )
        self.assertAllEqual(first.trace, again.trace)
        self.assertNotEqual(first.trace[0], other.trace[0])

    def test_both_ways_of_drawing_have_their_own_batches(self):
        # NumPy draws one example of nine alike in both ways from one stream.
        model, data = small_models.make("dense", self.rng, num_examples=9)
        ways = [
            measure(model, data, [1], num_batches=5, seed=1, replacement=replacement)
            for replacement in (False, True)
        ]
        self.assertNotEqual(*(found.trace[0] for found in ways))

    @parameterized.named_parameters(
        ("one_example", 1, [1], {}, "^data=.*at least 2 examples"),
        ("too_large", 9, [4, 10], {}, "^batch_sizes=10: .*at most 9"),
        ("zero", 9, [0], {"replacement": True}, "^batch_sizes=0: "),
        ("none", 9, [], {}, "^batch_sizes=.*at least one"),
        ("batches", 9, [2], {"num_batches": 1}, "^num_batches=1: "),
        ("counts", 9, [2, 3], {"num_batches": (4, 4, 4)}, "^num_batches=.*of the 2 b"),
        ("directions", 9, [2], {"num_directions": -1}, "^num_directions=-1: "),
    )
    def test_mistakes(self, num_examples, sizes, options, message):
        model, data = small_models.make("dense", self.rng, num_examples)
        with self.assertRaisesRegex(errors.UserError, message):
            measure(model, data, sizes, **options)


if __name__ == "__main__":
    tf.test.main()
