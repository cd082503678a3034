"""Tests of figure 4: its lines, their measurement, and claims on made-up lines."""

import dataclasses
import pathlib
import types
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, measures
from bsgen.papers.jastrzebski_2018 import basin_widths, grid, interpolations, presets
from bsgen.studies import budgets, claims, measurement, measurement_store, tables
from bsgen.training import records
from tests.papers.jastrzebski_2018 import made_up_lines
from tests.studies import made_up


def _results(num_seeds=4, **arguments):
    rng = np.random.default_rng(0)
    return tables.results(
        (),
        [
            measurement_store.MeasurementRecord(
                entry.key,
                dict(entry.settings),
                made_up_lines.rows(entry, rng, **arguments),
                1.0,
            )
            for entry in interpolations.measurements("quick", num_seeds)
        ],
    )


def _judge(*arguments, **settings):
    return interpolations.judge(_results(*arguments, **settings))


def _of_ratio(exponent):
    return lambda rate, size, initial: 2.0 * (rate / size / 1e-3) ** exponent


class LinesTest(parameterized.TestCase):
    @parameterized.parameters(*interpolations.PAIRS)
    def test_pairs(self, scale):
        pairs = interpolations.PAIRS[scale]
        ratios = [p.first[0] / p.first[1] for p in pairs]
        ratios = [
            r / (p.second[0] / p.second[1]) for r, p in zip(ratios, pairs, strict=True)
        ]
        self.assertTrue(all(ratio > 5 for ratio in ratios[:2]))
        np.testing.assert_allclose(ratios[2:], 1.0)
        self.assertEqual([p.panel for p in pairs], list("abcd")[: len(pairs)])
        for pair in pairs[2:]:
            self.assertNotEqual(pair.first, pair.second)

    @parameterized.parameters(*interpolations.PAIRS)
    def test_ends_share_examples_and_not_the_initial_weights(self, scale):
        for entry in interpolations.measurements(scale, 2):
            first, second = entry.runs
            self.assertEqual(first.data, second.data)
            self.assertEqual(first.data.subset_seed, entry.settings["seed"])
            self.assertNotEqual(first.seed, second.seed)
            settings = first.optimizer.learning_rate, first.batch_size
            panel = "abcd".index(entry.settings["panel"])
            pair = interpolations.PAIRS[scale][panel]
            self.assertEqual(settings, pair.first)
            self.assertEqual(
                (second.optimizer.learning_rate, second.batch_size), pair.second
            )

    def test_lines_are_crossed(self):
        entries = interpolations.measurements("quick", 2)
        self.assertLen({entry.key for entry in entries}, len(entries))
        by_line = {
            (e.settings["panel"], e.settings["seed"], e.settings["crossed"]): e.runs
            for e in entries
        }
        for (panel, seed, crossed), runs in by_line.items():
            other = by_line[panel, seed, not crossed]
            self.assertEqual([r.seed for r in runs], [r.seed for r in other][::-1])
            self.assertEqual({runs[0].seed, other[0].seed}, {seed, seed + 1000})

    def test_half_of_the_quick_runs_are_those_of_figure_3(self):
        entries = interpolations.measurements("quick", 2)
        keys = {run.key for entry in entries for run in entry.runs}
        self.assertLen(keys, 3 * 2 * 2)
        self.assertLen(keys & {run.key for run in grid.runs("quick", 2)}, 3 * 2)

    @parameterized.parameters(*interpolations.PAIRS)
    def test_more_seeds_keep_the_lines(self, scale):
        few, many = (
            {entry.key for entry in interpolations.measurements(scale, n)}
            for n in (2, 3)
        )
        self.assertLess(few, many)


class ClaimsTest(parameterized.TestCase):
    def test_the_claims_of_the_paper(self):
        judged = _judge(width_of=_of_ratio(0.2))
        self.assertEqual(made_up.verdicts(judged), [claims.HOLDS] * 3)
        expected = [6.25**0.2, 6.25**0.2, 1.0]
        np.testing.assert_allclose([c.measured for c in judged], expected, rtol=0.05)
        self.assertIn("4 seeds", judged[0].note)
        self.assertIn("0.25 / 40 over that of 0.25 / 250", judged[0].quantity)

    def test_the_contrary(self):
        judged = _judge(width_of=_of_ratio(-0.2))
        self.assertEqual(made_up.verdicts(judged[:2]), [claims.FAILS] * 2)

    def test_a_width_of_the_batch_size_alone(self):
        judged = _judge(width_of=lambda rate, size, initial: 8 / size**0.3)
        self.assertEqual(made_up.verdicts(judged)[2], claims.FAILS)

    def test_crossing_takes_out_what_initial_weights_do(self):
        def width_of(rate, size, initial):
            return _of_ratio(0.2)(rate, size, initial) * (1.5 if initial else 1.0)

        plain = _judge(width_of=_of_ratio(0.2), spread=0.0)
        judged = _judge(width_of=width_of, spread=0.0)
        for claim, expected in zip(judged, plain, strict=True):
            # Up to the interpolation between alphas.
            self.assertAlmostEqual(claim.measured, expected.measured, delta=0.02)
            self.assertLess(claim.interval[1] - claim.interval[0], 1e-6)

    def test_a_diverged_network_leaves_its_claims_undecided(self):
        def width_of(rate, size, initial):
            return None if (size == 250 and initial) else 2.0

        judged = _judge(width_of=width_of)
        self.assertEqual(made_up.verdicts(judged)[0], claims.UNDECIDED)
        self.assertIsNone(judged[0].measured)
        self.assertIsNotNone(judged[1].measured)  # is of other networks

    def test_one_seed_has_no_interval(self):
        judged = _judge(1, width_of=_of_ratio(0.2))
        self.assertEqual(made_up.verdicts(judged), [claims.UNDECIDED] * 3)


class MeasureTest(tf.test.TestCase):
    def _entry(self, learning_rate=0.1):
        task = dataclasses.replace(
            interpolations.PAIRS["quick"][0].task,
            data=dataclasses.replace(presets.DIGITS, train_size=60),
            model=config.ModelConfig("normalized_mlp", (6, 5)),
            budget=budgets.Epochs(4),
        )
        pair = interpolations.Pair("a", task, (learning_rate, 10), (0.1, 20))
        with (
            mock.patch.dict(interpolations.PAIRS, quick=(pair,)),
            mock.patch.dict(interpolations.MEASURED_EXAMPLES, quick=60),
            mock.patch.dict(interpolations.NUM_ALPHAS, quick=7),
        ):
            return interpolations.measurements("quick", 1)[0]

    def test_ends_are_the_trained_networks(self):
        entry = self._entry()
        folder = pathlib.Path(self.create_tempdir().full_path)
        place = measurement.Place(records.RunStore(folder), folder / "own")
        finished = place.train(entry.runs)
        rows = entry.measure(place)
        np.testing.assert_allclose([r["alpha"] for r in rows], np.arange(-1, 2.1, 0.5))
        for end, record in zip((2, 4), finished, strict=True):
            for name in ("train_cross_entropy", "train_accuracy", "test_accuracy"):
                # Batches of other sizes: float32 sums in another order.
                self.assertAllClose(rows[end][name], record.final[name], rtol=1e-5)
        models = [place.model(run) for run in entry.runs]
        distance = measures.weight_distance(*models).value
        self.assertAllClose([r["distance"] for r in rows], [distance] * 7)
        losses = [r[basin_widths.LOSS] for r in rows]
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
