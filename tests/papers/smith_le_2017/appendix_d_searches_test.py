"""Tests of the searches of the study of appendix D, most with a made-up trainer."""

import dataclasses
import json
import pathlib
from unittest import mock

import numpy as np
from absl.testing import absltest
from scipy import stats

from bsgen import config, tuning
from bsgen.papers.smith_le_2017 import appendix_d_searches
from bsgen.studies import measurement
from bsgen.training import records

_NUM_REPEATS, _NUM_TESTS, _EPOCHS, _TRAIN_SIZE = 3, 2, 10, 400


class _Killed(BaseException):
    """Which no part of a search catches."""


class _Trainer:
    """Scores fall with the distance of log B from its best value.

    That is `peak` * learning rate / (1 - momentum).
    """

    metric, lower_is_better = "validation accuracy", False
    worst_score, baseline_score = 0.0, 0.1
    peak, stop_after = 3.2, None

    def __init__(self, run, num_epochs, folder, data_dir):
        self.run, self.train_size, self.trained = run, run.data.train_size, []

    def train(self, setting, repeats, num_epochs=None):
        if len(self.trained) == self.stop_after:
            raise _Killed
        self.trained.append(setting)
        optimum = self.peak * setting.learning_rate / (1 - setting.momentum)
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
    small = dataclasses.replace(appendix_d_searches._PRESETS["quick"], **preset)
    with mock.patch.dict(appendix_d_searches._PRESETS, quick=small):
        return appendix_d_searches.measurements("quick", seed + 1)[seed]


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
        # At a tenth of the learning rate 3.2 is the best, and the climb ends at 8.
        first += [("phase 1", b, "rejected") for b in (8, 16)]
        self.assertEqual(found[:9], first + grown)
        last = [("phase 3", b, "rejected") for b in (200, 300)]
        last += [("phase 4", 400, "accepted")]
        self.assertEqual(found[9:12], last)
        self.assertEqual(
            found[12:],
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

        for row in self._measure(Stuck):
            expected = "untrained" if row["batch_size"] == 8 else "completed"
            self.assertEqual(row["status"], expected)

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

        class Ended(_Trainer):
            stop_after = 4

        with self.assertRaises(_Killed):
            self._measure(Ended, folder)

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
