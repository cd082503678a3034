"""Tests of how many steps a call takes."""

import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.training.ensemble import call_length


class CallLengthTest(parameterized.TestCase):
    @parameterized.parameters(
        ([300], 1000, 300),  # one call
        ([300], 100, 100),  # three whole calls
        ([70, 70, 70, 140], 1000, 70),  # no step too many
        ([1, 30], 1000, 30),  # a call for one step costs less than more calls
    )
    def test_known(self, stretches, most, expected):
        self.assertEqual(call_length.choose(np.array(stretches), most), expected)

    def test_no_other_length_costs_less(self):
        random = np.random.default_rng()
        for _ in range(20):
            stretches = random.integers(1, 90, size=random.integers(1, 6))
            most = int(random.integers(1, 120))

            block = int(random.choice([1, 4]))

            def cost(length, stretches=stretches, block=block):
                calls = sum(math.ceil(size / length) for size in stretches)
                steps = length if length % block == 0 else 1.5 * length
                return calls * (steps + 20)  # and a call's own price

            found = call_length.choose(stretches, most, block)
            self.assertBetween(found, 1, most)
            self.assertEqual(cost(found), min(map(cost, range(1, most + 1))))

    def test_whole_blocks(self):
        found = call_length.choose(np.array([50]), most=1000, block=4)
        self.assertEqual(found, 52)


if __name__ == "__main__":
    absltest.main()
