import contextlib
import io

from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.tuning import SettingTuner
from bsgen.tuning.keras_tuner_adapter import general_oracles, trials
from tests.tuning import surface, surface_trainer

_SIZES = (64, 1024, 8192)


def make(name, **more):
    return general_oracles.make(name, _SIZES, (0.01, 1.0), **{"num_epochs": 9, **more})


class TunerTest(parameterized.TestCase):
    def _search(self, oracle, trainer=None, **more):
        trainer = trainer or surface_trainer.SurfaceTrainer()
        folder = more.pop("folder", None) or self.create_tempdir().full_path
        SettingTuner(oracle, trainer, folder, **more).search(verbose=0)
        return trainer

    @parameterized.parameters("random", "grid", "hyperband", "bayesian")
    def test_any_oracle_of_keras_tuner(self, name):
        more = {} if name == "hyperband" else {"max_trials": 6}
        found = []
        for _ in range(2):
            oracle = make(name, seed=3, **more)
            trainer = self._search(oracle, num_repeats=2)
            found.append(trainer.calls)
        self.assertEqual(*found)  # equal seeds
        self.assertGreaterEqual(len(trainer.calls), 6)
        if more:
            self.assertLen(trainer.calls, 6)
        for setting, repeats, _ in trainer.calls:
            self.assertIn(setting.batch_size, _SIZES)
            self.assertBetween(setting.learning_rate, 0.01, 1.0)
            self.assertEqual(repeats, (0, 1))
        epochs = {epochs for _, _, epochs in trainer.calls}
        self.assertEqual(epochs, {1, 3, 9} if name == "hyperband" else {None})

    def test_seeds_differ(self):
        zero, one = (
            self._search(make("random", seed=seed, max_trials=5)).calls
            for seed in (0, 1)
        )
        self.assertNotEqual(zero, one)

    @parameterized.parameters(
        ("oracle='randm': .*'random'", "randm", {}),
        ("max_trials=5: hyperband", "hyperband", {"max_trials": 5}),
        ("max_trials=0", "random", {"max_trials": 0}),
    )
    def test_bad_arguments(self, message, name, more):
        with self.assertRaisesRegex(errors.UserError, message):
            make(name, **more)
        with self.assertRaisesRegex(errors.UserError, "learning_rates=.*larger"):
            general_oracles.make("random", _SIZES, (0.1,), 9)

    def test_code_that_raises_fails_its_trial_only(self):
        def fail(call):
            if call < 5:
                raise RuntimeError("the user's mistake")

        oracle, seen = make("random", max_trials=8), []
        with contextlib.redirect_stderr(io.StringIO()) as written:
            trainer = self._search(
                oracle,
                surface_trainer.SurfaceTrainer(fail=fail),
                on_outcome=lambda setting, outcome: seen.append(outcome),
            )
        self.assertLen(trainer.calls, 8)
        text = written.getvalue()
        self.assertEqual(text.count("RuntimeError: the user's mistake"), 5)
        self.assertIn("in fail", text)
        self.assertEqual([one.status for one in seen[:5]], ["failed"] * 5)
        self.assertNotIn("failed", [one.status for one in seen[5:]])
        kept = [trials.to_outcome(trial) for trial in oracle.trials.values()]
        self.assertEqual(kept, seen)
        self.assertEqual(
            {trial.status for trial in oracle.trials.values()}, {"COMPLETED"}
        )

    def test_divergence_is_a_finite_worst_result(self):
        oracle = make("random", max_trials=6, seed=1)
        lake = surface.Surface(max_rate=0.1)
        self._search(oracle, surface_trainer.SurfaceTrainer(lake))
        by_status = {}
        for trial in oracle.trials.values():
            outcome = trials.to_outcome(trial)
            by_status.setdefault(outcome.status, []).append(trial.score)
        self.assertEqual(set(by_status), {"completed", "diverged"})
        self.assertEqual(set(by_status["diverged"]), {0.0})
        self.assertGreater(min(by_status["completed"]), 0.0)

    @parameterized.parameters(0, 1, 4)
    def test_goes_on_after_a_stop(self, stop):
        """What a stop leaves on the disk is what a kill leaves: nothing is tidied."""

        def interrupt(call):
            if call == stop:
                raise KeyboardInterrupt

        folder = self.create_tempdir().full_path
        stopped = surface_trainer.SurfaceTrainer(fail=interrupt)
        with self.assertRaises(KeyboardInterrupt):
            self._search(make("random", max_trials=6), stopped, folder=folder)
        with contextlib.redirect_stdout(io.StringIO()) as written:
            rest = self._search(make("random", max_trials=6), folder=folder)
        self.assertEmpty(written.getvalue())
        whole = self._search(make("random", max_trials=6))
        self.assertEqual(stopped.calls[:stop] + rest.calls, whole.calls)


if __name__ == "__main__":
    absltest.main()
