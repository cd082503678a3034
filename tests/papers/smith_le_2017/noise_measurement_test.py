"""Tests of what is measured of the noise of batches."""

import pathlib

import keras
import numpy as np
from absl.testing import absltest, parameterized

from bsgen import config, data, measures, models
from bsgen.data import sampling
from bsgen.papers.smith_le_2017 import noise_measurement
from bsgen.studies import measurement
from bsgen.training import records
from tests.measures import small_models

_RUN = config.RunConfig(
    data=config.DataConfig("digits", 40, subset_seed=3),
    model=config.ModelConfig("mlp", (6,), "relu"),
    optimizer=config.MomentumConfig(1.0, 0.9),
    batch_size=8,
    num_steps=100,
    seed=3,
)
_LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def train(model, num_steps, inputs, labels):
    """Slow twin: eqs. 23 and 24 in NumPy."""
    accumulator = 0.0
    for step in range(num_steps):
        chosen = sampling.batch_positions(_RUN.seed, step, 8, len(labels))
        gradient = small_models.mean_gradient(model, inputs[chosen], labels[chosen])
        accumulator = 0.9 * accumulator - gradient
        sizes = [np.prod(variable.shape) for variable in model.trainable_variables]
        for variable, move in zip(
            model.trainable_variables,
            np.split(accumulator, np.cumsum(sizes)[:-1]),
            strict=True,
        ):
            variable.assign_add(move.reshape(variable.shape))


class MeasurementsTest(parameterized.TestCase):
    @parameterized.parameters(("quick", "digits", 6), ("paper", "mnist", 5))
    def test_both_states_and_drawings_for_every_seed(self, scale, dataset, num_seeds):
        found = noise_measurement.measurements(scale, None)
        self.assertLen(found, 4 * num_seeds)
        self.assertLen({entry.key for entry in found}, len(found))
        names = ("num_steps", "replacement", "seed")
        settings = {tuple(entry.settings[name] for name in names) for entry in found}
        expected = {
            (steps, replacement, seed)
            for steps in (0, noise_measurement.TRAINED_STEPS)
            for replacement in (False, True)
            for seed in range(num_seeds)
        }
        self.assertEqual(settings, expected)
        for entry in found:
            self.assertEqual(entry.datasets, (dataset,))
            self.assertEqual(entry.settings["train_size"], 1000)

    def test_batches_at_every_size_and_more_of_the_small(self):
        arguments = noise_measurement.measurements("quick", 1)[0].measure.keywords
        sizes = arguments["batch_sizes"]
        self.assertEqual(sizes, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000])
        self.assertEqual(arguments["num_batches"], [2000, 1000, 500, 250, *[200] * 7])


class MeasureTest(parameterized.TestCase):
    def measure(self, num_steps, replacement):
        root = pathlib.Path(self.create_tempdir().full_path)
        place = measurement.Place(records.RunStore(root), root)
        return noise_measurement._measure(
            place, _RUN, num_steps, replacement, [300, 300, 60], [1, 8, 40]
        )

    @parameterized.product(num_steps=(0, 12), replacement=(False, True))
    def test_rows(self, num_steps, replacement):
        rows = self.measure(num_steps, replacement)
        inputs, labels = data.load(_RUN.data).train
        model = models.build(_RUN.model, inputs.shape[1:], 10, _RUN.seed)
        train(model, num_steps, inputs, labels)
        expected = measures.noise_by_batch_size(
            model,
            _LOSS,
            (inputs, labels),
            [1, 8, 40],
            replacement=replacement,
            num_batches=[300, 300, 60],
            seed=_RUN.seed,
        )
        np.testing.assert_allclose(
            [[row["trace"], row["trace_standard_error"]] for row in rows],
            np.transpose([expected.trace, expected.trace_standard_error]),
            rtol=1e-3,  # two float32 trainings
            atol=1e-9,
        )
        np.testing.assert_allclose(
            [[row["gradient_variance"], row["random_variance"]] for row in rows],
            expected.variances,
            rtol=1e-3,
            atol=1e-9,
        )
        for place, row in enumerate(rows):
            self.assertEqual(row["batch_size"], (1, 8, 40)[place])
            self.assertEqual(row["num_batches"], (300, 300, 60)[place])
            np.testing.assert_allclose(
                [
                    row["example_trace"],
                    row["example_gradient_variance"],
                    row["example_random_variance"],
                    row["squared_gradient"],
                ],
                [
                    expected.example_trace,
                    *expected.example_variances,
                    expected.squared_gradient,
                ],
                rtol=1e-3,
            )


if __name__ == "__main__":
    absltest.main()
