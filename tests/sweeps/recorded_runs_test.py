"""Runs for the rule of thumb: their records are kept, any metric decides."""

import dataclasses
import pathlib

import numpy as np
from absl.testing import absltest

from bsgen import config, errors
from bsgen.sweeps import recorded_runs
from bsgen.training import records
from bsgen.tuning.procedures import settings

_RUN = config.RunConfig(
    config.DataConfig("digits", 60, validation_size=20),
    config.ModelConfig("mlp", (4,)),
    batch_size=8,
    num_steps=1,
    seed=3,
)


class RecordedRunsTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        self.store = records.RunStore(self.folder)

    def _lines(self):
        return (self.folder / "runs.jsonl").read_text().splitlines()

    def test_records_are_kept_and_used_again(self):
        done = []
        runs = recorded_runs.RecordedRuns(_RUN, 2, self.store, on_work=done.append)
        self.assertEqual(runs.metric, "validation_accuracy")
        self.assertFalse(runs.lower_is_better)
        self.assertEqual(runs.baseline_score(8), 0.1)
        setting = settings.Setting(20, 0.5, 0.25)
        expected = runs.seconds(setting, (0, 2))
        self.assertGreater(expected, 0)
        outcome = runs.train(setting, (0, 2))
        self.assertAlmostEqual(sum(done), expected)
        self.assertEqual(runs.seconds(setting, (0, 2)), 0)
        self.assertEqual(outcome.num_examples, 2 * 2 * 60)
        self.assertEqual((outcome.status, outcome.num_steps), ("completed", 12))
        for repeat, score in outcome.scores.items():
            run = dataclasses.replace(
                _RUN,
                data=dataclasses.replace(_RUN.data, subset_seed=3 + repeat),
                optimizer=config.MomentumConfig(0.5, 0.25),
                batch_size=20,
                num_steps=6,
                seed=3 + repeat,
            )
            found = np.float32(self.store.find(run).final["validation_accuracy"])
            self.assertEqual(score, float(found))
        kept = self._lines()
        self.assertLen(kept, 2)
        self.assertEqual(runs.train(setting, (0, 2)).scores, outcome.scores)
        self.assertEqual(self._lines(), kept)

    def test_a_run_that_diverges_has_the_worst_score(self):
        runs = recorded_runs.RecordedRuns(_RUN, 5, self.store, keeps_subset=True)
        outcome = runs.train(settings.Setting(8, 1e30, 0.0), (0,))
        self.assertEqual((outcome.status, outcome.scores), ("diverged", {0: 0.0}))

    def test_of_a_loss_less_is_better_than_an_untrained_network(self):
        run = dataclasses.replace(
            _RUN,
            data=config.DataConfig("digits", 60, scaling="unit_interval"),
            model=config.ModelConfig("dense_autoencoder", (4,)),
            loss="squared_error",
        )
        runs = recorded_runs.RecordedRuns(run, 3, self.store)
        self.assertTrue(runs.lower_is_better)
        self.assertTrue(runs.metric.startswith("test_"))
        untrained = runs.baseline_score(8)
        self.assertLess(untrained, 0)
        scores = runs.train(settings.Setting(8, 0.01, 0.0), (0,)).scores
        self.assertGreater(scores[0], untrained)

    def test_a_batch_larger_than_the_data(self):
        runs = recorded_runs.RecordedRuns(_RUN, 2, self.store)
        with self.assertRaises(errors.UserError):
            runs.train(settings.Setting(61, 0.1, 0.0), (0,))


if __name__ == "__main__":
    absltest.main()
