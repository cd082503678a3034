"""Tests of the noise scale and its inverse."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors, theory


class NoiseScaleTest(parameterized.TestCase):
    def test_worked_numbers(self):
        self.assertEqual(theory.noise_scale(0.5, 32, 1024), 16.0)
        self.assertEqual(theory.noise_scale(0.5, 32, 1024, exact=True), 15.5)
        self.assertEqual(theory.noise_scale(0.5, 32, 1024, momentum=0.75), 64.0)
        exact = theory.noise_scale(0.5, 32, 1024, momentum=0.75, exact=True)
        self.assertEqual(exact, 62.0)

    def test_full_batch_has_no_noise(self):
        self.assertEqual(theory.noise_scale(3.0, 1000, 1000, 0.9, exact=True), 0.0)

    def test_exact_form_is_the_variance_of_a_sampled_gradient(self):
        # Eq. 15 says variance of one update = rate * g * F / N, F the variance of an
        # example's gradient. Every batch of 3 out of 7 is enumerated, so without
        # sampling noise; drawing without replacement gives (N - B) / (B (N - 1)) times
        # the variance over N, which is (1 / B)(1 - B / N) times the unbiased one.
        gradients = np.random.default_rng(0).normal(size=7)
        indices = np.array(np.meshgrid(*[np.arange(7)] * 3)).reshape(3, -1).T
        batches = indices[np.all(np.diff(indices, axis=1) > 0, axis=1)]
        updates = 0.3 * gradients[batches].mean(axis=1)
        self.assertLen(updates, 35)
        scale = theory.noise_scale(0.3, 3, 7, exact=True)
        predicted = 0.3 * scale * np.var(gradients, ddof=1) / 7
        np.testing.assert_allclose(np.var(updates), predicted, rtol=1e-12)

    @parameterized.product(exact=[False, True], momentum=[0.0, 0.6])
    def test_optimal_batch_size_inverts(self, exact, momentum):
        rng = np.random.default_rng(1)
        sizes = rng.uniform(1.0, 99.0, size=(4, 1))
        rates = rng.uniform(0.01, 3.0, size=5)
        scales = theory.noise_scale(rates, sizes, 100, momentum, exact)
        self.assertEqual(scales.shape, (4, 5))
        found = theory.optimal_batch_size(scales, rates, 100, momentum, exact)
        expected = np.broadcast_to(sizes, (4, 5))
        np.testing.assert_allclose(found, expected, rtol=1e-12)

    def test_optimal_batch_size_scaling_rules(self):
        base = theory.optimal_batch_size(30.0, 1.0, 1000)
        for scaled in (
            theory.optimal_batch_size(30.0, 2.0, 1000),
            theory.optimal_batch_size(30.0, 1.0, 2000),
            theory.optimal_batch_size(30.0, 1.0, 1000, momentum=0.5),
        ):
            np.testing.assert_allclose(scaled, 2 * base, rtol=1e-15)

    @parameterized.named_parameters(
        ("negative_rate", (-1.0, 10, 100), "learning_rate=-1.0"),
        ("text", ("fast", 10, 100), "learning_rate='fast'"),
        ("nan", (float("nan"), 10, 100), "learning_rate=nan"),
        ("no_batch", (1.0, 0, 100), "batch_size=0.0"),
        (
            "batch_over_train",
            (1.0, [10, 101], 100),
            "batch_size=101.0: .*train_size=100",
        ),
        ("no_data", (1.0, 10, 0), "train_size=0.0"),
        ("momentum_of_one", (1.0, 10, 100, [0.9, 1.0]), "momentum=1.0"),
    )
    def test_rejects(self, arguments, message):
        with self.assertRaisesRegex(errors.UserError, message):
            theory.noise_scale(*arguments)

    def test_optimal_batch_size_rejects_zero(self):
        with self.assertRaisesRegex(errors.UserError, "noise_scale=0.0"):
            theory.optimal_batch_size(0.0, 1.0, 100)
        with self.assertRaisesRegex(errors.UserError, "learning_rate=0.0"):
            theory.optimal_batch_size(1.0, 0.0, 100)


if __name__ == "__main__":
    absltest.main()
