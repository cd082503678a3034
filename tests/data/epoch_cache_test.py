import numpy as np
from absl.testing import absltest

from bsgen.data import epoch_cache


class EpochCacheTest(absltest.TestCase):
    def test_keeps_the_first_and_the_two_that_were_read_last(self):
        read = []

        def make(number):
            read.append(number)
            return [np.array([number])]

        epochs = epoch_cache.EpochCache(make)
        for number in (0, 1, 0, 1, 2, 1, 0, 3, 2, 0):
            self.assertEqual(epochs[number][0], number)
        self.assertEqual(read, [0, 1, 2, 3])
        self.assertEqual(epochs[1][0], 1)  # another run begins
        self.assertEqual(read, [0, 1, 2, 3, 1])


if __name__ == "__main__":
    absltest.main()
