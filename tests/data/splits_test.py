"""Tests of `bsgen.data.splits`."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import config as configuration
from bsgen import errors
from bsgen.data import pool, splits
from bsgen.data.datasets import digits


def _official():
    """40 examples for training at odd places, 20 for the test."""
    positions = np.arange(60)
    test = positions[::3]
    train = np.setdiff1d(positions, test)
    inputs = positions.astype(np.float32)[:, np.newaxis]
    return pool.Pool("official", inputs, np.zeros(60, np.int32), 1, train, test)


def _split(examples, train_size=None, validation_size=0, seed=0):
    config = configuration.DataConfig(
        train_size=train_size, validation_size=validation_size, subset_seed=seed
    )
    return splits.split(examples, config)


class SplitsTest(parameterized.TestCase):
    @parameterized.parameters(0, 1, 12345)
    def test_digits_parts_are_disjoint_and_complete(self, seed):
        split = _split(digits.load(), validation_size=200, seed=seed)
        parts = (split.train, split.validation, split.test)
        self.assertEqual([len(part) for part in parts], [1000, 200, 597])
        self.assertEqual({part.dtype for part in parts}, {np.dtype(np.int32)})
        self.assertCountEqual(np.concatenate(parts), range(1797))

    def test_seed_draws_the_test_set_of_digits(self):
        first, second = (_split(digits.load(), seed=seed).test for seed in (0, 1))
        # Two random thirds share a third of each: 198 +- 12.
        self.assertBetween(np.intersect1d(first, second).size, 150, 246)

    def test_official_test_set_is_kept_whole(self):
        examples = _official()
        split = _split(examples, train_size=10, validation_size=5)
        np.testing.assert_array_equal(split.test, examples.test_pool)
        drawn = np.concatenate([split.train, split.validation])
        self.assertLen(np.unique(drawn), 15)
        self.assertContainsSubset(drawn, examples.train_pool)

    def test_subsets_are_nested_and_clear_of_validation(self):
        splits_ = [_split(_official(), size, 10, seed=3) for size in (1, 7, 30)]
        for split in splits_:
            size = len(split.train)
            np.testing.assert_array_equal(split.train, splits_[-1].train[:size])
            np.testing.assert_array_equal(split.validation, splits_[-1].validation)
        self.assertEmpty(np.intersect1d(splits_[-1].train, splits_[-1].validation))

    def test_every_example_is_as_likely_to_be_drawn(self):
        counts = np.zeros(60)
        for seed in range(400):
            counts[_split(_official(), train_size=10, seed=seed).train] += 1
        counts = counts[_official().train_pool]
        # Each is drawn 100 +- 8.7 times; five standard deviations.
        self.assertBetween(counts.min(), 57, 100)
        self.assertBetween(counts.max(), 100, 143)

    def test_another_pool_without_a_split_gives_a_third_to_the_test(self):
        labels = np.zeros(31, np.int32)
        examples = pool.Pool("mine", np.zeros([31, 2], np.float32), labels, 1)
        split = _split(examples)
        self.assertEqual((len(split.train), len(split.test)), (21, 10))

    def test_too_many_examples(self):
        with self.assertRaisesRegex(errors.UserError, "train_size=31: .*most 30:"):
            _split(_official(), 31, 10)
        with self.assertRaisesRegex(errors.UserError, "validation_size=40: .*most 39:"):
            _split(_official(), None, 40)
        self.assertLen(_split(_official(), 30, 10).train, 30)


if __name__ == "__main__":
    absltest.main()
