import keras_tuner
import numpy as np
from absl.testing import absltest, parameterized

from bsgen.tuning.keras_tuner_adapter import trials
from bsgen.tuning.procedures import outcomes, settings

_SETTING = settings.Setting(640, 0.1, 0.98)


def make(values, metrics, status="COMPLETED"):
    """A trial as an oracle keeps it."""
    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.values = dict(values)
    trial = keras_tuner.engine.trial.Trial(hyperparameters, "0000", status)
    for name, value in metrics.items():
        trial.metrics.register(name, direction="max")
        trial.metrics.update(name, value, step=0)
    return trial


def sent(trial):
    """What arrives on another machine."""
    return keras_tuner.engine.trial.Trial.from_proto(trial.to_proto())


class TrialsTest(parameterized.TestCase):
    @parameterized.parameters(
        settings.Request(_SETTING, (0, 3), 2, "larger batch"),
        settings.Request(settings.AsCompiled(32, "Adam"), (0, 3), 0, "own optimizer"),
        settings.Request(_SETTING, (0, 3)),
        settings.Request(settings.Prefix(64, 0.3, 0.98, 0.05), (0,), 1, "batch size"),
    )
    def test_a_request_survives_machines(self, request):
        arrived = sent(make(trials.to_values(request), {})).hyperparameters.values
        self.assertEqual(trials.to_request(arrived, 9), request)

    @parameterized.parameters(
        outcomes.Outcome({5: 0.1 + 0.2, 7: 1 / 3}, "completed", 1234, 5678, 0.25),
        outcomes.Outcome({0: 0.0, 1: 0.9}, "diverged", 10, 20, 1.5),
        outcomes.Outcome({0: -1234.5678}, "completed", 1, 1, 0.0),
        outcomes.Outcome({}, "out_of_memory", seconds=2.0),
        outcomes.Outcome({}, "failed"),
    )
    def test_an_outcome_survives_machines_and_files(self, outcome):
        metrics = trials.to_metrics(outcome, worst_score=-7.0)
        self.assertTrue(np.isfinite(list(metrics.values())).all())
        expected = (
            -7.0 if not outcome.scores else np.mean(list(outcome.scores.values()))
        )
        self.assertAlmostEqual(metrics["score"], expected)
        request = settings.Request(_SETTING, tuple(outcome.scores) or (3,))
        trial = make(trials.to_values(request), metrics)
        path = self.create_tempfile("trial.json").full_path
        trial.save(path)
        for found in (trial, sent(trial), keras_tuner.engine.trial.Trial.load(path)):
            self.assertEqual(trials.to_outcome(found), outcome)
            values = found.hyperparameters.values
            self.assertEqual(trials.to_request(values, num_repeats=9), request)

    def test_numbers_of_steps_survive_in_single_precision(self):
        # 2^24 + 1 is the first integer that single precision lacks.
        outcome = outcomes.Outcome({0: 0.5}, "completed", 2**24, 3 * 2**24, 1.0)
        found = trials.to_outcome(sent(make({}, trials.to_metrics(outcome, 0.0))))
        self.assertEqual(found.num_steps, 2**24)
        self.assertEqual(found.num_examples, 3 * 2**24)

    def test_another_oracles_values_take_the_default_repeats(self):
        values = {"batch_size": 640, "learning_rate": 0.1, "momentum": 0.98}
        found = trials.to_request(values, num_repeats=3)
        self.assertEqual(found, settings.Request(_SETTING, (0, 1, 2)))

    def test_what_has_not_ended_has_no_outcome(self):
        self.assertIsNone(trials.to_outcome(make({}, {}, "RUNNING")))
        self.assertEqual(
            trials.to_outcome(make({}, {}, "FAILED")), outcomes.Outcome({}, "failed")
        )

    def test_repeats_of_a_setting_are_merged(self):
        found = {}
        for name, repeats, status in (
            ("a", (0, 1), "completed"),
            ("b", (2,), "diverged"),
        ):
            outcome = outcomes.Outcome(dict.fromkeys(repeats, 0.5), status, 10, 20, 1.0)
            values = trials.to_values(settings.Request(_SETTING, repeats))
            found[name] = make(values, trials.to_metrics(outcome, 0.0))
        found["c"] = make(found["a"].hyperparameters.values, {}, "RUNNING")
        (merged,) = trials.merged(found, num_repeats=3).items()
        self.assertEqual(merged[0], _SETTING)
        expected = outcomes.Outcome({0: 0.5, 1: 0.5, 2: 0.5}, "diverged", 20, 40, 2.0)
        self.assertEqual(merged[1], expected)


if __name__ == "__main__":
    absltest.main()
