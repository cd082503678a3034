"""Tests of appendix A's claims and picture, on made-up measurements."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import theory
from bsgen.papers.hoffer_2017 import appendix_a, appendix_a_measurement
from bsgen.studies import claims
from tests.papers.hoffer_2017 import made_up_increments
from tests.studies import made_up

NAME = "hoffer_2017/appendix_a"
_TRAIN_SIZE = made_up_increments.TRAIN_SIZE
_TRACE, _SQUARED = made_up_increments.TRACE, made_up_increments.SQUARED
(
    _NEARLY,
    _ANTI,
    _EPOCHS,
    _DEVIATIONS,
    _RAW,
    _SMALL_0,
    _SMALL_200,
    _LARGE_0,
    _LARGE_200,
    _PAPER,
) = range(10)


def results(num_seeds=6, **laws):
    """Returns measurements; what they follow, as `made_up_increments.rows`."""
    return made_up.measured(
        appendix_a_measurement.measurements("quick", num_seeds),
        lambda entry: made_up_increments.rows(entry, **laws),
    )


def verdicts(**options):
    return made_up.verdicts(made_up.judged(NAME, results(**options)))


class JudgeTest(parameterized.TestCase):
    def test_the_exact_law(self):
        judged = made_up.judged(NAME, results())
        found = made_up.verdicts(judged)
        checks = [claim.kind == claims.CHECK for claim in judged]
        self.assertEqual(checks, [True] * 3 + [False] * 7)
        holding = {_NEARLY, _ANTI, _EPOCHS, _DEVIATIONS, _RAW}
        for place, verdict in enumerate(found):
            self.assertEqual(verdict, "holds" if place in holding else "fails", place)
        # |g| over the root of (1/B - 1/N) tr(F)
        expected = np.sqrt(_SQUARED / (_TRACE * (1 / 500 - 1 / 1000)))
        self.assertAlmostEqual(judged[_LARGE_0].measured, expected, places=2)
        self.assertAlmostEqual(
            judged[_PAPER].measured / (-_TRACE / _SQUARED), 0.999, places=1
        )

    def test_the_papers_law(self):
        def paper(size, lag, one_epoch):
            given = _SQUARED / (_TRAIN_SIZE - 1)
            return given / ((1 / size - 1 / _TRAIN_SIZE) * _TRACE)

        found = verdicts(law=paper, error=1e-6)
        self.assertEqual(found[_PAPER], "holds")
        self.assertEqual(found[_ANTI], "fails")

    def test_correlations_that_stay_in_later_epochs(self):
        found = verdicts(
            law=lambda size, lag, one_epoch: (
                made_up_increments.exact(size, 1, True) - 0.01
            )
        )
        self.assertEqual((found[_NEARLY], found[_EPOCHS]), ("holds", "fails"))

    def test_a_short_mean(self):
        found = verdicts(squared=1e-3)
        self.assertEqual([found[c] for c in (_SMALL_0, _SMALL_200)], ["holds"] * 2)
        self.assertEqual([found[c] for c in (_LARGE_0, _LARGE_200)], ["fails"] * 2)

    @parameterized.parameters(-0.2, 0.2)
    def test_increments_that_are_correlated_by_the_curvature(self, raw):
        found = verdicts(raw=raw)
        self.assertEqual((found[_DEVIATIONS], found[_RAW]), ("holds", "fails"))

    def test_one_seed_decides_nothing(self):
        self.assertEqual(set(verdicts(num_seeds=1)), {"undecided"})


class AnalyseTest(absltest.TestCase):
    def test_predictions(self):
        table = appendix_a.analyse(results(num_seeds=1))
        for _, row in table[table["kind"] == "fixed"].iterrows():
            wanted = made_up_increments.exact(
                row["batch_size"], row["lag"], row["one_epoch"]
            )
            self.assertAlmostEqual(row["predicted"], wanted, places=12)
            between, alone = (
                theory.paper_increment_covariance(
                    row["batch_size"], 1000, lag, row["squared_gradient"], _TRACE
                )
                for lag in (1, 0)
            )
            self.assertAlmostEqual(row["paper"], between / alone)

    def test_picture(self):
        found = results(num_seeds=3)
        left, middle, right = made_up.figure(NAME, found).axes
        lines = {line.get_label(): line for line in left.lines}
        lags, values = lines["exact"].get_data()
        wanted = [made_up_increments.exact(25, lag, False) for lag in lags]
        np.testing.assert_allclose(values, wanted, atol=1e-12)
        rows = found.measurements
        for axes, step in ((middle, 0), (right, 200)):
            (points,) = [c for c in axes.containers if c.get_label() == f"step {step}"]
            self.assertLen(points.lines[0].get_xdata(), len(made_up_increments.SIZES))
        own = rows[(rows["num_steps"] == 0) & rows["one_epoch"].eq(True)]
        (points,) = [c for c in middle.containers if c.get_label() == "step 0"]
        means = own.groupby("batch_size")["correlation"].mean().to_numpy(float)
        drawn = np.array(points.lines[0].get_ydata(), float)
        np.testing.assert_allclose(drawn, -means)


if __name__ == "__main__":
    absltest.main()
