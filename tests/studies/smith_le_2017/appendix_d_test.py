"""Tests of the study of appendix D: its searches, and claims on made-up results."""

import dataclasses
import json
import pathlib
from unittest import mock

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized
from scipy import stats

from bsgen import config, tuning
from bsgen.studies import claims, measurement, study
from bsgen.studies.smith_le_2017 import appendix_d
from bsgen.training import records
from tests.studies import made_up
from tests.studies.smith_le_2017 import made_up_search

_NUM_REPEATS, _NUM_TESTS, _EPOCHS, _TRAIN_SIZE = 3, 2, 10, 400


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
    return made_up.verdicts(appendix_d.judge(_results(*searches)))


class MeasurementsTest(parameterized.TestCase):
    @parameterized.parameters("quick", "paper")
    def test_one_search_a_seed(self, scale):
        made = appendix_d.measurements(scale, None)
        self.assertGreaterEqual(len(made), 5)
        self.assertLen({entry.key for entry in made}, len(made))
        self.assertEqual(
            [entry.settings["seed"] for entry in made], list(range(len(made)))
        )
        self.assertEqual(appendix_d.runs(scale, None), [])
        self.assertEqual(made[0].datasets, (made[0].settings["dataset"],))

    def test_more_seeds_keep_the_first(self):
        few, more = (appendix_d.measurements("quick", n) for n in (2, 4))
        self.assertEqual([m.key for m in few], [m.key for m in more][:2])
        self.assertLen(more, 4)

    @parameterized.parameters("quick", "paper")
    def test_a_thousand_updates_at_batch_size_32(self, scale):
        settings = appendix_d.measurements(scale, 1)[0].settings
        examples = settings["num_epochs"] * settings["train_size"]
        self.assertGreaterEqual(examples // 32, 1000)


class JudgeTest(parameterized.TestCase):
    def test_as_the_paper_believes(self):
        found = _verdicts(*_searches([4, 5, 6, 5], [0.01, 0.02, 0.01, 0.02]))
        self.assertEqual(found, ["holds"] * 4)

    def test_the_other_way_round(self):
        gains = [-0.01, -0.02, -0.01, -0.02]
        found = _verdicts(*_searches([0.25, 0.25, 0.5, 0.25], gains))
        self.assertEqual(found, ["fails"] * 4)

    def test_a_loss_within_the_margin_is_none(self):
        found = _verdicts(*_searches([5] * 4, [-0.003, -0.004, -0.003, -0.002]))
        self.assertEqual(found, ["holds", "holds", "holds", "fails"])

    def test_a_search_that_stays_gains_nothing(self):
        found = _verdicts(*_searches([1] * 4, [0.0] * 4))
        self.assertEqual(found, ["fails", "fails", "holds", "fails"])

    def test_searches_that_disagree_decide_nothing(self):
        found = _verdicts(*_searches([0.25, 4, 0.5, 2], [-0.1, 0.1, -0.1, 0.1]))
        self.assertEqual(found, ["undecided"] * 4)

    def test_numbers_are_paired_by_search(self):
        # Searches differ far more from each other than their settings do.
        gains, ratios = np.array([0.01, 0.02, 0.03]), np.array([2, 4, 8])
        searches = [
            (_sized(32), _sized(int(32 * ratio)), [level] * 2, [level + gain] * 2)
            for ratio, gain, level in zip(ratios, gains, [0.5, 0.7, 0.9], strict=True)
        ]
        size, steps, accuracy, same = appendix_d.judge(_results(*searches))
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
        found = appendix_d.differences(_results(search).measurements)
        self.assertAlmostEqual(found["test_accuracy"][0], 0.5 - 0.9)

    def test_a_search_without_an_end_leaves_it_undecided(self):
        kept = _searches([5] * 4, [0.01] * 4)
        self.assertEqual(_verdicts(*kept), ["holds"] * 4)
        self.assertEqual(_verdicts(*kept, None), ["undecided"] * 4)
        self.assertEqual(_verdicts(None, None), ["undecided"] * 4)

    def test_one_search_decides_nothing(self):
        self.assertEqual(_verdicts(*_searches([5], [0.01])), ["undecided"] * 4)

    def test_verdicts_survive_the_table_on_the_disk(self):
        results = _results(*_searches([4, 5, 6], [0.01, 0.02, 0.01]), None)
        path = self.create_tempfile().full_path
        results.measurements.to_csv(path, index=False)
        read = study.Results(results.runs, results.curves, pd.read_csv(path))
        for before, after in zip(
            appendix_d.judge(results), appendix_d.judge(read), strict=True
        ):
            self.assertEqual(before, after)
            self.assertIsInstance(before, claims.Claim)


class _Trainer:
    """Scores fall with the distance of log B from that of `peak` / (1 - momentum)."""

    metric, worst_score, baseline_score = "validation accuracy", 0.0, 0.1
    peak, stop_after = 3.2, None

    def __init__(self, run, num_epochs, folder, data_dir):
        self.run, self.train_size, self.trained = run, run.data.train_size, []

    def train(self, setting, repeats, num_epochs=None):
        if len(self.trained) == self.stop_after:
            raise KeyboardInterrupt
        self.trained.append(setting)
        optimum = self.peak / (1 - setting.momentum)
        distance = np.log(setting.batch_size / optimum)
        noise = np.random.default_rng(setting.batch_size).normal(0, 1e-3, 100)
        score = max(0.97 - 0.1 * distance**2, 0.05)
        scores = {i: score + noise[i] for i in repeats}
        steps = _EPOCHS * _TRAIN_SIZE // setting.batch_size
        return tuning.Outcome(scores, "completed", steps * len(repeats), 0, 0.0)


class _Place:
    """Trains nothing; the test accuracy is the batch size / 1000."""

    data_dir = None

    def __init__(self, folder):
        self.folder, self.trained = pathlib.Path(folder), []

    def train(self, runs):
        self.trained += runs
        return [
            records.RunRecord(
                run,
                "completed",
                {},
                {"test_accuracy": run.batch_size / 1000, "validation_accuracy": 0.5},
                1.0,
            )
            for run in runs
        ]


def _measurement(seed=0, **changes):
    preset = {"train_size": _TRAIN_SIZE, "validation_size": 100, "num_epochs": _EPOCHS}
    preset |= {"num_repeats": _NUM_REPEATS, "num_tests": _NUM_TESTS, **changes}
    small = dataclasses.replace(appendix_d._PRESETS["quick"], **preset)
    with mock.patch.dict(appendix_d._PRESETS, quick=small):
        return appendix_d.measurements("quick", seed + 1)[seed]


class SearchTest(absltest.TestCase):
    def _measure(self, trainer=_Trainer, folder=None):
        self.place = _Place(folder or self.create_tempdir().full_path)
        with mock.patch.object(tuning, "RunTrainer", trainer):
            return _measurement().measure(self.place)

    def test_the_path(self):
        # B = 32 at momentum 0.9, 160 at 0.98; then 400, all there is, at 0.992, which
        # is as good. Phase 3 has half of it to 400, the first half of its multiples.
        rows = self._measure()
        found = [(r["stage"], r["batch_size"], r.get("decision")) for r in rows]
        first = [("phase 1", b, "rejected") for b in (8, 16, 32, 64)]
        first[2] = ("phase 1", 32, "accepted")
        grown = [("phase 2", b, "accepted") for b in (32, 160, 400)]
        self.assertEqual(found[:7], first + grown)
        self.assertEqual(
            found[7:9], [("phase 3", 200, "rejected"), ("phase 3", 300, "rejected")]
        )
        self.assertEqual(
            found[9:],
            [("start", 32, None)] * _NUM_TESTS + [("chosen", 400, None)] * _NUM_TESTS,
        )
        for row in rows:
            steps = _EPOCHS * _TRAIN_SIZE // row["batch_size"]
            self.assertEqual(row["num_steps"], steps)
        chosen = rows[-1]
        self.assertAlmostEqual(chosen["momentum"], 1 - 0.1 * 32 / 400)
        json.dumps(rows)  # of JSON's types

    def test_what_falls_is_rejected(self):
        class Falling(_Trainer):
            def train(self, setting, repeats, num_epochs=None):
                found = super().train(setting, repeats)
                if setting.momentum > 0.9:
                    lower = {i: score - 0.1 for i, score in found.scores.items()}
                    found = dataclasses.replace(found, scores=lower)
                return found

        rows = self._measure(Falling)
        phase2 = [r for r in rows if r["stage"] == "phase 2"]
        self.assertEqual([r["batch_size"] for r in phase2], [32, 160])
        self.assertEqual([r["decision"] for r in phase2], ["accepted", "rejected"])
        self.assertEqual(rows[-1]["momentum"], 0.9)

    def test_scores_and_their_spread(self):
        row = self._measure()[0]
        noise = np.random.default_rng(8).normal(0, 1e-3, 100)[:_NUM_REPEATS]
        scores = 0.97 - 0.1 * np.log(8 / 32) ** 2 + noise
        self.assertEqual(row["batch_size"], 8)
        self.assertAlmostEqual(row["validation_accuracy"], scores.mean(), places=6)
        self.assertAlmostEqual(row["standard_error"], stats.sem(scores), places=6)

    def test_what_does_not_train_in_every_repeat_is_said(self):
        class Stuck(_Trainer):
            def train(self, setting, repeats, num_epochs=None):
                found = super().train(setting, repeats)
                if setting.batch_size == 8:
                    stuck = {**found.scores, repeats[0]: self.baseline_score}
                    found = dataclasses.replace(found, scores=stuck)
                return found

        statuses = [row["status"] for row in self._measure(Stuck)]
        self.assertEqual(statuses[0], "untrained")
        self.assertEqual(set(statuses[1:]), {"completed"})

    def test_where_nothing_trains_only_the_path_is_there(self):
        class Hopeless(_Trainer):
            peak = 1e9

        rows = self._measure(Hopeless)
        self.assertNotEmpty(rows)
        self.assertEqual({row["decision"] for row in rows}, {"rejected"})
        self.assertEqual({row["status"] for row in rows}, {"untrained"})
        self.assertEmpty(self.place.trained)

    def test_goes_on_after_a_kill(self):
        whole = self._measure()
        folder = self.create_tempdir().full_path

        class Killed(_Trainer):
            stop_after = 4

        with self.assertRaises(KeyboardInterrupt):
            self._measure(Killed, folder)

        class Rest(_Trainer):
            stop_after = len([r for r in whole if "decision" in r]) - 4

        self.assertEqual(self._measure(Rest, folder), whole)

    def test_new_seeds(self):
        self._measure()
        first = self.place.trained
        used = range(2 * _NUM_REPEATS)  # by the search
        self.assertEmpty({run.seed for run in first} & set(used))
        self.assertLen({(run.batch_size, run.seed) for run in first}, 2 * _NUM_TESTS)
        by_size = {run.batch_size: [] for run in first}
        for run in first:
            by_size[run.batch_size].append(run.seed)
        self.assertEqual(*by_size.values())  # pairs
        place = _Place(self.create_tempdir().full_path)
        with mock.patch.object(tuning, "RunTrainer", _Trainer):
            _measurement(1).measure(place)
        self.assertEmpty(
            {run.seed for run in first} & {run.seed for run in place.trained}
        )
        self.assertNotEqual(
            first[0].data.subset_seed, place.trained[0].data.subset_seed
        )


class RealSearchTest(absltest.TestCase):
    def test_what_is_tested_is_what_the_search_found(self):
        # N = 8 has one batch size in phase 1, and little else to train.
        folder = pathlib.Path(self.create_tempdir().full_path)
        place = measurement.Place(records.RunStore(folder), folder / "search")
        rows = _measurement(train_size=8, num_repeats=_NUM_TESTS).measure(place)
        found = json.loads((folder / "search" / "recommendation.json").read_text())
        for stage, name in (("start", "start"), ("chosen", "setting")):
            size, rate, momentum = (
                found[name][key] for key in ("batch_size", "learning_rate", "momentum")
            )
            tested = [row for row in rows if row["stage"] == stage]
            self.assertLen(tested, _NUM_TESTS)
            for repeat, row in enumerate(tested):
                run = config.RunConfig(
                    config.DataConfig("digits", 8, 100),
                    config.ModelConfig("mlp", (800,), "relu"),
                    config.MomentumConfig(rate, momentum),
                    size,
                    _EPOCHS * 8 // size,
                    seed=2 * _NUM_TESTS + repeat,
                )
                final = place.record(run).final  # raises if it has not been trained
                self.assertEqual(row["test_accuracy"], final["test_accuracy"])
                accuracy = final["validation_accuracy"]
                self.assertEqual(row["validation_accuracy"], accuracy)


if __name__ == "__main__":
    absltest.main()
