"""Tests of the tables of recorded runs."""

import dataclasses
import math

import numpy as np
import pandas as pd
from absl.testing import absltest

from bsgen import config
from bsgen.studies import tables
from bsgen.training import records


def _record(seed=0, batch_size=8, curve=None, final=None, status="completed"):
    run = config.RunConfig(
        config.DataConfig("digits", 100, subset_seed=seed),
        config.ModelConfig("mlp", (3, 4)),
        config.MomentumConfig(learning_rate=0.5, l2=0.01),
        batch_size,
        20,
        (0, 5),
        seed,
    )
    return records.RunRecord(run, status, curve or {}, final or {}, 1.25)


class TablesTest(absltest.TestCase):
    def test_the_best_value_is_the_highest_or_the_lowest(self):
        curve = {
            "step": [0, 5, 10, 20],
            "test_mse": [3.0, math.nan, 1.0, 2.0],
            "validation_perplexity": [90.0, 80.0, 85.0, None],
            "batch_accuracy": [None, 0.5, 0.7, 0.6],
        }
        (row,) = tables.results([_record(curve=curve)]).runs.to_dict("records")
        best = {name: row[name] for name in row if name.startswith("best_")}
        expected = {"test_mse": (1.0, 10), "validation_perplexity": (80.0, 5)}
        expected |= {"batch_accuracy": (0.7, 10)}
        self.assertEqual(
            {
                name: (best.pop(f"best_{name}"), best.pop(f"best_{name}_step"))
                for name in expected
            },
            expected,
        )
        self.assertEmpty(best)

    def test_one_row_a_run_with_its_settings(self):
        curve = {
            "step": [0, 5, 20],
            "test_accuracy": [0.1, 0.8, 0.8],
            "test_cross_entropy": [2.3, 0.5, 0.7],
        }
        final = {"test_accuracy": 0.8, "test_cross_entropy": 0.7, "train_accuracy": 1.0}
        record = dataclasses.replace(
            _record(3, None, curve, final), hardware={"device": "a card"}
        )
        (row,) = tables.results([record]).runs.to_dict("records")
        expected = {
            "key": record.run.key,
            "dataset": "digits",
            "train_size": 100,
            "subset_seed": 3,
            "scaling": "unit_norm",
            "sampling": "shuffle",
            "model": "mlp",
            "hidden_units": "3x4",
            "optimizer": "momentum",
            "learning_rate": 0.5,
            "momentum": 0.9,
            "l2": 0.01,
            "batch_size": 100,  # the full batch is N
            "num_steps": 20,
            "seed": 3,
            "status": "completed",
            "seconds": 1.25,
            "hardware": "a card",
            "final_test_accuracy": 0.8,
            "final_train_accuracy": 1.0,
            "best_test_accuracy": 0.8,
            "best_test_accuracy_step": 5,  # the first of two equals
            "best_test_cross_entropy": 0.5,
            "best_test_cross_entropy_step": 5,
        }
        self.assertEqual({name: row[name] for name in expected}, expected)

    def test_later_fields_have_columns_where_they_are_not_the_default(self):
        plain = _record()
        run = dataclasses.replace(
            plain.run,
            model=config.ModelConfig("mlp4", normalization="ghost", ghost_batch_size=4),
            optimizer=config.MomentumConfig(
                schedule=config.Cyclic(factors=(5.0, 1.0), period=4.0)
            ),
            batch_size_schedule=config.Stepwise((1.0,), (2.0,)),
            final_measures=config.FINAL_MEASURES,
            measured_examples=10,
        )
        table = tables.results([plain, dataclasses.replace(plain, run=run)]).runs
        first, second = table.to_dict("records")
        expected = {
            "normalization": "ghost",
            "ghost_batch_size": 4,
            "schedule": "cyclic factors=5.0,1.0 period=4.0 unit=epochs shape=steps",
            "batch_size_schedule": "stepwise boundaries=1.0 factors=2.0 unit=epochs",
            "measured_examples": 10,
        }
        self.assertEqual({name: second[name] for name in expected}, expected)
        self.assertTrue(all(pd.isna(first[name]) for name in expected))
        self.assertNotIn("final_measures", table)
        again = config.parse_schedule(second["schedule"])
        self.assertEqual(again, run.optimizer.schedule)

    def test_values_that_are_not_finite_are_never_the_best(self):
        for missing in (None, math.nan, math.inf):
            curve = {
                "step": [0, 5, 20],
                "test_accuracy": [0.2, 0.1, 0.1],
                "test_cross_entropy": [missing, 2.0, missing],
            }
            (row,) = tables.results([_record(curve=curve)]).runs.to_dict("records")
            self.assertEqual(row["best_test_cross_entropy"], 2.0)
            self.assertEqual(row["best_test_cross_entropy_step"], 5)
            self.assertEqual(row["best_test_accuracy"], 0.2)

    def test_diverged_runs_have_rows_too(self):
        diverged = _record(
            1, curve={"step": [0], "test_accuracy": [0.1]}, status="diverged"
        )
        completed = _record(0, final={"test_accuracy": 0.75})
        table = tables.results([completed, diverged]).runs
        self.assertEqual(table["status"].tolist(), ["completed", "diverged"])
        np.testing.assert_array_equal(table["final_test_accuracy"], [0.75, np.nan])

    def test_one_row_an_evaluation(self):
        first = _record(0, curve={"step": [0, 5], "test_accuracy": [0.1, 0.5]})
        second = _record(1, curve={"step": [0], "test_accuracy": [0.2]})
        table = tables.results([first, _record(2), second]).curves
        keys = [first.run.key, first.run.key, second.run.key]
        self.assertEqual(table["key"].tolist(), keys)
        self.assertEqual(table["step"].tolist(), [0, 5, 0])
        self.assertEqual(table["test_accuracy"].tolist(), [0.1, 0.5, 0.2])

    def test_curves_may_have_different_metrics(self):
        first = _record(0, curve={"step": [0, 5], "test_accuracy": [0.1, None]})
        second = _record(1, curve={"step": [0], "test_cross_entropy": [2.0]})
        table = tables.results([first, second, _record(2)]).curves
        frames = [
            pd.DataFrame({"key": each.run.key, **each.curve})
            for each in (first, second)
        ]
        pd.testing.assert_frame_equal(table, pd.concat(frames, ignore_index=True))

    def test_no_curves(self):
        self.assertTrue(tables.results([_record()]).curves.empty)

    def test_a_setting_is_there_when_all_its_repeats_are(self):
        """Of two repeats, batch size 16 lacks one and 32 both."""
        finished = [_record(0, 8), _record(1, 8), _record(1, 16)]
        runs = [_record(seed, size).run for size in (8, 16, 32) for seed in (0, 1)]
        store = records.RunStore(self.create_tempdir().full_path)
        store.add(finished)
        found = tables.partial_results(runs, store)
        self.assertEqual(found.runs["key"].tolist(), [run.key for run in runs[:2]])
        self.assertEqual(found.missing["key"].tolist(), [run.key for run in runs[2:]])
        self.assertEqual(found.missing["batch_size"].tolist(), [16, 16, 32, 32])
        self.assertEqual(
            found.missing["recorded"].tolist(), [False, True, False, False]
        )
        self.assertEqual(found.num_missing, 3)
        store.add([_record(0, 16), _record(0, 32), _record(1, 32)])
        whole = tables.partial_results(runs, store)
        self.assertEqual((len(whole.runs), whole.num_missing), (6, 0))

    def test_accuracies_by_batch_size_and_seed(self):
        finished = [
            _record(seed, size, final={"test_accuracy": 0.01 * size + seed / 1000})
            for seed in (1, 0)
            for size in (32, 8)
        ]
        finished.append(_record(0, 2, status="diverged"))
        finished.append(_record(1, 2, final={"test_accuracy": 0.3}))
        table = tables.accuracies(tables.results(finished).runs, chance=0.1)
        self.assertEqual(table.index.tolist(), [2, 8, 32])
        self.assertEqual(table.columns.tolist(), [0, 1])
        expected = [[0.1, 0.3], [0.08, 0.081], [0.32, 0.321]]
        np.testing.assert_allclose(table, expected, rtol=1e-12)


if __name__ == "__main__":
    absltest.main()
