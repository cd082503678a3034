"""Tests of `bsgen.data.sampling`."""

import itertools
import time

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.data import random_streams, sampling

_KINDS = (sampling.batches, sampling.independent_batches)


class BatchesTest(parameterized.TestCase):
    @parameterized.product(kind=_KINDS, batch_size=(1, 7, 32, 100))
    def test_any_window_equals_the_whole(self, kind, batch_size):
        whole = kind(5, 0, 200, batch_size, 100)
        self.assertEqual(whole.shape, (200, batch_size))
        self.assertEqual(whole.dtype, np.int32)
        for first, size in ((0, 1), (3, 17), (63, 2), (64, 64), (131, 69)):
            window = kind(5, first, size, batch_size, 100)
            np.testing.assert_array_equal(window, whole[first : first + size])

    @parameterized.parameters(*_KINDS)
    def test_seeds_differ(self, kind):
        first, second = (kind(seed, 0, 10, 8, 1000) for seed in (0, 1))
        # Two unrelated rows share a place in 1 of 1000 cases.
        self.assertLess((first == second).mean(), 0.1)

    @parameterized.parameters(1, 7, 32, 100)
    def test_each_epoch_is_one_permutation(self, batch_size):
        # 100 batches of B are exactly B epochs of 100 examples.
        stream = sampling.batches(1, 0, 100, batch_size, 100).reshape(-1, 100)
        np.testing.assert_array_equal(
            np.sort(stream, axis=1), np.tile(np.arange(100), (batch_size, 1))
        )
        for one, other in itertools.pairwise(stream):
            self.assertLess((one == other).mean(), 0.2)

    @parameterized.parameters(1, 7, 100, 101)
    def test_stream_is_what_the_batches_cut(self, count):
        whole = sampling.batches(1, 0, 50, 10, 100).ravel()
        for first in (0, 1, 95, 100, 199, 350):
            piece = sampling.stream(1, first, count, 100)
            self.assertEqual(piece.dtype, np.int32)
            np.testing.assert_array_equal(piece, whole[first : first + count])

    def test_stream_against_permutations_drawn_one_by_one(self):
        epochs = [
            random_streams.generator(
                random_streams.Purpose.EPOCH, 9, epoch
            ).permutation(37)
            for epoch in range(4)
        ]
        stream = sampling.stream(9, 0, 4 * 37, 37)
        np.testing.assert_array_equal(stream, np.concatenate(epochs))

    def test_writing_to_a_piece_leaves_the_stream(self):
        first = sampling.stream(2, 0, 20, 20)
        expected = first.copy()
        first[:] = -1
        np.testing.assert_array_equal(sampling.stream(2, 0, 20, 20), expected)

    def test_single_steps_of_a_large_set_are_cheap(self):
        sampling.stream(3, 0, 256, 1_281_167)
        start = time.process_time()
        for step in range(100):
            sampling.stream(3, 256 * step, 256, 1_281_167)
        # A permutation takes 12 ms or more; a cached step about 2 us.
        self.assertLess((time.process_time() - start) / 100, 2e-3)

    @parameterized.parameters(
        ((0, -1, 1, 10), "first_place=-1"),
        ((0, 0, 0, 10), "count=0"),
        ((0, 0, 1, 0), "train_size=0"),
    )
    def test_stream_rejects(self, arguments, message):
        with self.assertRaisesRegex(errors.UserError, message):
            sampling.stream(*arguments)

    def test_one_step(self):
        expected = sampling.batches(3, 0, 40, 6, 50)
        for step in (0, 8, 39):
            positions = sampling.batch_positions(3, step, 6, 50)
            np.testing.assert_array_equal(positions, expected[step])

    @parameterized.parameters((3, 10), (50, 60), (10, 10), (20, 2000))
    def test_independent_batches_hold_no_example_twice(self, batch_size, train_size):
        rows = sampling.independent_batches(2, 0, 300, batch_size, train_size)
        self.assertBetween(rows.min(), 0, train_size - 1)
        self.assertBetween(rows.max(), 0, train_size - 1)
        self.assertTrue((np.diff(np.sort(rows, axis=1)) > 0).all())

    def test_independent_batches_are_uniform_over_all_subsets(self):
        rows = sampling.independent_batches(4, 0, 20_000, 2, 5)
        subsets, counts = np.unique(np.sort(rows, axis=1), axis=0, return_counts=True)
        self.assertLen(subsets, 10)
        # Each of 10 subsets: 2000 +- 42; five standard deviations.
        np.testing.assert_allclose(counts, 2000, atol=212)

    def test_batch_means_have_the_variance_of_each_way(self):
        # Without replacement in a batch of B from N values with variance s^2 (over
        # N - 1), a mean has variance s^2 (1/B - 1/N); independent batches add none
        # between steps, whereas those of one epoch must average to the mean of all.
        values = np.random.default_rng(0).standard_normal(100)
        variance = values.var(ddof=1) * (1 / 20 - 1 / 100)
        for kind, expected in (
            (sampling.independent_batches, variance / 5),
            (sampling.batches, 0),
        ):
            means = values[kind(6, 0, 20_000, 20, 100)].mean(axis=1)
            # A variance over n draws is off by a factor 1 +- sqrt(2 / n); five of them.
            self.assertAlmostEqual(means.var() / variance, 1, delta=0.05)
            epochs = means.reshape(-1, 5).mean(axis=1)
            self.assertAlmostEqual(epochs.var(), expected, delta=0.12 * variance / 5)

    @parameterized.product(kind=_KINDS, batch_size=(0, -1, 11))
    def test_rejects_batch_sizes_out_of_range(self, kind, batch_size):
        with self.assertRaisesRegex(
            errors.UserError, f"batch_size={batch_size}: give 1 to train_size=10"
        ):
            kind(0, 0, 1, batch_size, 10)

    @parameterized.parameters(*_KINDS)
    def test_rejects_steps_out_of_range(self, kind):
        with self.assertRaisesRegex(errors.UserError, "first_step=-1"):
            kind(0, -1, 1, 1, 10)
        with self.assertRaisesRegex(errors.UserError, "num_steps=0"):
            kind(0, 0, 0, 1, 10)


if __name__ == "__main__":
    absltest.main()
