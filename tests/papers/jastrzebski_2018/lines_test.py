"""Tests of the lines of figure 4: their settings, and how they are measured."""

import dataclasses
import pathlib
import types
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, measures
from bsgen.papers.jastrzebski_2018 import grid, lines, presets
from bsgen.studies import budgets, measurement
from bsgen.training import execution, records


class LinesTest(parameterized.TestCase):
    @parameterized.parameters(*lines.PAIRS)
    def test_pairs(self, scale):
        pairs = lines.PAIRS[scale]
        ratios = [p.first[0] / p.first[1] for p in pairs]
        ratios = [
            r / (p.second[0] / p.second[1]) for r, p in zip(ratios, pairs, strict=True)
        ]
        equal = [np.isclose(ratio, 1.0) for ratio in ratios]
        same = {"quick": [0, 0, 1, 0], "paper": [0, 0, 1, 1]}[scale]
        self.assertEqual(equal, same)
        self.assertTrue(all(r > 5 for r, e in zip(ratios, equal, strict=True) if not e))
        self.assertEqual([p.panel for p in pairs], list("abcd"))
        for pair in pairs:
            self.assertNotEqual(pair.first, pair.second)

    def test_the_first_network_of_the_last_quick_pair_is_stopped(self):
        for entry in lines.measurements("quick", 2):
            epochs = [
                r.num_steps * r.batch_size / r.data.train_size for r in entry.runs
            ]
            stopped = entry.settings["panel"] == "d"
            self.assertEqual(epochs[0], 10 if stopped else 80)
            self.assertEqual(epochs[1], 80)
            self.assertEqual(
                entry.settings.get("first_epochs"), 10 if stopped else None
            )

    @parameterized.parameters(*lines.PAIRS)
    def test_ends_share_examples_and_not_the_initial_weights(self, scale):
        for entry in lines.measurements(scale, 2):
            first, second = entry.runs
            self.assertEqual(first.data, second.data)
            self.assertEqual(first.data.subset_seed, entry.settings["seed"])
            self.assertNotEqual(first.seed, second.seed)
            settings = first.optimizer.learning_rate, first.batch_size
            panel = "abcd".index(entry.settings["panel"])
            pair = lines.PAIRS[scale][panel]
            self.assertEqual(settings, pair.first)
            self.assertEqual(
                (second.optimizer.learning_rate, second.batch_size), pair.second
            )

    def test_lines_are_crossed(self):
        entries = lines.measurements("quick", 2)
        self.assertLen({entry.key for entry in entries}, len(entries))
        by_line = {
            (e.settings["panel"], e.settings["seed"], e.settings["crossed"]): e.runs
            for e in entries
        }
        for (panel, seed, crossed), runs in by_line.items():
            other = by_line[panel, seed, not crossed]
            self.assertEqual([r.seed for r in runs], [r.seed for r in other][::-1])
            self.assertEqual({runs[0].seed, other[0].seed}, {seed, seed + 1000})

    def test_half_of_the_runs_that_are_not_stopped_are_those_of_figure_3(self):
        entries = lines.measurements("quick", 2)
        keys = {run.key for entry in entries for run in entry.runs}
        self.assertLen(keys, 3 * 2 * 2 + 2 * 2)  # and those that are stopped
        self.assertLen(keys & {run.key for run in grid.runs("quick", 2)}, 3 * 2)

    @parameterized.parameters(*lines.PAIRS)
    def test_more_seeds_keep_the_lines(self, scale):
        few, many = (
            {entry.key for entry in lines.measurements(scale, n)} for n in (2, 3)
        )
        self.assertLess(few, many)


class MeasureTest(tf.test.TestCase):
    def _entry(self, learning_rate=0.1):
        task = dataclasses.replace(
            lines.PAIRS["quick"][0].task,
            data=dataclasses.replace(presets.DIGITS, train_size=60),
            model=config.ModelConfig("normalized_mlp", (6, 5)),
            budget=budgets.Epochs(4),
        )
        pair = lines.Pair("a", task, (learning_rate, 10), (0.1, 20))
        with (
            mock.patch.dict(lines.PAIRS, quick=(pair,)),
            mock.patch.dict(lines.MEASURED_EXAMPLES, quick=60),
            mock.patch.dict(lines.NUM_ALPHAS, quick=7),
        ):
            return lines.measurements("quick", 1)[0]

    def test_ends_are_the_trained_networks(self):
        entry = self._entry()
        folder = pathlib.Path(self.create_tempdir().full_path)
        place = measurement.Place(records.RunStore(folder), folder / "own")
        keep = {run.key for run in entry.runs}
        execution.execute(entry.runs, place.store, keep_networks=keep)
        finished = [place.record(run) for run in entry.runs]
        rows = entry.measure(place)
        np.testing.assert_allclose([r["alpha"] for r in rows], np.arange(-1, 2.1, 0.5))
        for end, record in zip((2, 4), finished, strict=True):
            for name in ("train_cross_entropy", "train_accuracy", "test_accuracy"):
                # Batches of other sizes: float32 sums in another order.
                self.assertAllClose(rows[end][name], record.final[name], rtol=1e-5)
        models = [place.model(run) for run in entry.runs]
        distance = measures.weight_distance(*models).value
        self.assertAllClose([r["distance"] for r in rows], [distance] * 7)
        losses = [r["train_cross_entropy"] for r in rows]
        self.assertLen(set(losses), 7)

    def test_a_diverged_network(self):
        entry = self._entry()
        status = {entry.runs[0].key: "completed", entry.runs[1].key: "diverged"}
        place = mock.Mock()
        place.record = lambda run: types.SimpleNamespace(status=status[run.key])
        rows = entry.measure(place)
        self.assertLen(rows, 7)
        for row in rows:
            self.assertEqual({v for k, v in row.items() if k != "alpha"}, {None})


if __name__ == "__main__":
    tf.test.main()
