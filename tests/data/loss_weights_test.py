"""Tests of `bsgen.data.loss_weights`."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.data import loss_weights


class DrawsTest(parameterized.TestCase):
    @parameterized.parameters(1, 128, 2048, 5000)
    def test_any_piece_equals_the_whole(self, count):
        whole = loss_weights.draws(0.7, 3, 0, 20_000)
        self.assertEqual((whole.shape, whole.dtype), ((20_000,), np.float32))
        for first in (0, 1, 4095, 4096, 9_999):
            piece = loss_weights.draws(0.7, 3, first, count)
            self.assertEqual(piece.dtype, np.float32)
            np.testing.assert_array_equal(piece, whole[first : first + count])

    def test_draws_stay_what_they_were(self):
        # Runs are trained again and resumed with the draws that they had; recorded.
        expected = [0.16327727, 1.3426783, 1.1804909, 0.91479665]
        drawn = loss_weights.draws(1.0, 5, 4094, 4)
        np.testing.assert_allclose(drawn, expected, rtol=1e-6)

    def test_moments_are_those_of_a_normal_distribution(self):
        size, sigma = 200_000, 1.5
        normal = (loss_weights.draws(sigma, 4, 12_345, size) - 1) / sigma
        # The mean of the k-th power of n standard normal numbers has the variance
        # (E x^2k - (E x^k)^2) / n: 1, 2, 15 and 96 over n for k = 1 to 4. Five
        # standard deviations are allowed.
        for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
            deviation = (variance / size) ** 0.5
            self.assertAlmostEqual(
                np.mean(normal.astype(float) ** power), mean, delta=5 * deviation
            )

    def test_neighbours_seeds_and_blocks_are_independent(self):
        size = 40_960
        drawn = loss_weights.draws(1.0, 5, 0, size) - 1
        other = loss_weights.draws(1.0, 6, 0, size) - 1
        # The mean product of n independent pairs has standard deviation 1 / sqrt(n).
        for first, second in (
            (drawn, other),
            (drawn[1:], drawn[:-1]),
            (drawn[4096:], drawn[:-4096]),
        ):
            correlation = np.mean(first * second)
            self.assertLess(abs(correlation), 5 / len(first) ** 0.5)

    def test_sigma_scales_the_same_draws(self):
        one, three = (loss_weights.draws(s, 7, 10, 100) for s in (1.0, 3.0))
        np.testing.assert_allclose(three - 1, 3 * (one - 1), rtol=0, atol=2e-6)
        np.testing.assert_array_equal(loss_weights.draws(0.0, 7, 10, 100), np.ones(100))

    def test_writing_to_a_piece_leaves_the_draws(self):
        first = loss_weights.draws(1.0, 8, 0, 4096)
        expected = first.copy()
        first[:] = 99
        np.testing.assert_array_equal(loss_weights.draws(1.0, 8, 0, 4096), expected)

    @parameterized.parameters(
        ((-1.0, 0, 0, 1), "sigma=-1.0"),
        ((1.0, 0, -1, 1), "first_place=-1"),
        ((1.0, 0, 0, 0), "count=0"),
    )
    def test_rejects(self, arguments, message):
        with self.assertRaisesRegex(errors.UserError, message):
            loss_weights.draws(*arguments)


if __name__ == "__main__":
    absltest.main()
