"""Tests of what is measured for appendix A, against a slow twin."""

import dataclasses
import pathlib
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest, parameterized

from bsgen import config, data, measures, models
from bsgen.data import sampling
from bsgen.papers.hoffer_2017 import appendix_a_measurement
from bsgen.studies import measurement
from bsgen.training import records
from tests.measures import small_models

_RUN = config.RunConfig(
    data=config.DataConfig("digits", 40, subset_seed=3),
    model=config.ModelConfig("mlp", (6,), "tanh"),
    optimizer=config.MomentumConfig(0.5, 0.0),
    batch_size=8,
    num_steps=100,
    seed=3,
)


def _build():
    inputs, labels = data.load(_RUN.data).train
    return models.build(_RUN.model, inputs.shape[1:], 10, _RUN.seed), inputs, labels


def _train(num_steps):
    """Slow twin: the trained network, and each step's increment and full gradient."""
    model, inputs, labels = _build()
    sizes = np.cumsum([np.prod(v.shape) for v in model.trainable_variables])[:-1]
    moves, full = [], []
    for step in range(num_steps):
        chosen = sampling.batch_positions(_RUN.seed, step, 8, 40)
        moves.append(small_models.mean_gradient(model, inputs[chosen], labels[chosen]))
        full.append(small_models.mean_gradient(model, inputs, labels))
        parts = np.split(0.5 * moves[-1], sizes)
        for variable, part in zip(model.trainable_variables, parts, strict=True):
            variable.assign_sub(part.reshape(variable.shape))
    return model, np.array(moves, float), np.array(full, float)


class MeasurementsTest(parameterized.TestCase):
    @parameterized.parameters(("quick", "digits", 8, 0.2), ("reduced", "mnist", 5, 0.1))
    def test_one_a_seed(self, scale, dataset, num_seeds, rate):
        found = appendix_a_measurement.measurements(scale, None)
        self.assertLen({entry.key for entry in found}, num_seeds)
        for entry in found:
            self.assertEqual(entry.datasets, (dataset,))
            run = entry.measure.keywords["run"]
            self.assertEqual(run.seed, entry.settings["seed"])
            self.assertEqual(run.model.normalization, "none")
            self.assertAlmostEqual(run.sgd.learning_rate, rate)
            self.assertEqual((run.sgd.momentum, run.sgd.l2), (0.0, 0.0))


class MeasureTest(absltest.TestCase):
    def test_rows(self):
        root = pathlib.Path(self.create_tempdir().full_path)
        place = measurement.Place(records.RunStore(root), root)
        with mock.patch.multiple(
            appendix_a_measurement, EPOCHS=(0, 3), _LAGS=(1, 5), TRAINING_LAGS=(1, 3)
        ):
            rows = appendix_a_measurement._measure(place, _RUN, (8, 20), 3)
        self._check_fixed([row for row in rows if row["kind"] == "fixed"])
        training = [row for row in rows if row["kind"] == "training"]
        _, moves, full = _train(10)
        deviations = moves - full
        for row, lag in zip(training, (1, 3), strict=True):
            self.assertEqual((row["lag"], row["num_steps"]), (lag, 0))
            for name, vectors in (("", deviations), ("raw_", moves)):
                products = np.sum(vectors[:-lag] * vectors[lag:], axis=1)
                expected = products.mean() / np.mean(np.sum(vectors**2, axis=1))
                self.assertAlmostEqual(row[f"{name}correlation"], expected, places=4)
            expected = np.mean(np.sum(deviations**2, axis=1))
            np.testing.assert_allclose(row["variance"], expected, rtol=1e-4)
            expected = np.mean(np.sum(full**2, axis=1))
            np.testing.assert_allclose(row["squared_gradient"], expected, rtol=1e-4)

    def _check_fixed(self, rows):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        for steps in (0, 15):
            model = _train(steps)[0]
            _, inputs, labels = _build()
            own = [row for row in rows if row["num_steps"] == steps]
            for size, lags, one_epoch, streams in (
                (8, (1, 5), False, 3),
                (8, (1,), True, 3),
                (20, (1,), True, 3),
            ):
                wanted = measures.increment_covariance(
                    model,
                    loss,
                    (inputs, labels),
                    size,
                    lags,
                    one_epoch=one_epoch,
                    num_streams=streams,
                    seed=_RUN.seed,
                )
                found, own = own[: len(lags)], own[len(lags) :]
                for name, values in dataclasses.asdict(wanted).items():
                    if name in ("correlation", "covariance"):
                        got = [row[name] for row in found]
                        np.testing.assert_allclose(got, values, rtol=2e-3)
                for row in found:
                    for name in ("variance", "squared_gradient", "example_trace"):
                        expected = getattr(wanted, name)
                        np.testing.assert_allclose(row[name], expected, rtol=1e-3)


if __name__ == "__main__":
    absltest.main()
