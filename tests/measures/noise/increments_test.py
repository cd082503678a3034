"""Tests of the covariance of increments against every epoch, and against drawn ones."""

import itertools
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, measures, theory
from bsgen.data import sampling
from bsgen.measures.noise import increments
from tests.measures import small_models

_ROUNDING = 1e-10  # of float64 sums over some hundred weights, and of their squares


def measure(model, data, batch_size, lags, **options):
    return measures.increment_covariance(
        model, small_models.softmax, data, batch_size, lags, **options
    )


def slow_moves(model, data, batches):
    """Slow twin: deviations [T, P] of gradients, each through the model."""
    inputs, labels = data
    full = small_models.mean_gradient(model, *data)
    return np.stack(
        [small_models.mean_gradient(model, inputs[b], labels[b]) for b in batches]
    ) - np.array(full)


class IncrementCovarianceTest(tf.test.TestCase, parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng()

    def test_every_epoch_of_a_few_examples(self):
        model, data = small_models.make("batch_norm", self.rng, num_examples=5)
        orders = [
            np.reshape(order[:4], (2, 2)) for order in itertools.permutations(range(5))
        ]

        def in_order(seed, first_step, num_steps, batch_size, train_size):
            return orders[seed]

        draw = mock.patch.dict(increments._DRAWS, {"shuffle": in_order})
        every = mock.patch.object(increments, "_seeds", lambda seed, count: range(120))
        with draw, every:
            found = measure(model, data, 2, [1], one_epoch=True, num_streams=120)
        # -F / N against (1/B - 1/N) F, along every direction.
        trace = found.example_trace
        self.assertAllClose(found.covariance, [-trace / 5], rtol=_ROUNDING)
        self.assertAllClose(found.variance, (1 / 2 - 1 / 5) * trace, rtol=_ROUNDING)
        self.assertAllClose(found.correlation, [-1 / (5 / 2 - 1)], rtol=_ROUNDING)
        self.assertAllClose(found.along, [[-1 / (5 / 2 - 1)] * 2], rtol=1e-8)
        covariance = theory.increment_covariance(2, 5, [0, 1])
        self.assertAllClose(
            [found.variance, *found.covariance], covariance * trace, rtol=_ROUNDING
        )

    @parameterized.parameters(
        ("dense", "shuffle", True, 1),
        ("convolution", "shuffle", False, 2),
        ("dense", "shuffle", False, 50),
        ("dense", "independent", False, 2),
    )
    def test_drawn_batches(self, kind, drawing, one_epoch, at_once):
        model, data = small_models.make(kind, self.rng, num_examples=13)
        num_bytes = 8 * at_once * model.count_params()
        with mock.patch.object(increments, "_MAX_BYTES", num_bytes):
            found = measure(
                model,
                data,
                3,
                [1, 3],
                sampling=drawing,
                one_epoch=one_epoch,
                num_streams=4,
                num_directions=2,
                seed=6,
            )
        draw = {
            "shuffle": sampling.batches,
            "independent": sampling.independent_batches,
        }[drawing]
        full = small_models.mean_gradient(model, *data)
        directions = [full / np.linalg.norm(full)]
        for number in range(2):
            parts = measures.random_direction(model, (6, number), "unit")
            directions.append(np.concatenate([part.ravel() for part in parts]))
        moves = [
            slow_moves(model, data, draw(seed, 0, 4 if one_epoch else 7, 3, 13))
            for seed in increments._seeds(6, 4)
        ]
        alone = self._products(moves, directions, 0, 4)
        self.assertAllClose(found.variance, alone[:, 0].mean(), rtol=_ROUNDING)
        for place, lag in enumerate((1, 3)):
            count = 4 - lag if one_epoch else 4
            self.assertEqual(found.num_pairs[place], count)
            products = self._products(moves, directions, lag, count)
            self.assertAllClose(
                found.covariance[place], products[:, 0].mean(), atol=1e-11
            )
            self.assertAllClose(
                found.covariance_standard_error[place],
                products[:, 0].std(ddof=1) / 2,
                rtol=1e-8,
            )
            expected = products.mean(0) / alone.mean(0)
            left_out = [
                np.delete(products, n, 0).sum(0) / np.delete(alone, n, 0).sum(0)
                for n in range(4)
            ]
            errors_of = np.sqrt(3 * np.var(left_out, axis=0))
            for value, error, columns in (
                (found.correlation, found.correlation_standard_error, 0),
                (found.along, found.along_standard_error, slice(1, None)),
            ):
                self.assertAllClose(value[place], expected[columns], rtol=1e-7)
                self.assertAllClose(error[place], errors_of[columns], rtol=1e-6)

    def _products(self, moves, directions, lag, count):
        """Mean products [streams, 2 + K] over pairs."""
        rows = []
        for each in moves:
            pairs = [(each[t], each[t + lag]) for t in range(count)]
            parts = [
                [a @ b, *((a @ u) * (b @ u) for u in directions)] for a, b in pairs
            ]
            rows.append(np.mean(parts, axis=0))
        return np.array(rows)

    @parameterized.parameters(("shuffle", 4), ("shuffle", 6), ("independent", 4))
    def test_it_measures_what_is_predicted(self, drawing, size):
        rng = np.random.default_rng(0)
        model, data = small_models.make("dense", rng, num_examples=16)
        lags = [1, 2, 3]
        found = measure(model, data, size, lags, sampling=drawing, num_streams=400)
        steps = np.arange(16 // size)[:, np.newaxis]
        shares = theory.increment_covariance(size, 16, lags, steps, drawing).mean(
            axis=0
        )
        expected = shares / (1 / size - 1 / 16)
        # Of nine numbers the largest lies within five standard errors, but for one
        # seed in 200,000, which this one is not.
        error = found.correlation_standard_error
        self.assertAllLess(np.abs(found.correlation - expected) / error, 5.0)
        differences = np.abs(found.along - expected[:, np.newaxis])
        self.assertAllLess(differences / found.along_standard_error, 5.0)
        self.assertAllLess(error, 0.05)

    def test_halves_are_complementary(self):
        model, data = small_models.make("dense", self.rng, num_examples=8)
        found = measure(model, data, 4, [1], one_epoch=True, num_streams=3)
        self.assertAllClose(found.correlation, [-1.0], rtol=_ROUNDING)
        self.assertAllLess(found.correlation_standard_error, 1e-7)

    def test_the_seed_decides(self):
        model, data = small_models.make("dense", self.rng, num_examples=9)
        first, again, other = (
            measure(model, data, 3, [1], num_streams=2, seed=seed) for seed in (1, 1, 2)
        )
        self.assertAllEqual(first.covariance, again.covariance)
        self.assertNotEqual(first.covariance[0], other.covariance[0])

    @parameterized.named_parameters(
        ("one_example", 1, (1, [1]), {}, "^data=.*at least 2 examples"),
        ("full", 9, (9, [1]), {}, "^batch_size=9: .*from 1 to 8"),
        ("zero", 9, (0, [1]), {}, "^batch_size=0: "),
        ("no_lags", 9, (3, []), {}, "^lags=.*at least one"),
        ("itself", 9, (3, [0]), {}, "^lags=0: "),
        ("beyond", 9, (3, [3]), {"one_epoch": True}, "^lags=3: .*from 1 to 2"),
        ("one", 9, (3, [1]), {"num_streams": 1}, "^num_streams=1: "),
        ("sampling", 9, (3, [1]), {"sampling": "any"}, "^sampling='any'"),
        ("directions", 9, (3, [1]), {"num_directions": -1}, "^num_directions=-1: "),
    )
    def test_mistakes(self, num_examples, arguments, options, message):
        model, data = small_models.make("dense", self.rng, num_examples)
        with self.assertRaisesRegex(errors.UserError, message):
            measure(model, data, *arguments, **options)


if __name__ == "__main__":
    tf.test.main()
