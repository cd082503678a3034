"""Tests of `bsgen.theory.loss_noise`."""

import itertools

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


def _covariance(gradients, batch_size, sigma, replacement):
    """The covariance of weighted gradients over every batch there is, exactly."""
    places = range(len(gradients))
    if replacement:
        batches = list(itertools.product(places, repeat=batch_size))
    else:
        batches = list(itertools.combinations(places, batch_size))
    of_batches = gradients[np.array(batches)]  # [batches, batch_size, P]
    between = np.cov(of_batches.mean(axis=1).T, bias=True)
    # That of the weights, given a batch.
    within = np.einsum("bip,biq->pq", of_batches, of_batches) / len(batches)
    return between + sigma**2 / batch_size**2 * within


class LossNoiseTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.of_few = np.random.default_rng().normal(size=(6, 2)) + 0.7
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

    @parameterized.product(size=(2, 4, 6), small=(1, 2), replacement=(False, True))
    def test_every_batch_of_a_few_examples(self, size, small, replacement):
        train_size = None if replacement else 6
        sigma = theory.loss_noise(size, small, train_size)
        noisy = _covariance(self.of_few, size, sigma, replacement)
        plain = _covariance(self.of_few, small, 0.0, replacement)
        gradient = self.of_few.mean(axis=0)
        rest = (1 / small - 1 / size) * (1 if replacement else 6 / 5)
        expected = plain + rest * np.outer(gradient, gradient)
        np.testing.assert_allclose(noisy, expected, atol=1e-12)
        # The rest is at most so large a part.
        if not replacement:
            most = 6 / 5 * gradient @ gradient / np.trace(np.cov(self.of_few.T))
            share = rest * (gradient @ gradient) / np.trace(plain)
            self.assertLess(share, most * (1 + 1e-12))

    @parameterized.product(size=(2, 3, 6), small=(1, 2), replacement=(False, True))
    def test_the_steps_of_the_square_root_rate(self, size, small, replacement):
        train_size = None if replacement else 6
        sigma = theory.loss_noise(size, small, train_size, target="sqrt_rate")
        noisy = _covariance(self.of_few, size, sigma, replacement)
        faster = size / small * _covariance(self.of_few, size, 0.0, replacement)
        gradient = self.of_few.mean(axis=0)
        rest = sigma**2 / size * np.outer(gradient, gradient)
        np.testing.assert_allclose(noisy, faster + rest, atol=1e-12)

    def test_the_targets_agree_where_batches_are_small(self):
        for target in ("small_batch", "sqrt_rate"):
            sigma = theory.loss_noise([64, 64], 16, [1e9, 65], target)
            np.testing.assert_allclose(sigma[0], 3**0.5, rtol=1e-6)
        np.testing.assert_allclose(sigma[1], (3 / 64) ** 0.5)

    @parameterized.parameters(
        ((4, 8), "batch_size / small"),
        ((4, 0), "small_batch_size"),
        ((4, 2, 3), "batch_size=4"),
        ((1, 1, 1), "train_size=1"),
        ((4, 2, 8, "sqrt"), "target='sqrt'"),
    )
    def test_rejects(self, arguments, message):
        with self.assertRaisesRegex(errors.UserError, f"^{message}"):
            theory.loss_noise(*arguments)


if __name__ == "__main__":
    absltest.main()
