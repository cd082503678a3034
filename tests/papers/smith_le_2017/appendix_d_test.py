"""Tests of the study of appendix D: its measurements, and claims on made-up results."""

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized
from scipy import stats

from bsgen import papers
from bsgen.papers.smith_le_2017 import appendix_d, appendix_d_searches
from bsgen.studies import study
from tests.papers.smith_le_2017 import made_up_search
from tests.studies import made_up

_NAME = "smith_le_2017/appendix_d"


def _results(*searches):
    """Tables of searches: start, chosen and the accuracies of both, or None."""
    rows = []
    for seed, search in enumerate(searches):
        own = [made_up_search.trial(1, made_up_search.START, 0.9, "rejected")]
        if search is not None:
            start, chosen, before, after = search
            own += made_up_search.tests("start", start, before)
            own += made_up_search.tests("chosen", chosen, after)
        rows += [{"seed": seed, **row} for row in own]
    empty = pd.DataFrame()
    return study.Results(empty, empty, pd.DataFrame(rows))


def _sized(batch_size):
    steps = 32_000 // batch_size
    return {**made_up_search.START, "batch_size": batch_size, "num_steps": steps}


def _searches(ratios, gains, num_tests=3):
    """Searches from 32 to 32 x ratio, with the given gain of mean accuracy."""
    spread = np.linspace(-0.01, 0.01, num_tests)
    return [
        (_sized(32), _sized(32 * ratio), 0.9 + spread, 0.9 + gain - spread)
        for ratio, gain in zip(ratios, gains, strict=True)
    ]


def _verdicts(*searches):
    return made_up.verdicts(made_up.judged(_NAME, _results(*searches)))


class MeasurementsTest(parameterized.TestCase):
    @parameterized.parameters("quick", "paper")
    def test_one_search_a_seed(self, scale):
        made = appendix_d_searches.measurements(scale, None)
        self.assertGreaterEqual(len(made), 5)
        self.assertLen({entry.key for entry in made}, len(made))
        self.assertEqual(
            [entry.settings["seed"] for entry in made], list(range(len(made)))
        )
        (found,) = papers.find(_NAME)
        self.assertEqual(found.runs(scale, None), [])
        self.assertEqual(made[0].datasets, (made[0].settings["dataset"],))

    def test_more_seeds_keep_the_first(self):
        few, more = (appendix_d_searches.measurements("quick", n) for n in (2, 4))
        self.assertEqual([m.key for m in few], [m.key for m in more][:2])
        self.assertLen(more, 4)

    @parameterized.parameters("quick", "paper")
    def test_a_thousand_updates_at_batch_size_32(self, scale):
        settings = appendix_d_searches.measurements(scale, 1)[0].settings
        examples = settings["num_epochs"] * settings["train_size"]
        self.assertGreaterEqual(examples // 32, 1000)


class JudgeTest(parameterized.TestCase):
    def test_as_the_paper_believes(self):
        found = _verdicts(*_searches([4, 5, 6, 5], [0.01, 0.02, 0.01, 0.02]))
        self.assertEqual(found, ["holds"] * 4)

    def test_the_other_way_round(self):
        gains = [-0.01, -0.02, -0.01, -0.02]
        found = _verdicts(*_searches([0.25, 0.25, 0.5, 0.25], gains))
        self.assertEqual(found, ["fails", "fails", "undecided", "fails"])

    def test_a_loss_within_the_margin_is_none(self):
        found = _verdicts(*_searches([5] * 4, [-0.003, -0.004, -0.003, -0.002]))
        self.assertEqual(found, ["holds", "holds", "holds", "fails"])

    def test_searches_that_stay_say_nothing_of_larger_batches(self):
        judged = made_up.judged(_NAME, _results(*_searches([1] * 4, [0.0] * 4)))
        found = made_up.verdicts(judged)
        self.assertEqual(found, ["fails", "fails", "undecided", "fails"])
        self.assertIn("4 of which recommend phase 1's best", judged[0].note)
        self.assertIsNone(judged[2].measured)

    def test_a_loss_of_larger_batches_is_not_hidden_by_those_that_stay(self):
        ratios, gains = [5, 5, 5, 1, 1, 1, 0.5], [-0.02, -0.021, -0.022, 0, 0, 0, 0.1]
        loss = made_up.judged(_NAME, _results(*_searches(ratios, gains)))[2]
        self.assertEqual(loss.verdict, "fails")
        self.assertAlmostEqual(loss.measured, -0.021)
        self.assertIn("3 searches", loss.note)

    def test_searches_that_disagree_decide_nothing(self):
        found = _verdicts(*_searches([0.25, 4, 0.5, 2], [-0.1, 0.1, 0.1, -0.1]))
        self.assertEqual(found, ["undecided"] * 4)

    def test_numbers_are_paired_by_search(self):
        # Searches differ far more from each other than their settings do.
        gains, ratios = np.array([0.01, 0.02, 0.03]), np.array([2, 4, 8])
        searches = [
            (_sized(32), _sized(int(32 * ratio)), [level] * 2, [level + gain] * 2)
            for ratio, gain, level in zip(ratios, gains, [0.5, 0.7, 0.9], strict=True)
        ]
        size, steps, accuracy, same = made_up.judged(_NAME, _results(*searches))
        self.assertAlmostEqual(size.measured, 4.0)
        # Of log 2, log 4, log 8: mean log 4, standard deviation log 2.
        half = stats.t.ppf(0.975, 2) * np.log(2) / np.sqrt(3)
        ends = 4 * np.exp([-half, half])
        np.testing.assert_allclose(size.interval, ends)
        np.testing.assert_allclose(steps.interval, 1 / ends[::-1])
        half = stats.t.ppf(0.975, 2) * 0.01 / np.sqrt(3)
        np.testing.assert_allclose(accuracy.interval, (0.02 - half, 0.02 + half))
        self.assertEqual(accuracy.interval, same.interval)
        self.assertIn("3 searches", size.note)

    def test_a_diverged_test_counts_as_a_guess(self):
        search = (_sized(32), _sized(160), [0.9, 0.9], [0.9, None])
        found = appendix_d.analyse(_results(search)).changes
        self.assertAlmostEqual(found["test_accuracy"][0], 0.5 - 0.9)

    def test_a_search_without_an_end_leaves_it_undecided(self):
        kept = _searches([5] * 4, [0.01] * 4)
        self.assertEqual(_verdicts(*kept), ["holds"] * 4)
        unknown, held = "undecided", "holds"
        found = _verdicts(*kept, None)
        self.assertEqual(found, [unknown, unknown, held, unknown])
        self.assertEqual(_verdicts(None, None), ["undecided"] * 4)

    def test_one_search_decides_nothing(self):
        self.assertEqual(_verdicts(*_searches([5], [0.01])), ["undecided"] * 4)

    def test_verdicts_survive_the_table_on_the_disk(self):
        results = _results(*_searches([4, 5, 6], [0.01, 0.02, 0.01]), None)
        path = self.create_tempfile().full_path
        results.measurements.to_csv(path, index=False)
        read = study.Results(results.runs, results.curves, pd.read_csv(path))
        for before, after in zip(
            made_up.judged(_NAME, results), made_up.judged(_NAME, read), strict=True
        ):
            self.assertEqual(before, after)


if __name__ == "__main__":
    absltest.main()
