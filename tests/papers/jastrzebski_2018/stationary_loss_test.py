"""Tests of the claims on stationary losses, on made-up simulations."""

import functools

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

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
            self.assertBetween(claim.measured, 0.93, 1.07)
            self.assertIn("256 independent chains", claim.note)

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
        self.assertAlmostEqual(judged[_EXACT].measured, 1.2, delta=0.02)

    def test_wide_intervals_decide_nothing(self):
        self.assertEqual(_verdicts(error=0.1), [claims.UNDECIDED] * 6)

    def test_intervals_hold_together_as_often_as_they_claim(self):
        inside = []
        for seed in range(200):
            rng = np.random.default_rng(seed)
            values = pd.Series(1 + 0.1 * rng.normal(size=40))
            rows = pd.DataFrame({"degrees": [300] * 40, "relative_error": 0.1 / values})
            found = stationary_loss.furthest(rows, values).interval()
            inside.append(found.lower <= 1 <= found.upper)
        # 95 % of 200, within four standard deviations of 1.5 %.
        self.assertBetween(np.mean(inside), 0.89, 1.0)
        self.assertLess(np.mean(inside), 1.0)

    def test_seeds_are_pooled(self):
        results = _results(num_seeds=3)
        table = results.measurements
        found = stationary_loss.analyse(results).settings
        self.assertLen(found, len(table) / 3)
        row = found.iloc[5]
        same = ["spectrum", "learning_rate", "batch_size", "momentum"]
        three = table.merge(found.iloc[[5]][same], on=same)
        self.assertLen(three, 3)
        self.assertAlmostEqual(row["loss"], three["loss"].mean())
        error = np.sqrt(np.sum(three["standard_error"] ** 2)) / 3
        self.assertAlmostEqual(row["relative_error"], error / three["loss"].mean())
        self.assertEqual(row["degrees"], 3 * 127)


if __name__ == "__main__":
    absltest.main()
