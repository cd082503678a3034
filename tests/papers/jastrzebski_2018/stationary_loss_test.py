"""Tests of the claims on stationary losses, on made-up simulations."""

import functools

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized
from scipy import stats

from bsgen.papers.jastrzebski_2018 import quadratic_minima, stationary_loss
from bsgen.studies import claims
from tests.papers.jastrzebski_2018 import made_up_simulations
from tests.studies import made_up

_EXACT, _EQ7, _EQUAL_RATIOS, _SLOPE, _CRITICAL, _MOMENTUM = range(6)


def _results(num_seeds=2, **arguments):
    rng = np.random.default_rng(0)
    rows = functools.partial(made_up_simulations.rows, generator=rng, **arguments)
    return made_up.measured(quadratic_minima.measurements("quick", num_seeds), rows)


def _judge(**arguments):
    return made_up.judged("jastrzebski_2018/theory", _results(**arguments))


def _verdicts(**arguments):
    return made_up.verdicts(_judge(**arguments))


class StationaryLossTest(parameterized.TestCase):
    def test_sgd_as_it_is(self):
        judged = _judge()
        self.assertEqual(made_up.verdicts(judged), [claims.HOLDS] * 6)
        for claim in judged:
            self.assertBetween(claim.measured, 0.0, 0.07)
            self.assertEqual(claim.kind, claims.CHECK)
            self.assertIn("256 chains", claim.note)

    def test_the_sde_instead_of_sgd(self):
        found = _verdicts(law=made_up_simulations.eq7)
        self.assertEqual(found[_EXACT], claims.FAILS)
        self.assertEqual(found[_CRITICAL], claims.FAILS)
        self.assertEqual(found[_EQ7], claims.HOLDS)

    def test_momentum_without_effect(self):
        def law(rate, size, momentum, eigenvalues):
            return made_up_simulations.exact(rate, size, 0.0, eigenvalues)

        # Stable below 2 without momentum, and near rates are not what is looked at.
        found = _verdicts(law=law)
        self.assertEqual(found[_MOMENTUM], claims.FAILS)
        self.assertEqual(found[_EQ7], claims.HOLDS)

    @parameterized.parameters(0.5, 2.0)
    def test_another_power_of_the_ratio(self, power):
        def law(rate, size, momentum, eigenvalues):
            loss = made_up_simulations.exact(rate, size, momentum, eigenvalues)
            return loss * (rate / size / (1 - momentum)) ** (power - 1)

        self.assertEqual(_verdicts(law=law)[_SLOPE], claims.FAILS)

    def test_a_loss_of_the_learning_rate_alone(self):
        def law(rate, size, momentum, eigenvalues):
            return rate / (1 - momentum) * eigenvalues.sum()

        self.assertEqual(_verdicts(law=law)[_EQUAL_RATIOS], claims.FAILS)

    def test_one_setting_that_departs_is_found(self):
        def law(rate, size, momentum, eigenvalues):
            loss = made_up_simulations.exact(rate, size, momentum, eigenvalues)
            return loss * (1.2 if (rate, size) == (0.04, 10) else 1.0)

        judged = _judge(law=law)
        self.assertEqual(judged[_EXACT].verdict, claims.FAILS)
        self.assertAlmostEqual(judged[_EXACT].measured, 0.2, delta=0.02)

    def test_one_setting_that_departs_is_not_hidden_by_a_wider_interval(self):
        results = _results(error=0.002)
        table = results.measurements
        is_far = (table["spectrum"] == "equal") & (table["batch_size"] == 10)
        table.loc[is_far, "loss"] *= 1.2
        is_vague = (table["spectrum"] == "outliers") & (table["batch_size"] == 10)
        table.loc[is_vague, "standard_error"] *= 200
        found = made_up.judged("jastrzebski_2018/theory", results)[_EXACT]
        self.assertEqual(found.verdict, claims.FAILS)

    def test_wide_intervals_decide_nothing(self):
        self.assertEqual(_verdicts(error=0.1), [claims.UNDECIDED] * 6)

    def test_intervals_hold_together_as_often_as_they_claim(self):
        # All quantities are 1 but for their errors: the largest departure is 0. Of 40
        # quantities, one leaves its own 95 % interval in 87 % of these draws.
        rng = np.random.default_rng(0)
        covered, exceeded = [], []
        for _ in range(400):
            found = stationary_loss.largest_departure(
                _simulated(1 + 0.1 * rng.normal(size=(40, 3)), error=0.1), _all
            ).interval()
            covered.append(found.lower == 0)
            exceeded.append(found.upper > found.value)
        # 95 % of 400, within four standard deviations of 1.1 %.
        self.assertBetween(np.mean(covered), 0.906, 0.995)
        self.assertTrue(all(exceeded))

    def test_the_largest_departure_by_hand(self):
        losses = np.array([[1.0, 1.02], [0.8, 0.84], [1.1, 1.06]])
        simulated = _simulated(losses, error=0.01)
        found = stationary_loss.largest_departure(simulated, _all).interval()
        # Means 1.01, 0.82, 1.08, each with an error of 0.01 / sqrt(2); three intervals
        # of 256 - 2 degrees share the 5 %.
        reach = stats.t.isf(0.025 / 3, 254) * 0.01 / np.sqrt(2)
        np.testing.assert_allclose(found, (0.18, 0.18 - reach, 0.18 + reach))

    def test_a_ratio_of_two_losses_has_the_errors_of_both(self):
        found = _judge(error=0.002)[_MOMENTUM]
        # Of 9 ratios near 1, each of two means over 2 seeds.
        reach = stats.t.isf(0.025 / 9, 254) * 0.002
        self.assertAlmostEqual(found.interval[1] - found.measured, reach, delta=3e-4)

    def test_it_is_repeated_on_seeds(self):
        losses = np.array([[1.0, 1.2], [1.0, 1.0]])
        found = stationary_loss.largest_departure(_simulated(losses, 0.01), _all)
        values = set(found.resampled(100).values.round(9).tolist())
        self.assertEqual(values, {0.0, 0.1, 0.2})

    def test_slopes_by_least_squares(self):
        simulated = stationary_loss.analyse(_results(num_seeds=2))
        small = simulated.small[simulated.small["momentum"] == 0.0]
        expected = [
            np.polyfit(np.log(part["ratio"]), np.log(part["loss"]), 1, cov=False)[0]
            for _, part in small.groupby("spectrum")
        ]
        furthest = max(np.abs(np.array(expected) - 1))
        self.assertAlmostEqual(_judge()[_SLOPE].measured, furthest)

    def test_slopes_have_the_errors_of_their_losses(self):
        rows = pd.DataFrame({"spectrum": "equal", "ratio": [1.0, 2.0, 4.0]})
        losses, errors = np.array([[1.0, 3.0, 4.0], [0.1, 0.7, 0.3]])[:, :, np.newaxis]
        slopes, found = stationary_loss._slopes(rows)(losses, errors)
        # From ratio 1 to 4 alone: the one between has no weight.
        self.assertAlmostEqual(slopes.item(), 1.0)
        self.assertAlmostEqual(found.item(), np.hypot(0.1, 0.3) / np.log(4))

    def test_seeds_are_pooled(self):
        results = _results(num_seeds=3)
        table = results.measurements
        simulated = stationary_loss.analyse(results)
        found = simulated.settings
        self.assertLen(found, len(table) / 3)
        self.assertEqual(simulated.num_chains, 3 * 128)
        row = found.iloc[5]
        same = ["spectrum", "learning_rate", "batch_size", "momentum"]
        three = table.merge(found.iloc[[5]][same], on=same)
        self.assertLen(three, 3)
        self.assertAlmostEqual(row["loss"], three["loss"].mean())
        np.testing.assert_allclose(simulated.losses[5], three["loss"])
        error = np.sqrt(np.sum(three["standard_error"] ** 2)) / 3
        reach = stats.t.ppf(0.975, 3 * 127) * error / three["loss"].mean()
        self.assertAlmostEqual(row["relative_reach"], reach)


def _simulated(losses, error):
    """Settings that are predicted to have the loss 1, [settings, seeds]."""
    losses = np.asarray(losses, float)
    none = pd.DataFrame()
    variances = np.full_like(losses, error**2)
    num_chains = 128 * losses.shape[1]
    return stationary_loss.Simulated(none, none, losses, variances, num_chains)


def _all(losses, errors):
    return losses, losses * errors


if __name__ == "__main__":
    absltest.main()
