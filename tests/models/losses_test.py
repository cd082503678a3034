"""Tests of `bsgen.models.losses`."""

import dataclasses
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import config, errors
from bsgen.models import (
    binary_cross_entropy,
    losses,
    squared_error,
    token_cross_entropy,
)

_RUN = config.RunConfig(config.DataConfig("digits"), config.ModelConfig("mlp"))
_AUTOENCODER = dataclasses.replace(
    _RUN, model=config.ModelConfig("autoencoder"), loss="squared_error"
)


class ValuesTest(tf.test.TestCase, parameterized.TestCase):
    def test_squared_error_by_hand(self):
        targets = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32)
        outputs = tf.constant([[0.0, 4.0], [3.0, -1.5]])
        # 1^2 + 2^2, and 0.5^2.
        self.assertAllEqual(squared_error.squared_error(targets, outputs), [5.0, 0.25])

    @parameterized.parameters(((5, 3),), ((5, 3, 1),), ((15,),))
    def test_squared_error_sums_over_values_of_any_shape(self, shape):
        rng = np.random.default_rng(0)
        targets = rng.normal(size=(4, 5, 3))
        outputs = rng.normal(size=(4, *shape))
        expected = ((targets.reshape(4, -1) - outputs.reshape(4, -1)) ** 2).sum(1)
        found = squared_error.squared_error(tf.constant(targets), tf.constant(outputs))
        self.assertAllClose(found, expected, rtol=1e-14)

    def test_binary_cross_entropy_against_its_probabilities(self):
        rng = np.random.default_rng(3)
        targets = rng.random((4, 5, 3))
        logits = rng.normal(scale=3, size=(4, 15))
        shares = 1 / (1 + np.exp(-logits))
        flat = targets.reshape(4, -1)
        expected = flat * np.log(shares) + (1 - flat) * np.log(1 - shares)
        entropies, errors_of = (
            metric.per_example(tf.constant(targets), tf.constant(logits))
            for metric in binary_cross_entropy.BINARY_CROSS_ENTROPY.metrics
        )
        self.assertAllClose(entropies, -expected.sum(1), rtol=1e-12)
        self.assertAllClose(errors_of, ((shares - flat) ** 2).sum(1), rtol=1e-12)

    def test_binary_cross_entropy_stays_finite_where_the_sigmoid_is_full(self):
        # log(1 - sigmoid(60)) is -inf in float32.
        found = binary_cross_entropy.binary_cross_entropy(
            np.array([[0.0, 1.0]], np.float32), tf.constant([[60.0, -80.0]])
        )
        self.assertAllClose(found, [140.0], rtol=1e-6)

    @parameterized.parameters(np.int32, np.float32)
    def test_tokens_against_their_probabilities(self, dtype):
        rng = np.random.default_rng(1)
        logits = rng.normal(scale=2, size=(6, 5, 4))
        tokens = rng.integers(4, size=(6, 5))
        shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        rows, columns = np.indices(tokens.shape)
        expected = -np.log(shares[rows, columns, tokens]).mean(1)
        found = token_cross_entropy.token_cross_entropy(
            tokens.astype(dtype), tf.constant(logits)
        )
        self.assertAllClose(found, expected, rtol=1e-12)

    def test_summed_gradients_of_tokens_are_within_reach(self):
        # One step of SGD with momentum on sums over T tokens, clipped, with L2; and on
        # means with the rate times T, and bound and L2 divided by T.
        length, rate, momentum, bound, l2 = 7, 0.3, 0.9, 0.5, 0.01
        rng = np.random.default_rng(2)
        weight, accumulator = rng.normal(size=(2, 5))
        total = rng.normal(size=5)

        def step(gradient, accumulator, rate, bound, l2):
            norm = np.linalg.norm(gradient)
            gradient = gradient * min(1, bound / norm) + l2 * weight
            accumulator = momentum * accumulator - gradient
            return weight + rate * accumulator

        self.assertAllClose(
            step(
                total / length,
                accumulator / length,
                rate * length,
                bound / length,
                l2 / length,
            ),
            step(total, accumulator, rate, bound, l2),
            rtol=1e-13,
        )

    @parameterized.parameters(
        squared_error.squared_error,
        binary_cross_entropy.binary_cross_entropy,
        binary_cross_entropy.probability_error,
        token_cross_entropy.token_cross_entropy,
    )
    def test_outputs_of_another_shape_are_refused_in_a_line(self, loss):
        with self.assertRaisesRegex(errors.UserError, "^loss='.*': the network gives"):
            loss(np.zeros((2, 3), np.int32), tf.zeros((2, 4)))


