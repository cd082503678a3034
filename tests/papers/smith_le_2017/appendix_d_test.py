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


_UPDATES, _ACCURACY, _FIRST_STEP, _GROWN = range(4)


def _results(*searches, first_steps=()):
    """Tables of searches: start, chosen and the accuracies of both, or None.

    `first_steps` is what the first step of phase 2 of each adds to the accuracy; None
    for one that diverged.
    """
    rows = []
    for seed, search in enumerate(searches):
        own = [made_up_search.trial(1, made_up_search.START, 0.9, "rejected")]
        if seed < len(first_steps):
            added, level = first_steps[seed], 0.7 + 0.01 * seed
            reached = None if added is None else level + added
            # Rows stand in no order, and 800 is the second step.
            own += [
                made_up_search.trial(2, made_up_search.TOO_LARGE, 0.1, "rejected"),
                made_up_search.trial(2, made_up_search.LARGER, reached, "rejected"),
                made_up_search.trial(2, made_up_search.START, level, "accepted"),
            ]
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


def _judged(*searches, first_steps=()):
    return made_up.judged(_NAME, _results(*searches, first_steps=first_steps))


def _verdicts(*searches, first_steps=()):
    return made_up.verdicts(_judged(*searches, first_steps=first_steps))


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
        gains = np.linspace(0.01, 0.02, 8)
        searches = _searches([4, 5, 6, 5] * 2, gains)
        found = _verdicts(*searches, first_steps=[0, 0.001] * 4)
        self.assertEqual(found, ["holds"] * 4)

    def test_the_other_way_round(self):
        searches = _searches([0.25, 0.25, 0.5, 0.25] * 2, [-0.01, -0.02] * 4)
        found = _verdicts(*searches, first_steps=[-0.02, -0.03] * 4)
        self.assertEqual(found, ["fails", "fails", "fails", "undecided"])

    def test_a_loss_within_the_margin_is_none(self):
        losses = [-0.003, -0.004, -0.003, -0.002] * 2
        found = _verdicts(*_searches([5] * 8, losses), first_steps=losses)
        self.assertEqual(found, ["holds", "fails", "holds", "holds"])

    def test_searches_that_stay_save_nothing_and_say_nothing_of_accuracy(self):
        judged = _judged(*_searches([1] * 8, [0.0] * 8))
        found = made_up.verdicts(judged)
        self.assertEqual(found, ["fails", "undecided", "undecided", "undecided"])
        self.assertIn("0 recommend another setting", judged[_UPDATES].note)
        for claim in (_ACCURACY, _FIRST_STEP, _GROWN):
            self.assertIsNone(judged[claim].measured)
            self.assertEqual(judged[claim].reason, "nothing to measure")

    def test_a_few_that_save_much_do_not_speak_for_the_others(self):
        ratios, gains = [5] * 3 + [1] * 17, [0.1] * 3 + [0.0] * 17
        found = _judged(*_searches(ratios, gains))[_UPDATES]
        self.assertEqual(found.verdict, "fails")
        self.assertAlmostEqual(found.measured, 3 / 20)
        # Clopper and Pearson's interval of 3 of 20, from their tables.
        np.testing.assert_allclose(found.interval, (0.032, 0.379), atol=5e-4)

    def test_those_that_stay_do_not_narrow_the_interval_of_the_gain(self):
        few, more = (
            _judged(*_searches([5, 0.5, 2] + [1] * stay, [0.1, 0.2, 0.3] + [0] * stay))
            for stay in (0, 17)
        )
        half = stats.t.ppf(0.975, 2) * 0.1 / np.sqrt(3)
        for judged in (few, more):
            interval = judged[_ACCURACY].interval
            np.testing.assert_allclose(interval, (0.2 - half, 0.2 + half))
        self.assertIn("elsewhere than phase 1, paired; of 20", more[_ACCURACY].note)

    def test_a_loss_of_larger_batches_is_not_hidden_by_those_that_stay(self):
        ratios, gains = [5, 5, 5, 1, 1, 1, 0.5], [-0.02, -0.021, -0.022, 0, 0, 0, 0.1]
        loss = _judged(*_searches(ratios, gains))[_GROWN]
        self.assertEqual(loss.verdict, "fails")
        self.assertAlmostEqual(loss.measured, -0.021)
        self.assertIn("3 searches that end at a larger batch, paired; of 7", loss.note)

    def test_one_larger_batch_decides_nothing_of_them(self):
        loss = _judged(*_searches([5] + [1] * 7, [-0.1] + [0] * 7))[_GROWN]
        self.assertEqual(loss.verdict, "undecided")
        self.assertIn("too few searches that end at a larger batch", loss.reason)

    def test_searches_that_disagree_decide_nothing(self):
        searches = _searches([0.25, 4, 0.5, 2] * 2, [-0.1, 0.1, 0.1, -0.1] * 2)
        found = _verdicts(*searches, first_steps=[-0.1, 0.1] * 4)
        self.assertEqual(found, ["undecided"] * 4)

    def test_the_first_step_is_paired_by_search(self):
        # Searches differ more from each other than their first steps do.
        steps = [-0.02, -0.021, -0.022]
        found = _judged(*_searches([1] * 3, [0] * 3), first_steps=steps)[_FIRST_STEP]
        self.assertAlmostEqual(found.measured, -0.021)
        half = stats.t.ppf(0.975, 2) * 0.001 / np.sqrt(3)
        np.testing.assert_allclose(found.interval, (-0.021 - half, -0.021 + half))

    def test_a_first_step_that_diverges_counts_as_a_guess(self):
        results = _results(*_searches([1], [0]), first_steps=[None])
        found = appendix_d.analyse(results).changes
        self.assertAlmostEqual(found["first_step"][0], 0.1 - 0.7)

    def test_numbers_are_paired_by_search(self):
        # Searches differ far more from each other than their settings do.
        gains, ratios = np.array([0.01, 0.02, 0.03]), np.array([2, 4, 8])
        searches = [
            (_sized(32), _sized(int(32 * ratio)), [level] * 2, [level + gain] * 2)
            for ratio, gain, level in zip(ratios, gains, [0.5, 0.7, 0.9], strict=True)
        ]
        found = appendix_d.analyse(_results(*searches)).changes
        np.testing.assert_allclose(found["batch_size"], ratios)
        np.testing.assert_allclose(found["num_steps"], 1 / ratios)
        np.testing.assert_allclose(found["test_accuracy"], gains)
        half = stats.t.ppf(0.975, 2) * 0.01 / np.sqrt(3)
        interval = _judged(*searches)[_GROWN].interval
        np.testing.assert_allclose(interval, (0.02 - half, 0.02 + half))

    def test_a_diverged_test_counts_as_a_guess(self):
        search = (_sized(32), _sized(160), [0.9, 0.9], [0.9, None])
        found = appendix_d.analyse(_results(search)).changes
        self.assertAlmostEqual(found["test_accuracy"][0], 0.5 - 0.9)

    def test_a_search_that_recommends_nothing_saves_nothing(self):
        found = _judged(*_searches([5] * 8, [0.01] * 8), None)
        self.assertAlmostEqual(found[_UPDATES].measured, 8 / 9)
        self.assertAlmostEqual(found[_ACCURACY].measured, 0.01)
        self.assertEqual(found[_GROWN].verdict, "holds")

    def test_where_searches_ended(self):
        ratios, gains = [5, 0.5, 1, 1, 0.5], [0.01, -0.02, 0, 0, 0.03]
        results = _results(*_searches(ratios, gains), None)
        table = appendix_d.analyse(results).outcomes
        self.assertEqual(
            dict(zip(table["recommended"], table["searches"], strict=True)),
            {
                "larger batch": 1,
                "phase 1's best": 2,
                "smaller batch": 2,
                "nothing": 1,
            },
        )
        smaller = table.iloc[2]
        # Clopper and Pearson's interval of 2 of 6, from their tables.
        self.assertEqual(smaller["share"], "0.33 [0.04, 0.78]")
        self.assertAlmostEqual(smaller["gain, mean"], 0.005)
        self.assertEqual(smaller["gain, range"], "-0.0200 to 0.0300")
        self.assertEqual(table["gain, range"].iloc[3], "none")
        self.assertAlmostEqual(smaller["updates, median ratio"], 2)

    def test_verdicts_survive_the_table_on_the_disk(self):
        steps = [0.001, None, 0.002]
        results = _results(
            *_searches([4, 5, 6], [0.01, 0.02, 0.01]), None, first_steps=steps
        )
        path = self.create_tempfile().full_path
        results.measurements.to_csv(path, index=False)
        read = study.Results(results.runs, results.curves, pd.read_csv(path))
        for before, after in zip(
            made_up.judged(_NAME, results), made_up.judged(_NAME, read), strict=True
        ):
            self.assertEqual(before, after)


if __name__ == "__main__":
    absltest.main()
