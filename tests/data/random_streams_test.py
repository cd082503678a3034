"""Tests of `bsgen.data.random_streams`."""

import itertools

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.data import random_streams

Purpose = random_streams.Purpose


class RandomStreamsTest(parameterized.TestCase):
    def test_equal_names_give_equal_numbers(self):
        first, second = (
            random_streams.generator(Purpose.EPOCH, 7, 3).integers(2**62, size=5)
            for _ in range(2)
        )
        np.testing.assert_array_equal(first, second)

    def test_purpose_seed_and_index_each_give_another_stream(self):
        drawn = [
            tuple(random_streams.generator(*name).integers(2**62, size=2))
            for name in itertools.product(Purpose, (0, 1, 2**64 - 1), (0, 1, 2))
        ]
        self.assertLen(set(drawn), len(Purpose) * 9)

    def test_one_after_the_other_they_are_the_same(self):
        streams = random_streams.Streams(Purpose.EPOCH, 7)
        for index in (3, 0, 3, 2**40):
            expected = random_streams.generator(Purpose.EPOCH, 7, index)
            found = streams.at(index)
            for draw in (
                lambda g: g.integers(9, size=3, dtype=np.int32),
                lambda g: g.random(5),
            ):
                np.testing.assert_array_equal(draw(found), draw(expected))

    @parameterized.parameters(-1, 2**64)
    def test_rejects_seeds_that_do_not_fit(self, seed):
        with self.assertRaisesRegex(errors.UserError, f"seed={seed}: .*2\\^64 - 1"):
            random_streams.generator(Purpose.EPOCH, seed)


if __name__ == "__main__":
    absltest.main()