class RecordsTest(tf.test.TestCase, parameterized.TestCase):
    def test_sums_and_recorded_values(self):
        logits = tf.constant([[2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
        labels = tf.constant([0, 0, 1])
        sums = losses.CROSS_ENTROPY.sums(labels, logits, tf.constant([1.0, 1.0, 0.0]))
        of_examples = np.log1p(np.exp([-2.0, 1.0]))
        self.assertAllClose(sums, [of_examples.sum(), 1.0], rtol=1e-6)
        found = losses.CROSS_ENTROPY.recorded("test", sums.numpy() / 2)
        self.assertAllClose(
            found,
            {"test_cross_entropy": of_examples.mean(), "test_accuracy": 0.5},
            rtol=1e-6,
        )

    def test_perplexity_is_that_of_the_mean(self):
        mean = np.log(80.0)
        found = losses.TOKEN_CROSS_ENTROPY.recorded("train", [mean, mean])
        self.assertEqual(found["train_cross_entropy"], mean)
        self.assertAllClose(found["train_perplexity"], 80.0, rtol=1e-6)
        # Finite as long as the cross-entropy is.
        for mean, expected in ((89.0, 3.4028235e38), (1e5, 3.4028235e38)):
            found = losses.TOKEN_CROSS_ENTROPY.values([mean] * 2)["perplexity"]
            self.assertAllClose(found, expected, rtol=1e-6)
        lost = losses.TOKEN_CROSS_ENTROPY.values([np.nan] * 2)
        self.assertTrue(np.isnan(lost["perplexity"]))

    @parameterized.parameters(
        ("test_accuracy", "accuracy", 1.0, True),
        ("batch_mse", "mse", np.inf, False),
        ("perplexity", "perplexity", np.inf, False),
        ("validation_cross_entropy", "cross_entropy", np.inf, False),
    )
    def test_metrics_are_found_by_their_columns(self, column, name, highest, rises):
        metric = losses.recorded_metric(column)
        self.assertEqual(
            (metric.name, metric.highest, metric.higher_is_better),
            (name, highest, rises),
        )

    @parameterized.parameters("step", "seconds", "batch_size", "learning_rate", "")
    def test_others_are_no_metrics(self, column):
        self.assertIsNone(losses.recorded_metric(column))


class OfRunTest(parameterized.TestCase):
    def test_targets_follow_from_the_network(self):
        self.assertEqual(losses.of_run(_RUN).targets("inputs", "labels"), "labels")
        loss = losses.of_run(_AUTOENCODER)
        self.assertEqual(loss.targets("inputs", "labels"), "inputs")
        self.assertEqual((loss.name, loss.judged_by.name), ("squared_error", "mse"))
        # A key of what has been compiled.
        self.assertEqual(hash(loss), hash(losses.of_run(_AUTOENCODER)))
        self.assertEqual(loss, losses.of_run(_AUTOENCODER))
        self.assertNotEqual(loss, losses.SQUARED_ERROR)

    @parameterized.parameters(
        (_RUN, "squared_error", "mlp on digits predicts classes; take cross_entropy"),
        (_RUN, "token_cross_entropy", "predicts classes"),
        (
            _AUTOENCODER,
            "cross_entropy",
            "autoencoder .* inputs; take squared_error or binary_cross_entropy",
        ),
        (_RUN, "mse", "unknown; known: .*token_cross_entropy"),
    )
    def test_a_loss_that_does_not_fit(self, run, loss, message):
        with self.assertRaisesRegex(errors.UserError, f"^loss='{loss}': .*{message}"):
            losses.of_run(dataclasses.replace(run, loss=loss))

    def test_a_loss_of_logits_needs_inputs_from_0_to_1_and_no_second_sigmoid(self):
        chosen = {"output_activation": "sigmoid"}
        run = dataclasses.replace(
            _AUTOENCODER,
            loss="binary_cross_entropy",
            data=config.DataConfig("digits", scaling="unit_interval"),
        )
        loss = losses.of_run(run)
        self.assertEqual(loss.judged_by.name, "mse")
        self.assertEqual(loss.targets("inputs", "labels"), "inputs")
        twice = dataclasses.replace(run.model, **chosen)
        for field, value, changes in (
            ("output_activation", "sigmoid", {"model": twice}),
            ("scaling", "unit_norm", {"data": config.DataConfig("digits")}),
        ):
            message = f"^{field}='{value}': binary_cross_entropy "
            with self.assertRaisesRegex(errors.UserError, message):
                losses.of_run(dataclasses.replace(run, **changes))

    def test_a_loss_of_ones_own(self):
        hinge = losses.Loss(
            "hinge",
            (losses.Metric("hinge", lambda y, f: tf.nn.relu(1 - y * f[:, 0])),),
            ("classes",),
        )
        with mock.patch.dict(losses._LOSSES):
            losses.register(hinge)
            self.assertIn("hinge", losses.names())
            self.assertEqual(
                losses.of_run(dataclasses.replace(_RUN, loss="hinge")), hinge
            )
            with self.assertRaisesRegex(errors.UserError, "loss='hinge': there is one"):
                losses.register(hinge)


if __name__ == "__main__":
    tf.test.main()
