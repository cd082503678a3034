"""Ctrl-C ends a search at any moment, without harm to a trial."""

import json
import pathlib
import signal
from unittest import mock

import keras
import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

from bsgen import interrupts
from bsgen.tuning import (
    AppendixD,
    AsCompiled,
    BatchSizeHeuristic,
    Halving,
    ModelTrainer,
    Setting,
    run_search,
    search_figure,
    tune_batch_size,
)
from bsgen.tuning.keras_tuner_adapter import general_oracles
from tests import lost_interrupts
from tests.tuning import surface_trainer


def oracle():
    return general_oracles.make("random", (64, 512), (0.1, 1.0), 4, max_trials=5)


class Losing(keras.layers.Layer):
    """Loses Ctrl-C whenever it is traced."""

    def call(self, inputs):
        if not isinstance(inputs, keras.KerasTensor):
            lost_interrupts.in_destructor()
        return inputs


class InterruptedSearchTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        self.enter_context(lost_interrupts.ignored())

    def _search(self, fail=lambda call: None, on_outcome=lambda *_: None):
        trainer = surface_trainer.SurfaceTrainer(fail=fail)
        self.kept = []
        more = {"on_outcome": on_outcome, "on_kept": self.kept.append}
        try:
            run_search(oracle(), trainer, self.folder, {}, **more)
        finally:
            self.calls = trainer.calls

    def _rows(self):
        path = self.folder / "trials.csv"
        return path.read_text().splitlines()[1:] if path.exists() else []

    @parameterized.product(
        lose=(*lost_interrupts.LOST, lost_interrupts.as_another_error),
        at=(0, 2, 4),
    )
    def test_a_lost_one_ends_the_search_after_the_trial(self, lose, at):
        with self.assertRaises(KeyboardInterrupt):
            self._search(lambda call: lose() if call == at else None)
        self.assertLen(self.calls, at + 1)
        self.assertEqual(self.kept, [])
        # What is finished is in the table; the one that raised is not.
        is_lost = lose is lost_interrupts.as_another_error
        self.assertLen(self._rows(), at if is_lost else at + 1)
        self.assertFalse((self.folder / "recommendation.json").exists())
        handler = signal.getsignal(signal.SIGINT)
        self.assertIs(handler, signal.default_int_handler)
        with mock.patch("traceback.print_exc", self.fail):
            self._search()
        # A trial that had come to its end is kept; one that raised is no failed one.
        kept = at if lose is lost_interrupts.as_another_error else at + 1
        self.assertLen(self.calls, 5 - kept)
        self.assertEqual(self.kept, [kept] if kept else [])

    def test_a_lost_one_between_trials(self):
        seen = []

        def on_outcome(setting, outcome):
            seen.append(outcome)
            if len(seen) == 3:
                lost_interrupts.in_destructor()

        with self.assertRaises(KeyboardInterrupt):
            self._search(on_outcome=on_outcome)
        self.assertLen(self.calls, 3)

    def test_a_lost_one_in_a_decision(self):
        procedure = AppendixD(
            train_size=100_000, baseline_score=0.1, batch_sizes=(64, 512), num_repeats=2
        )
        trainer = surface_trainer.SurfaceTrainer()

        def lose(decision):
            if decision.phase == 1:
                lost_interrupts.in_destructor()

        with self.assertRaises(KeyboardInterrupt):
            run_search(
                BatchSizeHeuristic(procedure, on_decision=lose),
                trainer,
                self.folder,
                {},
                2,
            )
        # Two of the first rate; it is noticed after one of the next, if not before.
        self.assertBetween(len(trainer.calls), 2, 3)
        self.assertLen(self._rows(), len(trainer.calls))
        decisions = json.loads((self.folder / "decisions.json").read_bytes())
        self.assertNotEmpty(decisions)

    def test_halving_continues_after_a_stop_in_every_trial(self):
        procedure = Halving(
            train_size=100_000,
            baseline_score=0.1,
            num_epochs=10,
            first_batch_size=100,
            first_learning_rate=1.0,
            num_repeats=2,
        )

        def search(folder, fail=lambda call: None):
            trainer = surface_trainer.SurfaceTrainer(fail=fail)
            oracle = BatchSizeHeuristic(procedure)
            return run_search(oracle, trainer, folder, {}, 2), trainer.calls

        whole, calls = search(self.folder / "whole")
        # A twentieth and a third of the ten epochs, and whole runs.
        self.assertEqual({epochs for *_, epochs in calls}, {0.5, 3.5, None})

        def interrupt(call):
            if call == 1:
                raise KeyboardInterrupt

        num_stops = 0
        while True:
            try:
                found, _ = search(self.folder / "stopped", interrupt)
                break
            except KeyboardInterrupt:
                num_stops += 1
        self.assertEqual(num_stops, len(calls) - 1)
        self.assertEqual(found.recommendation, whole.recommendation)
        self.assertEqual(found.decisions, whole.decisions)
        pd.testing.assert_frame_equal(found.trials, whole.trials)
        self.assertLess(found.trials["share"].min(), 0.1)

    def test_the_picture_of_what_was_found(self):
        procedure = AppendixD(
            train_size=100_000,
            baseline_score=0.1,
            batch_sizes=(64, 512),
            num_repeats=2,
            own=AsCompiled(32, "Adam"),
        )
        described = {"metric": "validation accuracy", "baseline_score": 0.1}
        # Nothing but the user's own optimizer, and then a rate of phase 1.
        for num_trials in (1, 2, 3):

            def interrupt(call, most=num_trials):
                if call == most:
                    raise KeyboardInterrupt

            folder = self.folder / str(num_trials)
            trainer = surface_trainer.SurfaceTrainer(fail=interrupt)
            with self.assertRaises(KeyboardInterrupt):
                run_search(BatchSizeHeuristic(procedure), trainer, folder, described, 2)
            picture = search_figure.write(folder)
            self.assertStartsWith(picture.read_bytes(), b"\x89PNG")


class InterruptedFitTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(lost_interrupts.ignored())
        inputs = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
        self.data = inputs, inputs.sum(axis=1)
        self.built = []

    def _build(self, *layers):
        model = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        self.built.append(model)
        return model

    def test_a_lost_one_ends_fit_at_the_next_batch(self):
        trainer = ModelTrainer(self._build, self.data, self.data, num_epochs=3)
        models = iter([self._build(Losing()), self._build()])
        with (
            mock.patch.object(trainer._models, "new", lambda seed: next(models)),
            self.assertRaises(KeyboardInterrupt),
            interrupts.kept(),
        ):
            trainer.train(Setting(8, 0.01, 0.0), (0, 1))
        self.assertEqual(int(self.built[-2].optimizer.iterations), 1)
        self.assertIs(next(models), self.built[-1])  # the second repeat never began

    def test_a_lost_one_in_the_users_function(self):
        def build():
            lost_interrupts.in_destructor()
            return self._build()

        with self.assertRaises(KeyboardInterrupt):
            tune_batch_size(build, self.data, self.data, num_epochs=1)
        self.assertLen(self.built, 1)


if __name__ == "__main__":
    absltest.main()
