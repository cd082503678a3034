"""Verdicts of studies, on random numbers, follow from the raw numbers alone.

Where runs are trained and their lines are read, `tests/launch/quick_suite_test.py` does
the same.
"""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import papers
from bsgen.studies import tables
from bsgen.training import records
from tests.references import verdicts
from tests.reports import recorded
from tests.studies import made_up


class RecomputedVerdictsTest(parameterized.TestCase):
    def _claims(self, name, generator):
        """Returns the claims of two seeds of a study, and the lines of their runs."""
        (study,) = papers.find(name)
        noise = generator.uniform(0, 0.01)
        finished = [_noisy(run, noise, generator) for run in study.runs("quick", 2)]
        judged = made_up.judged(name, tables.results(finished))
        return judged, [record.to_values() for record in finished]

    def _assert_claim(self, judged, words, interval, **bounds):
        (claim,) = (claim for claim in judged if words in claim.claim)
        found = [claim.measured, *claim.interval]
        np.testing.assert_allclose(found, interval, rtol=1e-9, atol=1e-12)
        self.assertEqual(claim.verdict, verdicts.verdict(*interval[1:], **bounds))

    @parameterized.parameters(range(3))
    def test_figure1_memorisation(self, seed):
        judged, lines = self._claims("smith_le_2017/fig1", np.random.default_rng(seed))
        self._assert_claim(
            judged, "memorises", verdicts.memorisation(lines), above=0.99
        )

    @parameterized.parameters(range(3))
    def test_figure2_sign_and_minimum_of_the_evidence(self, seed):
        judged, lines = self._claims("smith_le_2017/fig2", np.random.default_rng(seed))
        for dataset, words, bounds in (
            ("gaussian_random", "never favours", {"above": -1}),
            ("gaussian_informative", "favours the well", {"below": -1}),
        ):
            ratios = verdicts.final(lines, "log_evidence_ratio", dataset)
            lowest = np.min(list(ratios.values()), axis=0)
            self._assert_claim(judged, words, verdicts.t_interval(lowest), **bounds)
        decades = np.log10([200 * point[0] for point in ratios])
        errors = verdicts.final(lines, "test_cross_entropy", "gaussian_informative")
        places = [
            decades[np.argmin(list(table.values()), axis=0)]
            for table in (ratios, errors)
        ]
        interval = verdicts.t_interval(places[0] - places[1])
        words = "minima at the same"
        self._assert_claim(judged, words, interval, above=-0.5, below=0.5)

    @parameterized.parameters(range(3))
    def test_figure3_gap(self, seed):
        judged, lines = self._claims("smith_le_2017/fig3", np.random.default_rng(seed))
        table = verdicts.trained(lines, l2=0, momentum=0.9)
        interval = verdicts.t_interval(table[0, 0.9, 32] - table[0, 0.9, 1000])
        self._assert_claim(judged, "higher test accuracy", interval, above=0)

    @parameterized.parameters(range(3))
    def test_figure4_optimum_against_full_batch(self, seed):
        judged, lines = self._claims("smith_le_2017/fig4", np.random.default_rng(seed))
        table = verdicts.trained(lines, l2=0, momentum=0.9)
        sizes = [*(2**k for k in range(10)), 1000]
        rows = np.array([table[0, 0.9, size] for size in sizes])
        # With two seeds: chosen on one, measured on the other.
        chosen = rows[:, ::-1].argmax(axis=0)
        interval = verdicts.t_interval(rows[chosen, [0, 1]] - rows[-1])
        self._assert_claim(judged, "beats the full batch", interval, above=0)

    @parameterized.parameters(range(3))
    def test_figure7_exponent(self, seed):
        judged, lines = self._claims("smith_le_2017/fig7", np.random.default_rng(seed))
        interval = verdicts.slope_of_optima(lines)
        self._assert_claim(judged, "1/(1 - m)", interval, above=0.75, below=1.25)

    @parameterized.parameters(range(3))
    def test_figure8_difference_of_gaps(self, seed):
        judged, lines = self._claims("smith_le_2017/fig8", np.random.default_rng(seed))
        table = verdicts.trained(lines, momentum=0.9)
        plain, regular = (
            table[l2, 0.9, 32] - table[l2, 0.9, 1000] for l2 in (0, 0.1 / 1000)
        )
        interval = verdicts.t_interval(plain - regular)
        self._assert_claim(judged, "reduces the size", interval, above=0)

    @parameterized.parameters(range(3))
    def test_hoffer_figure1_largest_batch_against_the_smallest(self, seed):
        judged, lines = self._claims("hoffer_2017/fig1", np.random.default_rng(seed))
        interval = verdicts.largest_batch(lines)
        words = "largest batch ends with a higher"
        self._assert_claim(judged, words, interval, above=0)


def _noisy(run, noise, generator):
    """Returns a made-up record whose metrics at the end are noisier."""
    record = recorded.record(run)
    values = {
        name: value if value is None else value + generator.normal(0, noise)
        for name, value in record.final.items()
    }
    curve = {
        name: [*column[:-1], values.get(name, column[-1])] if column else column
        for name, column in record.curve.items()
    }
    return records.RunRecord(run, record.status, curve, values, 0.5)


if __name__ == "__main__":
    absltest.main()
