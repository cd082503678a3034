"""Tests of the laws of weight distance on exact and on simulated curves."""

import numpy as np
from absl.testing import absltest, parameterized
from scipy import stats

from bsgen import errors, theory

# As runs are evaluated: eight a decade, and 20 equal parts of the last step.
_STEPS = np.unique(
    np.append(np.round(10 ** (np.arange(25) / 8)), 50 * np.arange(1, 21))
)
_LOGS = np.log(_STEPS)
_CURVES = {
    "log": 2 + 1.5 * _LOGS,
    "power": 2 * _STEPS**0.4,
    "sqrt": 2 + 0.4 * np.sqrt(_STEPS),
    "power_and_offset": 2 + 1.5 * (_STEPS**-0.3 - 1) / -0.3,
    "log_power": 2 + 0.5 * _LOGS**1.6,
}


def _simulated(law, length, rng, deviation=0.3):
    """A curve with Ornstein-Uhlenbeck residuals, by its recursion."""
    kept = np.exp(-np.diff(_LOGS) / length)
    residuals = [rng.normal()]
    for share in kept:
        residuals.append(share * residuals[-1] + np.sqrt(1 - share**2) * rng.normal())
    return np.maximum(_CURVES[law] + deviation * np.array(residuals), 0.0)


def _least(count, share):
    """The hits out of `count` that chance goes below once in 10,000 tests."""
    return int(stats.binom.ppf(1e-4, count, share))


class DiffusionTest(parameterized.TestCase):
    @parameterized.parameters(*theory.LAWS)
    def test_exact_curves(self, law):
        fits = {
            each: theory.fit_growth(_STEPS, _CURVES[law], each) for each in theory.LAWS
        }
        found = fits[law]
        self.assertEqual(found.law, law)
        np.testing.assert_allclose(found.r_squared, 1.0, atol=1e-4)
        np.testing.assert_allclose(found.distance(_STEPS), _CURVES[law], rtol=0.01)
        # Of the laws without an offset's freedom to bend, none comes near.
        for other in {"log", "power", "sqrt"} - {law}:
            self.assertGreater(fits[other].criterion, found.criterion + 10)

    def test_parameters_of_exact_curves(self):
        found = theory.fit_growth(_STEPS, _CURVES["log"])
        np.testing.assert_allclose(found.coefficients, [2, 1.5], rtol=1e-9)
        self.assertIsNone(found.shape)
        for law, shape in (("power", 0.4), ("power_and_offset", -0.3)):
            found = theory.fit_growth(_STEPS, _CURVES[law], law)
            np.testing.assert_allclose(found.shape, shape, atol=1e-3)
        slope = theory.log_growth(_STEPS, _CURVES["log"])
        np.testing.assert_allclose(slope, [1.5] * 3, rtol=1e-6)
        for law, p in (("log", 0.0), ("sqrt", 0.5), ("power_and_offset", -0.3)):
            exponent = theory.growth_exponent(_STEPS, _CURVES[law])
            np.testing.assert_allclose(exponent, [p] * 3, atol=1e-3)
        for law, alpha in (("log", 2.0), ("log_power", 1.25)):
            exponent = theory.potential_exponent(_STEPS, _CURVES[law])
            np.testing.assert_allclose(exponent, [alpha] * 3, atol=2e-3)

    @parameterized.parameters(0.1, 1.0, 7.0)
    def test_intervals_cover_the_truth(self, length):
        # From nearly independent residuals to ones as long as the curve.
        rng, count = np.random.default_rng(int(10 * length)), 80
        curves = [_simulated("log", length, rng) for _ in range(count)]
        for name, estimate, truth in (
            ("slope", theory.log_growth, 1.5),
            ("p", theory.growth_exponent, 0.0),
            ("alpha", theory.potential_exponent, 2.0),
        ):
            found = [estimate(_STEPS, curve) for curve in curves]
            hits = sum(each.lower <= truth <= each.upper for each in found)
            self.assertGreaterEqual(hits, _least(count, 0.95), name)

    @parameterized.product(law=("log", "power", "sqrt"), length=(0.3, 3.0))
    def test_the_criterion_finds_the_law(self, law, length):
        rng, count = np.random.default_rng(1), 50
        hits = 0
        for _ in range(count):
            curve = _simulated(law, length, rng)
            criteria = {
                other: theory.fit_growth(_STEPS, curve, other).criterion
                for other in ("log", "power", "sqrt")
            }
            hits += min(criteria, key=criteria.__getitem__) == law
        # It errs in about one curve of a hundred, at these residuals.
        self.assertGreaterEqual(hits, _least(count, 0.98))

    def test_evidence_over_runs(self):
        rng = np.random.default_rng(2)
        for law, sign in (("log", 1), ("sqrt", -1)):
            runs = [_simulated(law, 1.0, rng) for _ in range(6)]
            found = theory.log_growth_evidence(_STEPS, runs, "sqrt")
            self.assertGreater(sign * found.lower, 0)
            self.assertGreater(sign * found.upper, 0)
            differences = [
                theory.fit_growth(_STEPS, run, "sqrt").criterion
                - theory.fit_growth(_STEPS, run, "log").criterion
                for run in runs
            ]
            np.testing.assert_allclose(found.value, np.mean(differences))
        alone = theory.log_growth_evidence(_STEPS, runs[:1], "power")
        self.assertEqual((alone.lower, alone.upper), (-np.inf, np.inf))

    def test_the_start_is_left_out(self):
        steps, distances = np.append(0, _STEPS), np.append(0.0, _CURVES["log"])
        self.assertEqual(
            theory.fit_growth(steps, distances),
            theory.fit_growth(_STEPS, _CURVES["log"]),
        )

    def test_weights_that_do_not_move(self):
        found = theory.fit_growth(_STEPS, np.zeros(len(_STEPS)))
        np.testing.assert_allclose(found.coefficients, [0, 0], atol=1e-12)
        self.assertTrue(np.isfinite(found.criterion))

    @parameterized.named_parameters(
        ("few", np.arange(8), np.arange(8), "steps=7: too few points for a fit"),
        ("negative", _STEPS, -_CURVES["log"], "distances=-2.0: .*at least 0"),
        ("nan", _STEPS, _STEPS * np.nan, "distances=nan"),
        ("order", _STEPS[::-1], _CURVES["log"], "steps=.*give increasing steps"),
        ("before", _STEPS - 2, _CURVES["log"], "steps=-1.0: .*at least 0"),
        ("shape", _STEPS, [1.0, 2.0], r"distances=\(2,\): give one number a step"),
    )
    def test_rejects(self, steps, distances, message):
        for function in (theory.fit_growth, theory.log_growth):
            with self.assertRaisesRegex(errors.UserError, message):
                function(steps, distances)

    def test_rejects_an_unknown_law(self):
        with self.assertRaisesRegex(errors.UserError, "law='logs': .*mean 'log'"):
            theory.fit_growth(_STEPS, _CURVES["log"], "logs")
        found = theory.fit_growth(_STEPS, _CURVES["log"])
        with self.assertRaisesRegex(errors.UserError, "steps=0.0"):
            found.distance([0, 1])


if __name__ == "__main__":
    absltest.main()
