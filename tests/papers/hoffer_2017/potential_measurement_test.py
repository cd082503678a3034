"""Tests of what is measured around the initial weights."""

import dataclasses
import functools
import math
import pathlib
import types
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest, parameterized

from bsgen import config, data, measures, models
from bsgen.papers.hoffer_2017 import diffusion, potential_measurement, presets, regimes
from bsgen.studies import measurement
from bsgen.training import records

_RUN = config.RunConfig(
    data=config.DataConfig("digits", 40, subset_seed=3),
    model=config.ModelConfig("normalized_mlp", (6,)),
    optimizer=config.MomentumConfig(
        0.1, schedule=config.Stepwise((2.0, 4.0), (0.1, 0.01))
    ),
    batch_size=10,
    num_steps=20,
    seed=3,
    weight_distance=True,
)


def _record(run, steps, distances, status="completed"):
    curve = {"step": steps, "weight_distance": distances}
    return records.RunRecord(run, status, curve, {}, 1.0)


class MeasurementsTest(parameterized.TestCase):
    @parameterized.parameters(*presets.FIGURES)
    def test_one_a_seed_with_the_runs_of_figure_2(self, scale):
        found = potential_measurement.measurements(scale, 2)
        self.assertLen(found, 2)
        runs = diffusion.runs(regimes.RA, scale, 2)
        self.assertEqual(
            {run.key for entry in found for run in entry.recorded},
            {run.key for run in runs},
        )
        for seed, entry in enumerate(found):
            self.assertEqual({run.seed for run in entry.recorded}, {seed})
            self.assertEqual(entry.settings["seed"], seed)
            self.assertEmpty(entry.runs)  # no networks are kept
        self.assertLen({entry.key for entry in found}, 2)


class MeasureTest(parameterized.TestCase):
    def place(self, *known):
        root = pathlib.Path(self.create_tempdir().full_path)
        store = records.RunStore(root)
        store.hold(known)
        return measurement.Place(store, root)

    def test_the_largest_distance_is_of_the_initial_phase(self):
        # The rate drops after 2 epochs of 4 steps.
        one = _record(_RUN, [0, 4, 8, 20], [0.0, 1.0, 2.0, 9.0])
        run = dataclasses.replace(
            _RUN, batch_size=20, num_steps=10, evaluation_steps=()
        )
        two = _record(run, [0, 4, 10], [0.0, 3.0, None])
        lost = dataclasses.replace(_RUN, seed=4)
        three = _record(lost, [0, 4], [0.0, 1e9], "diverged")
        place = self.place(one, two, three)
        largest = functools.partial(potential_measurement.largest_distance, place)
        self.assertEqual(largest((_RUN,)), 2.0)
        self.assertEqual(largest((_RUN, run, lost)), 3.0)
        self.assertTrue(math.isnan(largest((lost,))))

    def test_rows(self):
        place = self.place(_record(_RUN, [0, 8], [0.0, 1.5]))
        with mock.patch.object(potential_measurement, "NUM_DIRECTIONS", 30):
            rows = potential_measurement._measure(place, _RUN, (_RUN,), 25, 25)
        inputs, labels = data.load(_RUN.data).train
        model = models.build(_RUN.model, inputs.shape[1:], 10, _RUN.seed)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        examples = inputs[:25], labels[:25]
        expected = measures.random_potential(
            *(model, loss, examples, 1.5), num_directions=30, seed=3
        )
        # Rounded to 7 digits; float32 losses of 2.
        differences = [row["difference"] for row in rows]
        np.testing.assert_allclose(differences, expected.differences, atol=1e-6)
        distances = [row["distance"] for row in rows]
        np.testing.assert_allclose(distances, expected.distances, rtol=1e-6)
        first = rows[0]
        self.assertEqual(first["max_distance"], 1.5)
        self.assertEqual(first["num_parameters"], expected.num_parameters)
        hessian = measures.Hessian(model, loss, examples, training=True)
        gradient = np.linalg.norm(hessian.gradient())
        np.testing.assert_allclose(first["gradient_norm"], gradient, rtol=1e-4)

    def test_trace_and_norm(self):
        """20 probes know both; the spread is that of 200 repeats."""
        root = np.random.default_rng(0).normal(size=(30, 30))
        matrix = root + root.T
        found = np.array(
            [
                potential_measurement._curvature(
                    types.SimpleNamespace(size=30, matvec=matrix.dot), seed
                )
                for seed in range(200)
            ]
        )
        errors = found.std(axis=0) / np.sqrt(200)
        self.assertLess(abs(found[:, 0].mean() - np.trace(matrix)), 4 * errors[0])
        squares = found[:, 1] ** 2
        error = squares.std() / np.sqrt(200)
        exact = np.linalg.norm(matrix) ** 2
        self.assertLess(abs(squares.mean() - exact), 4 * error)
        self.assertLess(error / exact, 0.02)

    def test_nothing_where_all_runs_diverged(self):
        place = self.place(_record(_RUN, [0], [0.0], "diverged"))
        (row,) = potential_measurement._measure(place, _RUN, (_RUN,), 25, 25)
        self.assertEqual({*row.values()}, {None})

    def test_convolutions_are_drawn_by_glorot(self):
        convolution = keras.layers.Conv2D(50, 3, kernel_initializer="zeros")
        model = keras.Sequential([keras.Input((8, 8, 20)), convolution])
        potential_measurement._initialise(model, 2)
        kernel = model.weights[0].numpy()
        # Uniform: a third of the square of the limit, 6 / (fan-in + fan-out).
        variance = 2 / (9 * 20 + 9 * 50)
        # The square of a uniform has the relative deviation sqrt(4 / 5).
        error = math.sqrt(0.8 / kernel.size)
        self.assertLess(abs(np.mean(kernel**2) / variance - 1), 4 * error)
        dense = models.build(_RUN.model, (8, 8), 10, 1)
        before = dense.get_weights()
        potential_measurement._initialise(dense, 2)
        for old, new in zip(before, dense.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)


if __name__ == "__main__":
    absltest.main()
