"""The oracle does what the pure procedure says, in whatever order workers finish."""

import keras_tuner
import numpy as np
from absl.testing import absltest, parameterized

from bsgen.tuning import AppendixD, BatchSizeHeuristic, SettingTuner
from bsgen.tuning.keras_tuner_adapter import trials
from bsgen.tuning.procedures import settings
from tests.tuning import surface, surface_trainer


def procedure(**more):
    return AppendixD(
        train_size=100_000,
        baseline_score=0.1,
        batch_sizes=tuple(2**k for k in range(3, 13)),
        num_repeats=3,
        **more,
    )


class OracleTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path

    def _oracle(self, **more):
        oracle = BatchSizeHeuristic(procedure(), **more)
        oracle._set_project_dir(self.folder, "trials")
        oracle.verbose = 0
        return oracle

    def _end(self, oracle, trial):
        request = trials.to_request(trial.hyperparameters.values, 3)
        outcome = surface.Surface().outcome(request)
        oracle.update_trial(trial.trial_id, trials.to_metrics(outcome, 0.0))
        trial.status = "COMPLETED"
        oracle.end_trial(trial)

    def test_gives_what_the_procedure_gives(self):
        told = []
        oracle = BatchSizeHeuristic(procedure(), on_decision=told.append)
        SettingTuner(oracle, surface_trainer.SurfaceTrainer(), self.folder).search(
            verbose=0
        )
        expected, results = surface.finish(procedure(), surface.Surface())
        found = oracle.review()
        self.assertEqual(found.decisions, expected.decisions)
        self.assertEqual(told, list(expected.decisions))
        self.assertEqual(found.recommendation.setting, expected.recommendation.setting)
        self.assertEqual(found.recommendation.score, expected.recommendation.score)
        self.assertEqual(
            {s: o.scores for s, o in trials.merged(oracle.trials, 3).items()},
            {s: o.scores for s, o in results.items()},
        )

    @parameterized.parameters(range(3))
    def test_workers_may_end_in_any_order(self, seed):
        generator = np.random.default_rng(seed)
        oracle, running = self._oracle(), {}
        for _ in range(1000):
            name = f"worker{generator.integers(4)}"
            if name in running and generator.random() < 0.5:
                self._end(oracle, running.pop(name))
            elif name not in running:
                trial = oracle.create_trial(name)
                if trial.status == "STOPPED":
                    break
                if trial.status == "RUNNING":
                    running[name] = trial
        self.assertEqual(trial.status, "STOPPED")
        self.assertEmpty(running)
        expected, _ = surface.finish(procedure(), surface.Surface())
        self.assertEqual(oracle.review().decisions, expected.decisions)
        asked = [
            trials.to_request(trial.hyperparameters.values, 3)
            for trial in oracle.trials.values()
        ]
        self.assertLen(set(asked), len(asked))  # nothing is trained twice

    def test_waits_while_others_train_all_there_is(self):
        oracle = self._oracle()
        running = [oracle.create_trial(f"worker{i}") for i in range(10)]
        sizes = {trial.hyperparameters.values["batch_size"] for trial in running}
        self.assertEqual(sizes, {2**k for k in range(3, 13)})
        self.assertEqual(oracle.create_trial("one too many").status, "IDLE")

    def test_what_a_killed_process_had_begun_is_asked_again(self):
        """Killed after the trial's file was written and before the oracle's own."""
        oracle = self._oracle()
        oracle.save()
        trial = oracle.create_trial("worker0")
        oracle.trials, oracle.ongoing_trials = {}, {}
        again = self._oracle()
        again.trials = {trial.trial_id: trial}
        found = again.create_trial("worker0")
        self.assertEqual(found.status, "RUNNING")
        self.assertEqual(found.hyperparameters.values, trial.hyperparameters.values)

    def test_a_trial_in_part_of_the_repeats_leaves_the_rest(self):
        oracle = self._oracle()
        setting = settings.Setting(8, 1.0, 0.9)
        hyperparameters = keras_tuner.HyperParameters()
        request = settings.Request(setting, (0, 2))
        hyperparameters.values = trials.to_values(request)
        trial = keras_tuner.engine.trial.Trial(hyperparameters, "0000", "RUNNING")
        oracle.trials["0000"] = oracle.ongoing_trials["worker0"] = trial
        self._end(oracle, trial)
        values = oracle.create_trial("worker0").hyperparameters.values
        asked = trials.to_request(values, 3)
        self.assertEqual(asked, settings.Request(setting, (1,), 1, "batch size"))


if __name__ == "__main__":
    absltest.main()
