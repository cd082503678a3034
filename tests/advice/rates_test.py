"""Tests of the regime, and of the learning rate for another batch size."""

import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors, theory
from bsgen.advice import rates
from tests.advice import made_up

_with = made_up.situation_with


class BoundaryTest(parameterized.TestCase):
    def test_linear_rule_reaches_the_critical_rate_at_the_boundary(self):
        rng = np.random.default_rng()
        for _ in range(20):
            rate, critical = np.exp(rng.normal(size=2))
            size = int(rng.integers(1, 1000))
            momentum = rng.uniform(0, 0.99)
            one = _with(
                batch_size=size,
                learning_rate=rate,
                critical_learning_rate=critical,
                momentum=momentum,
            )
            boundary = one.boundary_batch_size
            np.testing.assert_allclose(rate * boundary / size, critical, rtol=1e-12)
            # The noise scale of now and that at the boundary are the same.
            if boundary < one.train_size:
                scales = theory.noise_scale(
                    [rate, critical], [size, boundary], one.train_size, momentum
                )
                np.testing.assert_allclose(*scales, rtol=1e-12)

    def test_nothing_bounds_the_rate_where_nothing_curves_upwards(self):
        one = _with(critical_learning_rate=math.inf)
        self.assertEqual(one.boundary_batch_size, math.inf)
        self.assertEqual(rates.regime(one), rates.NOISE)
        self.assertAlmostEqual(rates.advised(one), 0.1 * 16 / 4.75)


class RegimeTest(parameterized.TestCase):
    @parameterized.parameters(
        (0.05, rates.NOISE),
        (0.5, rates.NOISE),
        (0.51, rates.BOUNDARY),
        (0.99, rates.BOUNDARY),
        (1.0, rates.CURVATURE),
        (7.0, rates.CURVATURE),
    )
    def test_share_of_the_critical_rate_decides(self, share, expected):
        one = _with(learning_rate=share, critical_learning_rate=1.0)
        self.assertEqual(rates.regime(one), expected)

    @parameterized.parameters(
        # Noise dominated by its rate; noise scale, error, whether that agrees.
        (0.1, 480.0, 30.0, True),
        (0.1, 10.0, 2.0, False),
        (0.1, 40.0, 5.0, None),
        (0.1, math.inf, math.inf, True),
        (0.1, 480.0, math.inf, None),
        # Curvature dominated.
        (0.9, 480.0, 30.0, False),
        (0.9, 10.0, 2.0, True),
        # Near the boundary.
        (0.6, 480.0, 30.0, None),
    )
    def test_noise_scale_agrees_or_not(self, rate, scale, error, expected):
        one = _with(
            learning_rate=rate,
            gradient_noise_scale=scale,
            gradient_noise_scale_error=error,
        )
        self.assertEqual(rates.measures_agree(one), expected)


class AdvisedRateTest(parameterized.TestCase):
    @parameterized.parameters(
        (64, 0.1 * 16 / 8.5),  # in proportion to 1 / (1 + 480 / B)
        (480, 0.1 * 16 / 2),
        (960, 0.8),  # 1.07 by that, but 0.8 is the critical rate
        (50_000, 0.8),
        (32, 0.1),
        (8, 0.025),  # down in proportion
    )
    def test_by_gradient_noise_up_to_the_critical_rate(self, target, expected):
        one = _with(target_batch_size=target)
        self.assertAlmostEqual(rates.advised(one), expected, places=12)

    def test_all_noise_or_none(self):
        noise = _with(gradient_noise_scale=math.inf)
        self.assertAlmostEqual(rates.advised(noise), 0.4)  # the linear rule
        calm = _with(gradient_noise_scale=1e-9)
        self.assertAlmostEqual(rates.advised(calm), 0.1)  # no change

    def test_lies_between_no_change_and_the_linear_rule(self):
        draw = np.random.default_rng()
        for _ in range(50):
            scale, critical = np.exp(3 * draw.normal(size=2))
            one = _with(gradient_noise_scale=scale, critical_learning_rate=critical)
            found, rules = rates.advised(one), rates.by_rule(one)
            self.assertLessEqual(rules["none"], found)
            self.assertLessEqual(found, rules["linear"])

    def test_rate_beyond_the_critical_one_stays(self):
        one = _with(learning_rate=1.5, target_batch_size=4096)
        self.assertEqual(rates.advised(one), 1.5)

    def test_rules_of_the_papers(self):
        found = rates.by_rule(made_up.PRESENT)
        self.assertAlmostEqual(found["linear"], 0.4)
        self.assertAlmostEqual(found["sqrt"], 0.2)
        self.assertAlmostEqual(found["none"], 0.1)

    def test_updates_needed(self):
        # (1 + 480 / 128) / (1 + 480 / 32) = 4.75 / 16
        self.assertAlmostEqual(rates.updates_needed(made_up.PRESENT), 0.296875)
        # All noise: in proportion; no noise: as many as before.
        noise = _with(gradient_noise_scale=math.inf)
        self.assertAlmostEqual(rates.updates_needed(noise), 0.25)
        calm = _with(gradient_noise_scale=1e-9)
        self.assertAlmostEqual(rates.updates_needed(calm), 1.0)


class MistakesTest(parameterized.TestCase):
    @parameterized.parameters(
        ({"target_batch_size": 0}, "target_batch_size=0: give an integer"),
        ({"target_batch_size": 60_000}, "there are 50,000 training examples"),
        ({"batch_size": 50_001}, "batch_size=50001: there are 50,000"),
        ({"learning_rate": 0.0}, "learning_rate=0.0: give a number above 0"),
        ({"learning_rate": -1.0}, "learning_rate=-1.0: give a finite number"),
        ({"learning_rate": math.nan}, "learning_rate=nan"),
        ({"momentum": 1.0}, "momentum=1.0"),
        ({"gradient_noise_scale": math.nan}, "gradient_noise_scale=nan"),
        ({"gradient_noise_scale": -3.0}, "give a number above 0, or inf"),
        ({"critical_learning_rate_error": -1.0}, "critical_learning_rate_error=-1.0"),
        ({"normalization": "layer"}, "normalization='layer': unknown"),
    )
    def test_one_line(self, changes, message):
        with self.assertRaisesRegex(errors.UserError, message) as caught:
            _with(**changes)
        self.assertNotIn("\n", str(caught.exception))


if __name__ == "__main__":
    absltest.main()
