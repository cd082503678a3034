"""Whole searches: their results, their files, and how they continue."""

import contextlib
import io
import json
import pathlib

import keras
import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.tuning import (
    AppendixD,
    AsCompiled,
    BatchSizeHeuristic,
    run_search,
    search,
    tune_batch_size,
)
from bsgen.tuning.keras_tuner_adapter import general_oracles
from tests.tuning import surface, surface_trainer


def procedure(**more):
    numbers = {"batch_sizes": (64, 1024, 16384), "num_repeats": 2, **more}
    return AppendixD(train_size=100_000, baseline_score=0.1, **numbers)


def run(folder, trainer=None, chosen=None):
    chosen = chosen or procedure()
    trainer = trainer or surface_trainer.SurfaceTrainer()
    described = search.describe(chosen, {})
    oracle = BatchSizeHeuristic(chosen)
    return run_search(oracle, trainer, folder, described, chosen.num_repeats)


def build():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def data(seed=0, size=64):
    inputs = np.random.default_rng(seed).normal(size=(size, 4)).astype(np.float32)
    return inputs, (inputs.sum(axis=1) > 0).astype(np.int32)


class TuneTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)

    def test_files_say_what_came_out(self):
        found = run(self.folder / "search")
        written = {
            name: json.loads((self.folder / f"search/{name}.json").read_bytes())
            for name in ("recommendation", "decisions")
        }
        recommended = found.recommendation
        self.assertEqual(written["recommendation"]["words"], recommended.words())
        best = recommended.setting
        self.assertEqual(written["recommendation"]["setting"], vars(best))
        texts = [decision.text for decision in found.decisions]
        self.assertEqual([each["text"] for each in written["decisions"]], texts)
        table = pd.read_csv(self.folder / "search/trials.csv")
        self.assertEqual(table["num_steps"].sum(), recommended.num_steps)
        self.assertEqual({*table["phase"]}, {1, 2, 3, 4})
        sizes = table[table["phase"] == 1]["batch_size"]
        self.assertEqual({*sizes[table["learning_rate"] == 1]}, {64, 1024, 16384})
        names = {path.name for path in (self.folder / "search").iterdir()}
        files = {"search.json", "trials.csv", "decisions.json", "recommendation.json"}
        self.assertEqual(names, {*files, "trials", ".lock"})

    def test_goes_on_wherever_it_was_stopped(self):
        whole = surface_trainer.SurfaceTrainer()
        chosen = procedure(own=AsCompiled(32, "Adam"))
        expected = run(self.folder / "whole", whole, chosen)
        self.assertIsNotNone(expected.recommendation.baseline)
        for stop in range(0, len(whole.calls), 3):

            def interrupt(call, stop=stop):
                if call == stop:
                    raise KeyboardInterrupt

            folder = self.folder / str(stop)
            first = surface_trainer.SurfaceTrainer(fail=interrupt)
            with self.assertRaises(KeyboardInterrupt):
                run(folder, first, chosen)
            rest = surface_trainer.SurfaceTrainer()
            found = run(folder, rest, chosen)
            self.assertEqual(first.calls[:stop] + rest.calls, whole.calls)
            self.assertEqual(found.recommendation, expected.recommendation)
            self.assertEqual(found.decisions, expected.decisions)
            pd.testing.assert_frame_equal(found.trials, expected.trials)
        done = surface_trainer.SurfaceTrainer()
        self.assertEqual(
            run(self.folder / "whole", done, chosen).recommendation,
            expected.recommendation,
        )
        self.assertEmpty(done.calls)

    def test_halving_of_a_model(self):
        def tune(**more):
            return tune_batch_size(
                build,
                data(),
                data(1),
                num_epochs=40,
                num_repeats=2,
                output_dir=self.folder / "search",
                progress=False,
                procedure="halving",
                **more,
            )

        found = tune()
        recommended = found.recommendation
        self.assertGreater(recommended.score, 0.8)
        self.assertIsNotNone(recommended.baseline)
        self.assertEqual({*found.trials["phase"]}, {0, 1, 2, 4})
        shares = found.trials.groupby("phase")["share"].unique().map(list).to_dict()
        self.assertEqual(shares, {0: [1.0], 1: [0.05], 2: [0.35], 4: [1.0]})
        # Nothing is trained again.
        again = tune(on_outcome=self.fail)
        self.assertEqual(again.recommendation, recommended)
        self.assertEqual(
            found.build().optimizer.learning_rate, recommended.setting.learning_rate
        )
        with self.assertRaisesRegex(errors.UserError, "another search: tolerance"):
            tune(tolerance=0.5)
        with self.assertRaisesRegex(errors.UserError, "learning_rates=.*leave it out"):
            tune(learning_rates=(1.0,))
        with self.assertRaisesRegex(errors.UserError, "did you mean 'halving'"):
            tune_batch_size(build, data(), data(1), 4, procedure="halve")

    def test_refuses_the_folder_of_another_search(self):
        run(self.folder)
        before = {path: path.read_bytes() for path in self.folder.glob("*.*")}
        with self.assertRaisesRegex(errors.UserError, "another search: num_repeats"):
            run(self.folder, chosen=procedure(num_repeats=3))
        after = {path: path.read_bytes() for path in self.folder.glob("*.*")}
        self.assertEqual(before, after)

    def test_the_end_of_another_oracle(self):
        trainer = surface_trainer.SurfaceTrainer()
        oracle = general_oracles.make("random", (64, 1024), (0.01, 1.0), 1, 8)
        found = run_search(oracle, trainer, self.folder, {}, num_repeats=2)
        self.assertLen(found.trials, 8)
        best = found.trials.loc[found.trials["score"].idxmax()]
        recommended = found.recommendation
        self.assertEqual(recommended.score, best["score"])
        self.assertEqual(recommended.setting.learning_rate, best["learning_rate"])
        self.assertEqual(recommended.standard_error, best["standard_error"])
        self.assertEqual(recommended.num_runs, 16)
        self.assertRegex(
            recommended.words(),
            r"^batch size \d+, learning rate [\d.]+, momentum [\d.]+: validation "
            r"accuracy [\d.]+ ± [\d.]+; the search took \d+ steps",
        )

    @parameterized.parameters("random", "appendix_d")
    def test_nothing_trains(self, name):
        trainer = surface_trainer.SurfaceTrainer(surface.Surface(max_rate=0.0))
        if name == "random":
            oracle = general_oracles.make("random", (64, 1024), (0.01, 1.0), 1, 4)
        else:
            oracle = BatchSizeHeuristic(procedure())
        found = run_search(oracle, trainer, self.folder, {}, num_repeats=2)
        self.assertIsNone(found.recommendation)
        self.assertEqual({*found.trials["status"]}, {"diverged"})
        count = len(found.trials)
        self.assertStartsWith(
            found.words(), f"no recommendation: of {count} trials {count} diverged"
        )
        if name == "appendix_d":
            self.assertIn("nothing can be recommended", found.words())
        # Their scores are made up, so the table has none.
        self.assertTrue(found.trials["score"].isna().all())
        self.assertFalse((self.folder / "recommendation.json").exists())

    def test_a_keras_model(self):
        seen = []
        more = {"num_epochs": 8, "batch_sizes": (8, 16), "learning_rates": (1.0,)}
        more |= {"max_batch_size": 16, "num_repeats": 1, "output_dir": self.folder}
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            found = tune_batch_size(
                build,
                data(),
                data(1),
                on_outcome=lambda setting, outcome: seen.append(setting),
                **more,
            )
        self.assertLen(found.trials, len(seen))
        lines = shown.getvalue().splitlines()
        texts = [
            f"phase {each.phase}: {each.text}".replace("phase 0:", "at the start:")
            for each in found.decisions
        ]
        said = [line for line in lines if line.startswith(("phase", "at the start"))]
        self.assertEqual(said, texts)
        # Said before anything is trained, and trained first; 16 is all that is allowed.
        own = AsCompiled(16, "Adam")
        self.assertStartsWith(lines[0], "to beat: ")
        self.assertIn("trains with Momentum in place of your own Adam", lines[2])
        self.assertStartsWith(lines[3], f"{own.words()}: 0.")
        self.assertEqual(seen[0], own)
        self.assertLen(lines, 1 + len(texts) + len(seen))
        baseline = found.recommendation.baseline
        self.assertEqual(baseline.setting, own)
        self.assertIn(f"{own.words()} ", found.words())
        self.assertEqual(found.words(), found.recommendation.words())
        with self.subTest("silent, and nothing is trained again"):
            shown = io.StringIO()
            with contextlib.redirect_stdout(shown):
                again = tune_batch_size(build, data(), data(1), progress=False, **more)
            self.assertEqual(shown.getvalue(), "")
            self.assertEqual(again.recommendation, found.recommendation)
        self.assertLessEqual(found.recommendation.setting.batch_size, 16)
        self.assertGreater(found.recommendation.score, 0.8)
        self.assertTrue((self.folder / "recommendation.json").exists())
        picture = (self.folder / "figure.png").read_bytes()
        self.assertStartsWith(picture, b"\x89PNG")

    def test_another_model_or_other_data_in_a_kept_folder(self):
        def wider():
            model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile("adam", loss, metrics=["accuracy"])
            return model

        more = {"num_epochs": 1, "batch_sizes": 16, "learning_rates": (0.1,)}
        more |= {"num_repeats": 1, "output_dir": self.folder}
        first = tune_batch_size(build, data(), data(1), **more)
        again = tune_batch_size(build, data(), data(1), **more)
        pd.testing.assert_frame_equal(first.trials, again.trials)
        for name, arguments in (
            ("model", (wider, data(), data(1))),
            ("train_data", (build, data(2), data(1))),
            ("validation_data", (build, data(), data(2))),
        ):
            with self.assertRaisesRegex(errors.UserError, f"search: .*{name} differ"):
                tune_batch_size(*arguments, **more)

    def test_numpy_numbers_as_arguments(self):
        found = tune_batch_size(
            build,
            data(),
            data(1),
            num_epochs=np.float32(0.5),
            batch_sizes=2 ** np.arange(4, 6),
            learning_rates=np.array([0.1]),
            max_batch_size=np.int64(32),
            num_repeats=np.int32(1),
            seed=np.int64(3),
            output_dir=self.folder,
        )
        self.assertContainsSubset([16, 32], found.trials["batch_size"].tolist())

    @parameterized.parameters(
        ((16, 65), None, "65.*at most 64, the number of training examples"),
        ([16, 32], 31, "32.*at most 31, max_batch_size"),
        ((), None, "give at least one"),
        ((16, 0), None, "batch_sizes=0: give an integer of at least 1"),
        ("ab", None, "batch_sizes='a': give an integer"),
    )
    def test_no_batch_size_is_left_out_without_a_word(self, sizes, limit, message):
        more = {"num_epochs": 1, "batch_sizes": sizes, "max_batch_size": limit}
        with self.assertRaisesRegex(errors.UserError, message):
            tune_batch_size(build, data(), data(1), **more)

    @parameterized.parameters(
        ({"learning_rates": 0.0}, "learning_rates=\\(0.0,\\): give falling numbers"),
        ({"num_epochs": 0}, "num_epochs=0: give more than 0"),
    )
    def test_single_numbers(self, wrong, message):
        with self.assertRaisesRegex(errors.UserError, message):
            tune_batch_size(build, data(), data(1), **{"num_epochs": 1, **wrong})

    @parameterized.parameters(0, 2.5, "a")
    def test_refuses_a_baseline_batch_size(self, size):
        with self.assertRaisesRegex(errors.UserError, "^baseline_batch_size="):
            tune_batch_size(build, data(), data(1), 1, baseline_batch_size=size)

    def test_training_data_smaller_than_the_smallest_batch(self):
        message = "batch_sizes=\\(128, 256\\): give a batch size of at most 64"
        with self.assertRaisesRegex(errors.UserError, message):
            tune_batch_size(build, data(), data(1), 1, batch_sizes=(128, 256))


if __name__ == "__main__":
    absltest.main()
