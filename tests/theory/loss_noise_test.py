"""Tests of `bsgen.theory.loss_noise`."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors, theory
from bsgen.data import loss_weights, sampling

_TRAIN_SIZE, _STEPS = 12, 40_000


def _gradients(batch_size, sigma, gradients, seed):
    """Draws weighted gradients of batches, [_STEPS, P]."""
    places = sampling.independent_batches(seed, 0, _STEPS, batch_size, _TRAIN_SIZE)
    weights = loss_weights.draws(sigma, seed, 0, _STEPS * batch_size)
    weights = weights.reshape(places.shape)[..., None]
    return (gradients[places] * weights).mean(axis=1)


class LossNoiseTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.of_examples = np.random.default_rng(0).normal(size=(_TRAIN_SIZE, 3)) + 0.4

    @parameterized.parameters((8, 8, 0.0), (50, 10, 2.0), (2048, 128, 15**0.5))
    def test_by_hand(self, batch_size, small, sigma):
        np.testing.assert_allclose(theory.loss_noise(batch_size, small), sigma)

    @parameterized.parameters((1, 1.0), (4, 0.0), (4, 1.5), (12, 2.0))
    def test_mean_and_covariance_of_noisy_gradients(self, batch_size, sigma):
        drawn = _gradients(batch_size, sigma, self.of_examples, seed=3)
        mean = self.of_examples.mean(axis=0)
        covariance = np.cov(self.of_examples.T)
        second_moment = self.of_examples.T @ self.of_examples / _TRAIN_SIZE
        expected = (1 / batch_size - 1 / _TRAIN_SIZE) * covariance
        expected += sigma**2 / batch_size * second_moment
        # 12 comparisons within five standard errors, which the draws themselves give.
        products = [np.outer(d, d).ravel() for d in drawn - mean]
        for values, wanted in ((drawn, mean), (products, expected.ravel())):
            error = np.std(values, axis=0) / _STEPS**0.5
            difference = np.abs(np.mean(values, axis=0) - wanted)
            np.testing.assert_array_less(difference, 5 * error + 1e-6)

    @parameterized.parameters(1, 2, 5)
    def test_makes_the_covariance_that_of_a_small_batch(self, small):
        # Of gradients with mean 0, up to the N / (N - 1) that the formula leaves out.
        centred = self.of_examples - self.of_examples.mean(axis=0)
        covariance, batch_size = np.cov(centred.T), 6
        sigma = theory.loss_noise(batch_size, small)
        noisy = (1 / batch_size - 1 / _TRAIN_SIZE) * covariance
        noisy += sigma**2 / batch_size * centred.T @ centred / _TRAIN_SIZE
        plain = (1 / small - 1 / _TRAIN_SIZE) * covariance
        left_out = (1 / small - 1 / batch_size) / _TRAIN_SIZE * covariance
        np.testing.assert_allclose(noisy, plain - left_out, rtol=1e-12, atol=1e-12)

    @parameterized.parameters((4, 8, "batch_size / small"), (4, 0, "small_batch_size"))
    def test_rejects(self, batch_size, small, argument):
        with self.assertRaisesRegex(errors.UserError, f"^{argument}"):
            theory.loss_noise(batch_size, small)


if __name__ == "__main__":
    absltest.main()
