"""Tests of the tuning benchmark: shared runs, all searches, what is judged."""

import math
import pathlib
from unittest import mock

import numpy as np
import tensorflow as tf

from benchmarks.search_comparison import (
    courses,
    dense_grid,
    recorded_runs,
    verdicts,
)
from bsgen import config, tuning

_RUN = config.RunConfig(
    data=config.DataConfig("digits", 60, 40),
    model=config.ModelConfig(hidden_units=(4,)),
)
_SPACE = courses.Space((8, 16), (0.1, 0.3162, 1.0), (0.0, 0.9), 2, 3)


class RecordedRunsTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        self.recorder = self.open()

    def open(self):
        return recorded_runs.Recorder(_RUN, 2, self.folder, None)

    def test_every_run_is_trained_once(self):
        setting = tuning.Setting(8, 0.1, 0.9)
        plain = tuning.RunTrainer(_RUN, 2, self.folder / "plain")
        expected = plain.train(setting, (0, 1, 2))
        self.assertLen(list(self.recorder.record([setting], (0, 1))), 2)
        with mock.patch.object(tuning.RunTrainer, "_execute", return_value=[]) as train:
            found = self.open().train(setting, (0, 1))
            self.assertEqual(train.call_args.args, ([],))
        self.assertEqual(found.scores, {i: expected.scores[i] for i in (0, 1)})
        found = self.recorder.train(setting, (0, 1, 2))
        self.assertEqual(found.scores, expected.scores)
        self.assertEqual(found.num_examples, expected.num_examples)
        self.assertLen(self.recorder._store.path.read_text().splitlines(), 3)
        self.assertNotEqual(
            self.recorder.train(setting, (0,), 1).num_steps, found.num_steps / 3
        )

    def test_searches_take_repeats_of_their_own(self):
        setting = tuning.Setting(8, 0.11, 0.9)  # rounded to 0.1
        recorded = recorded_runs.View(self.recorder, 7, 5)
        own = recorded_runs.View(self.recorder, 7, None)
        numbers = self.recorder.train(tuning.Setting(8, 0.1, 0.9), (2, 3, 8000, 8001))
        self.assertEqual(
            recorded.train(setting, (0, 1)).scores,
            {0: numbers.scores[2], 1: numbers.scores[3]},
        )
        self.assertEqual(
            own.train(setting, (0, 1)).scores,
            {0: numbers.scores[8000], 1: numbers.scores[8001]},
        )
        self.assertEqual(own.subject().seed, 8000)

    def test_rates_are_rounded_to_half_decades(self):
        for rate, expected in ((0.17, 0.1), (0.18, 0.3162), (1.7, 1.0), (1.0, 1.0)):
            found = recorded_runs.rounded(tuning.Setting(8, rate, 0.9))
            self.assertEqual(found, tuning.Setting(8, expected, 0.9))


class SyntheticRecorder(recorded_runs.Recorder):
    """Trains nothing: rate 0.1 is best, and batch 32; every run differs a little."""

    def train(self, setting, repeats, num_epochs=None):
        place = math.log2(setting.batch_size / 32), math.log10(setting.learning_rate)
        score = 0.9 - 0.01 * place[0] ** 2 - 0.2 * (place[1] + 1) ** 2
        noise = np.random.default_rng((setting.batch_size, *repeats))
        scores = noise.normal(score, 1e-4, len(repeats))
        steps = len(repeats) * int((num_epochs or 2) * 60 // setting.batch_size)
        found = dict(zip(repeats, scores, strict=True))
        examples = steps * setting.batch_size
        return tuning.Outcome(found, num_steps=steps, num_examples=examples)

    def record(self, settings, repeats):
        return iter(())


class SearchesTest(tf.test.TestCase):
    def test_every_search_runs_and_is_judged(self):
        folder = pathlib.Path(self.create_tempdir().full_path)
        # As many epochs as a twentieth of a run needs for a step of 8.
        recorder = SyntheticRecorder(_RUN, 4, folder, None)
        best, score = dense_grid.judge(recorder, _SPACE)
        self.assertNear(best, 0.89, 3e-4)  # at batch size 16
        self.assertNear(score(tuning.Setting(8, 1.0, 0.0)), 0.9 - 0.04 - 0.2, 3e-4)
        for kind, search in courses.SEARCHES.items():
            course = search(recorder, _SPACE, 0)
            examples = [spent.num_examples for spent in course.spent]
            self.assertEqual(sorted(examples), examples)
            self.assertGreater(course.spent[-1].num_steps, course.spent[0].num_steps)
            self.assertIsNotNone(course.spent[-1].best, kind)
            self.assertIsNotNone(course.chosen, kind)
            # Only what is measured before the first trial is spent before it.
            self.assertEqual(examples[0] > 0, kind == "guided")
            if kind == "RandomSearch":
                # Three trials of two passes over 60 examples.
                self.assertBetween(examples[-1], 3 * 104, 3 * 120)
            if kind == "appendix D":
                self.assertEqual(course.spent[5].best.batch_size, 16)


class ReachedTest(tf.test.TestCase):
    def course(self, scores, chosen=0.9):
        """A course whose trials take 2 steps and 10 examples each."""
        spent = [courses.Spent(2 * i, 10 * i, score) for i, score in enumerate(scores)]
        return courses.Course(spent, chosen)

    def reached(self, scores, chosen=0.9, tolerance=0.003):
        # The settings are their scores.
        return verdicts.reached(
            self.course(scores, chosen), 0.9, lambda one: one, tolerance
        )

    def test_first_and_for_good(self):
        found = self.reached([None, 0.5, 0.898, 0.896, 0.95, 0.897])
        self.assertEqual((found.first_steps, found.first_examples), (4, 20))
        self.assertEqual((found.lasting_steps, found.lasting_examples), (8, 40))
        self.assertEqual((found.total_examples, found.shortfall), (50, 0.0))
        near = self.reached([None, 0.5, 0.898, 0.896, 0.95, 0.897], tolerance=0.005)
        self.assertEqual((near.first_steps, near.lasting_steps), (4, 4))

    def test_never(self):
        found = self.reached([None, 0.898, 0.5], chosen=None)
        self.assertEqual((found.first_examples, found.lasting_steps), (10, math.inf))
        self.assertEqual(found.shortfall, math.inf)
        self.assertEqual(self.reached([None, 0.5]).first_steps, math.inf)

    def test_table(self):
        found = self.reached([None, 0.898, 0.5])
        text = verdicts.table(
            {"guided": [found] * 2, "RandomSearch": [found] * 2}, 0.003
        )
        self.assertEqual(text.count("never (never-never)"), 4)
        self.assertEqual(text.count("10 (10-10)"), 2)
        self.assertEqual(text.count("100%"), 2)

    def test_goal(self):
        quick, slow = self.reached([0.9]), self.reached([None, 0.898])
        never = self.reached([None, 0.5])
        found = {"appendix D": [never], "guided": [slow] * 2, "Hyperband": [slow] * 2}
        found["halving"] = [never, never]
        self.assertEqual(verdicts.goal(found).count("guided spends 1.00 times"), 2)
        self.assertEqual(verdicts.goal(found).count("halving spends inf times"), 2)
        found["Hyperband"] = [never, never]
        self.assertEqual(verdicts.goal(found).count("no general search"), 2)
        found["RandomSearch"] = [slow, slow]
        found["guided"] = [quick, quick]
        self.assertEqual(
            verdicts.goal(found).count("0.00 times the examples of the best"), 2
        )


if __name__ == "__main__":
    tf.test.main()
