"""Tests of the claims of figure 4 on made-up lines."""

import numpy as np
import pandas as pd
from absl.testing import absltest

from bsgen.papers.jastrzebski_2018 import interpolations, lines
from bsgen.studies import claims, study
from tests.papers.jastrzebski_2018 import made_up_lines
from tests.studies import made_up

_ALPHAS = np.linspace(-1, 2, 301)


def _results(num_seeds=4, **arguments):
    rng = np.random.default_rng(0)
    return made_up.measured(
        lines.measurements("quick", num_seeds),
        lambda entry: made_up_lines.rows(entry, rng, **arguments),
    )


def _judge(num_seeds=4, **arguments):
    results = _results(num_seeds, **arguments)
    return made_up.judged("jastrzebski_2018/fig4", results)


def _of_ratio(exponent):
    return lambda rate, size, initial: 2.0 * (rate / size / 1e-3) ** exponent


def _line(losses, **settings):
    """The rows of one line."""
    same = {
        "panel": "a",
        "model": "mlp",
        "learning_rate": 0.1,
        "batch_size": 10,
        "other_learning_rate": 0.1,
        "other_batch_size": 20,
        "seed": 0,
        "crossed": False,
        "distance": 5.0,
    }
    rows = {"alpha": _ALPHAS, "train_cross_entropy": losses}
    return pd.DataFrame(rows).assign(**{**same, **settings})


def _widths(table):
    none = pd.DataFrame()
    (panel,) = interpolations.analyse(study.Results(none, none, table))
    return panel.widths


class ClaimsTest(absltest.TestCase):
    def test_the_claims_of_the_paper(self):
        judged = _judge(width_of=_of_ratio(0.2))
        self.assertEqual(made_up.verdicts(judged), [claims.HOLDS] * 4)
        expected = [6.25**0.2, 6.25**0.2, 1.0, 6.25**0.2]
        np.testing.assert_allclose([c.measured for c in judged], expected, rtol=0.05)
        self.assertIn("4 seeds", judged[0].note)
        self.assertEndsWith(judged[3].claim, "wider minimum at equal training loss")
        self.assertIn("0.25 / 40 trains for 10 epochs only", judged[3].note)
        self.assertNotIn("epochs", judged[0].note)
        self.assertIn("where it is 0.001 and 0.001 ", judged[0].note)
        self.assertIn("0.25 / 40 over that of 0.25 / 250", judged[0].quantity)

    def test_the_contrary(self):
        judged = _judge(width_of=_of_ratio(-0.2))
        verdicts = made_up.verdicts(judged)
        self.assertEqual(verdicts[:2] + verdicts[3:], [claims.FAILS] * 3)

    def test_a_width_of_the_batch_size_alone(self):
        judged = _judge(width_of=lambda rate, size, initial: 8 / size**0.3)
        self.assertEqual(made_up.verdicts(judged)[2], claims.FAILS)

    def test_crossing_takes_out_what_initial_weights_do(self):
        def width_of(rate, size, initial):
            return _of_ratio(0.2)(rate, size, initial) * (1.5 if initial else 1.0)

        plain = _judge(width_of=_of_ratio(0.2), spread=0.0)
        judged = _judge(width_of=width_of, spread=0.0)
        for claim, expected in zip(judged, plain, strict=True):
            # Up to the interpolation between alphas.
            self.assertAlmostEqual(claim.measured, expected.measured, delta=0.02)
            self.assertLess(claim.interval[1] - claim.interval[0], 1e-6)

    def test_a_diverged_network_leaves_its_claims_undecided(self):
        def width_of(rate, size, initial):
            return None if (size == 250 and initial) else 2.0

        judged = _judge(width_of=width_of)
        self.assertEqual(made_up.verdicts(judged)[0], claims.UNDECIDED)
        self.assertIsNone(judged[0].measured)
        self.assertStartsWith(judged[0].reason, "4 of 8 lines have no width")
        self.assertIsNotNone(judged[1].measured)  # is of other networks

    def test_a_line_that_ends_within_a_basin_leaves_its_claim_undecided(self):
        results = _results(width_of=_of_ratio(0.2))
        table = results.measurements
        line = (table["panel"] == "a") & (table["seed"] == 1) & table["crossed"]
        beyond = line & (table["alpha"] > 1)  # as low as its second end
        table.loc[beyond, "train_cross_entropy"] = made_up_lines.FLOOR
        judged = made_up.judged("jastrzebski_2018/fig4", results)
        self.assertStartsWith(judged[0].reason, "1 of 8 lines have no width")
        verdicts = made_up.verdicts(judged)
        self.assertEqual(verdicts, [claims.UNDECIDED] + [claims.HOLDS] * 3)

    def test_the_losses_at_the_ends_are_said(self):
        results = _results(width_of=_of_ratio(0.2))
        table = results.measurements
        at_end = np.isclose(table["alpha"], 1) & (table["panel"] == "b")
        losses = np.random.default_rng(1).uniform(0.001, 0.02, at_end.sum())
        table.loc[at_end, "train_cross_entropy"] = losses
        claim = made_up.judged("jastrzebski_2018/fig4", results)[1]
        mean = np.exp(np.log(losses).mean())
        self.assertIn(f"where it is 0.001 and {mean:.2g} ", claim.note)

    def test_the_same_within_the_factor_but_not_equal(self):
        def width_of(rate, size, initial):
            return 2.3 if size == 40 else 2.0

        claim = _judge(width_of=width_of)[2]
        self.assertEqual(claim.verdict, claims.HOLDS)
        self.assertAlmostEqual(claim.measured, 1.15, delta=0.05)
        self.assertIn("the widths are not equal", claim.note)
        claim = _judge(width_of=_of_ratio(0.2))[2]
        self.assertNotIn("not equal", claim.note)

    def test_one_seed_has_no_interval(self):
        judged = _judge(1, width_of=_of_ratio(0.2))
        self.assertEqual(made_up.verdicts(judged), [claims.UNDECIDED] * 4)


class BasinWidthsTest(absltest.TestCase):
    def test_both_ends_have_their_own_loss_and_a_common_unit(self):
        first, second = (
            0.3 * np.exp(np.abs(_ALPHAS)),
            0.05 * np.exp(4 * np.abs(_ALPHAS - 1)),
        )
        losses = np.where(_ALPHAS < 0.5, first, second)
        (row,) = _widths(_line(losses)).itertuples()
        self.assertAlmostEqual(row.first, 5 * 2 * np.log(4 / 3), places=12)
        self.assertAlmostEqual(row.second, 5 * 2 * np.log(3) / 4, places=12)

    def test_a_diverged_network_has_no_width(self):
        (row,) = _widths(_line(None, distance=None)).itertuples()
        self.assertTrue(np.isnan(row.first) and np.isnan(row.second))

    def test_lines_are_told_apart_and_sorted(self):
        narrow, wide = (0.01 + h * _ALPHAS**2 for h in (40.0, 10.0))
        table = pd.concat([_line(narrow), _line(wide, crossed=True)])
        found = _widths(table.sample(frac=1, random_state=0))
        by_line = found.set_index("crossed")["first"]
        self.assertLen(found, 2)
        self.assertAlmostEqual(by_line[True] / by_line[False], 2, delta=0.02)


if __name__ == "__main__":
    absltest.main()
