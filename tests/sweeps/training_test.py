"""Training a sweep: equal to single runs; a run that fails costs its setting alone."""

import dataclasses
from unittest import mock

import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors
from bsgen.sweeps import training
from bsgen.training import ensemble, execution, interruption, records
from tests.sweeps import made_up


class TrainingTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.store = records.RunStore(self.create_tempdir().full_path)
        self.settings = [runs for _, runs in made_up.settings(made_up.grid(2))]
        self.runs = [run for runs in self.settings for run in runs]

    def test_records_are_those_of_the_runs(self):
        seen, work = [], []
        failed = training.train(
            self.settings, self.store, None, work.append, seen.append
        )
        self.assertEmpty(failed)
        self.assertLen(seen, len(self.runs))
        alone = {record.run.key: record for record in ensemble.train(self.runs)}
        for run in self.runs:
            found, expected = self.store.find(run), alone[run.key]
            self.assertAllClose(found.final, expected.final, atol=1e-6)
        # Nothing is trained again.
        self.assertEmpty(training.train(self.settings, self.store, on_record=self.fail))

    def test_a_run_that_fails(self):
        whole = execution.execute
        bad, warnings, processes = self.settings[2][1], [], []

        def execute(runs, *rest, **more):
            processes.append(more["num_processes"])
            if bad in runs:
                raise RuntimeError("the device is\non fire")
            whole(runs, *rest, **more)

        with mock.patch.object(execution, "execute", execute):
            failed = training.train(
                self.settings, self.store, warn=warnings.append, num_processes=3
            )
        self.assertEqual(processes, [3] + len(self.settings) * [1])
        reason = "RuntimeError: the device is on fire"
        self.assertEqual(failed, {run.key: reason for run in self.settings[2]})
        expected = [f"{reason}; what is left is trained setting by setting"]
        expected.append(f"2 runs of a setting failed ({reason})")
        self.assertEqual(warnings, expected)
        self.assertEqual(self.store.missing(self.runs), self.settings[2])
        # The same call trains what is left.
        self.assertEmpty(training.train(self.settings, self.store))
        self.assertEmpty(self.store.missing(self.runs))

    @parameterized.parameters(
        KeyboardInterrupt(), SystemExit(), interruption.Interrupted(15, 3)
    )
    def test_a_stop_is_no_failure(self, stop):
        with (
            mock.patch.object(execution, "execute", side_effect=stop),
            self.assertRaises(type(stop)),
        ):
            training.train(self.settings, self.store)

    @parameterized.parameters(
        (
            {"batch_size": 30},
            {"normalization": "ghost", "ghost_batch_size": 8},
            "ghost_batch_size=8: give a divisor of the 30",
        ),
        (
            {"batch_size": 30, "precision": "mixed_bfloat16"},  # for the loop engine
            {"normalization": "ghost", "ghost_batch_size": 8},
            "ghost_batch_size=8: give a divisor of the 30",
        ),
        ({"batch_size": 1201}, {}, "batch_size=1201: a batch is at most"),
        ({}, {"name": "vgg11"}, "input_shape="),
    )
    def test_runs_that_no_engine_takes(self, run_changes, model_changes, message):
        run = dataclasses.replace(
            self.runs[0],
            data=config.DataConfig("digits"),
            model=config.ModelConfig(
                **{"name": "normalized_mlp", "hidden_units": (4,), **model_changes}
            ),
        )
        run = dataclasses.replace(run, **run_changes)
        with self.assertRaisesRegex(errors.UserError, message):
            training.check(run)


if __name__ == "__main__":
    tf.test.main()
