"""Tests of runs that end at a training loss."""

import dataclasses
import os
import pathlib
import signal
from unittest import mock

import tensorflow as tf
from absl.testing import absltest

from bsgen import config, errors
from bsgen.training import interruption, loop
from bsgen.training.loop import trainee
from tests.training import made_up_runs

_METRICS = "cross_entropy", "accuracy"


def _run(goal):
    run = made_up_runs.run(
        num_steps=12, evaluation_steps=(0, 3, 4, 6, 9), learning_rate=0.05
    )
    return dataclasses.replace(run, stop_train_loss=goal)


class _Stopping(loop.Observer):
    """Asks the process to stop after a step."""

    def __init__(self, step):
        self._step = step

    def advanced(self, progress):
        if progress.step == self._step:
            os.kill(os.getpid(), signal.SIGTERM)


class StopTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(made_up_runs.source())

    def _train(self, run, folder=None, observer=None):
        folder = folder or self.create_tempdir().full_path
        return loop.train(run, folder, observer=observer)

    def _whole(self):
        """Returns a run that never gets there, and a loss it has first at step 6."""
        whole = self._train(_run(0.0))
        self.assertEqual(whole.curve["step"], [0, 3, 4, 6, 9, 12])
        losses = whole.curve["train_cross_entropy"]
        self.assertLess(losses[3], min(losses[:3]))
        return whole, (losses[3] + min(losses[:3])) / 2

    def test_ends_at_the_first_evaluation_that_finds_the_loss(self):
        whole, goal = self._whole()
        short = self._train(_run(goal))
        self.assertEqual(
            (short.status, short.curve["step"]), ("completed", [0, 3, 4, 6])
        )
        for name in ("test_cross_entropy", "train_cross_entropy", "train_accuracy"):
            self.assertEqual(short.curve[name], whole.curve[name][:4])
            self.assertEqual(short.final[name], short.curve[name][-1])
        names = {f"{p}_{m}" for p in ("test", "train") for m in _METRICS}
        self.assertEqual(set(short.final), names)
        # At the loss itself, too.
        exact = whole.curve["train_cross_entropy"][3]
        self.assertEqual(self._train(_run(exact)).curve["step"][-1], 6)

    def test_other_parts_do_not_count(self):
        _, goal = self._whole()
        evaluate = trainee.Trainee.evaluate
        for part, last in (("test", 6), ("train", 12)):

            def higher(own, of, part=part):
                found = evaluate(own, of)
                found[f"{of}_cross_entropy"] += of == part
                return found

            with mock.patch.object(trainee.Trainee, "evaluate", higher):
                record = self._train(_run(goal))
            self.assertEqual(record.curve["step"][-1], last)

    def test_a_run_stopped_where_it_ends_takes_no_step_more(self):
        whole, goal = self._whole()
        folder = pathlib.Path(self.create_tempdir().full_path) / "run"
        with self.assertRaises(interruption.Interrupted):
            self._train(_run(goal), folder, _Stopping(6))
        record = self._train(_run(goal), folder)
        self.assertEqual(record.curve["step"], [0, 3, 4, 6])
        self.assertEqual(record.final["test_accuracy"], whole.curve["test_accuracy"][3])

    def test_only_runs_that_ask_are_measured_on_the_training_set(self):
        plain = self._train(
            dataclasses.replace(_run(None), num_steps=4, evaluation_steps=(2,))
        )
        self.assertNotIn("train_cross_entropy", plain.curve)
        self.assertIn("train_cross_entropy", plain.final)

    def test_not_of_exact_minima(self):
        with self.assertRaisesRegex(errors.UserError, "^stop_train_loss=.*newton"):
            config.RunConfig(
                config.DataConfig("gaussian_random", 20, scaling="none"),
                config.ModelConfig("logistic_regression", ()),
                config.NewtonConfig(l2=1.0),
                stop_train_loss=0.1,
            )

    def test_a_run_without_keeps_its_key(self):
        self.assertNotIn("stop_train_loss", config.to_dict(_run(None)))
        self.assertNotEqual(_run(0.5).key, _run(None).key)


if __name__ == "__main__":
    absltest.main()
