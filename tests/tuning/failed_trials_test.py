"""Trials in which the user's code raises, or the trainer refuses."""

import contextlib
import io
import pathlib

from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.tuning import AppendixD, BatchSizeHeuristic, run_search
from bsgen.tuning.keras_tuner_adapter import general_oracles
from bsgen.tuning.procedures import settings
from tests.tuning import surface_trainer

_PROCEDURE = AppendixD(
    train_size=100_000,
    baseline_score=0.1,
    batch_sizes=(64, 1024, 16384),
    num_repeats=2,
)


class FailedTrialsTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)

    def _oracle(self, name):
        if name == "appendix_d":
            return BatchSizeHeuristic(_PROCEDURE)
        more = {} if name == "hyperband" else {"max_trials": 8}
        sizes, rates = (64, 1024, 8192), (0.01, 1.0)
        return general_oracles.make(name, sizes, rates, num_epochs=9, **more)

    def _search(self, name, folder, fail=lambda call: None):
        trainer = surface_trainer.SurfaceTrainer(fail=fail)
        with contextlib.redirect_stderr(io.StringIO()) as written:
            found = run_search(self._oracle(name), trainer, folder, {}, num_repeats=2)
        return found, trainer.calls, written.getvalue()

    @parameterized.parameters("appendix_d", "random", "grid", "hyperband", "bayesian")
    def test_are_trained_again_when_the_cause_is_mended(self, name):
        def fail(call):
            if call in (1, 2, 4):
                raise RuntimeError("the user's mistake")

        folder = self.folder / "broken"
        broken, calls, text = self._search(name, folder, fail)
        self.assertEqual(text.count("RuntimeError: the user's mistake"), 3)
        failed = broken.trials["status"] == "failed"
        self.assertEqual(failed.sum(), 3)
        mended, again, text = self._search(name, folder)
        self.assertEmpty(text)
        self.assertEqual(again[:3], [calls[1], calls[2], calls[4]])
        self.assertEqual({*mended.trials["status"]}, {"completed"})
        if name == "appendix_d":
            whole, _, _ = self._search(name, self.folder / "whole")
            self.assertNotEqual(broken.decisions, whole.decisions)
            self.assertEqual(mended.decisions, whole.decisions)
            self.assertEqual(
                mended.recommendation.setting, whole.recommendation.setting
            )
        else:
            self.assertLen(again, 3)
        self.assertEmpty(self._search(name, folder)[1])

    @parameterized.parameters(0, 1, 2)
    def test_go_on_wherever_the_second_try_was_stopped(self, stop):
        def fail(call):
            if call < 3:
                raise RuntimeError("the user's mistake")

        def interrupt(call):
            if call == stop:
                raise KeyboardInterrupt

        _, calls, _ = self._search("random", self.folder, fail)
        with self.assertRaises(KeyboardInterrupt):
            self._search("random", self.folder, interrupt)
        mended, rest, _ = self._search("random", self.folder)
        self.assertCountEqual(rest, calls[stop:3])
        self.assertEqual({*mended.trials["status"]}, {"completed"})
        self.assertLen(mended.trials, 8)

    def test_what_a_trainer_refuses_is_a_result(self):
        def fail(call):
            if call == 1:
                raise errors.UserError("batch_size", 7, "ghosts do not divide it")

        first, _, text = self._search("random", self.folder, fail)
        self.assertRegex(text, "^batch size .*: batch_size=7: ghosts do not divide it")
        again, calls, _ = self._search("random", self.folder)
        self.assertEmpty(calls)
        for found in (first, again):
            self.assertEqual([*found.trials["status"]].count("refused"), 1)
            self.assertIsInstance(found.recommendation.setting, settings.Setting)


if __name__ == "__main__":
    absltest.main()
