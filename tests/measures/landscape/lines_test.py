"""Tests of losses on lines and along random directions."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, layers, measures
from tests.measures import small_models

_METRICS = {"accuracy": keras.metrics.sparse_categorical_accuracy}


def _interrupt_at(count):
    def on_progress(progress):
        if progress.num_products == count:
            raise KeyboardInterrupt

    return on_progress


def _linear(rng, size=3):
    """A linear regression and its exact Hessian 2 / N X^T X."""
    model = small_models.network(
        (size,), keras.layers.Dense(1, use_bias=False, dtype="float64"), dtype="float64"
    )
    inputs = rng.normal(size=(20, size))
    weights = rng.normal(size=(size, 1))
    model.set_weights([weights])
    return model, (inputs, inputs @ weights), 2 / 20 * inputs.T @ inputs


def _evaluate(model, data, l2=0.0):
    """Slow twin: loss and accuracy in one call of the model itself."""
    inputs, labels = data
    logits = np.asarray(model(inputs, training=False))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(shifted).sum(axis=1))
    penalty = l2 / 2 * sum(np.sum(v.numpy() ** 2) for v in model.trainable_variables)
    loss = np.mean(log_sums - shifted[np.arange(len(labels)), labels]) + penalty
    return loss, np.mean(logits.argmax(axis=1) == labels)


class LinesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("dense", "convolution", "batch_norm", "lstm")
    def test_every_point_is_the_model_there(self, kind):
        rng = np.random.default_rng(0)
        model, data = small_models.make(kind, rng)
        end = small_models.make(kind, rng)[0]
        before = model.get_weights()
        alphas = [-0.5, 0.0, 0.3, 1.0, 1.7]
        found = measures.loss_along_line(
            *(model, small_models.softmax, data, model, end, alphas),
            metrics=_METRICS,
            l2=0.3,
            batch_size=4,
        )
        self.assertAllEqual(found.alphas, alphas)
        self.assertEqual(found.stopped_because, "complete")
        # At every point, a model with the values of all variables set by hand.
        twin = keras.models.clone_model(model)
        trainable = {v.path for v in model.trainable_variables}
        squares = 0.0
        for index, alpha in enumerate(alphas):
            values = []
            for variable, target in zip(model.weights, end.weights, strict=True):
                start, move = variable.numpy(), target.numpy() - variable.numpy()
                moves = variable.path in trainable
                share = alpha if moves else np.clip(alpha, 0, 1)
                squares += np.sum(move**2) if moves and index == 0 else 0
                values.append(start + share * move)
            twin.set_weights(values)
            loss, accuracy = _evaluate(twin, data, l2=0.3)
            self.assertAllClose(found.loss[index], loss, rtol=1e-12)
            self.assertAllClose(found.metrics["accuracy"][index], accuracy)
        self.assertAllClose(found.distance, np.sqrt(squares), rtol=1e-14)
        for old, new in zip(before, model.get_weights(), strict=True):
            self.assertAllEqual(old, new)

    def test_a_line_through_a_quadratic_is_a_parabola(self):
        rng = np.random.default_rng(1)
        model, data, hessian = _linear(rng)
        move = rng.normal(size=(3, 1))
        start = [v.numpy() for v in model.trainable_variables]
        alphas = np.linspace(-1, 2, 7)
        found = measures.loss_along_line(
            *(model, small_models.squared_error, data),
            *(start, [start[0] + move], alphas),
        )
        expected = alphas**2 * (move.T @ hessian @ move).item() / 2
        self.assertAllClose(found.loss, expected, rtol=1e-11, atol=1e-13)

    @parameterized.parameters(0.0, 0.9)
    def test_reestimated_statistics_are_those_of_the_data(self, decay):
        rng = np.random.default_rng(2)
        wide = {"dtype": "float64"}
        model = small_models.network(
            (3,),
            keras.layers.Dense(4, **wide),
            layers.BatchNormalization(momentum=decay, **wide),
            keras.layers.Dense(4, **wide),
            keras.layers.BatchNormalization(momentum=0.5, trainable=False, **wide),
            keras.layers.Dense(3, **wide),
            dtype="float64",
        )
        small_models.randomise(model, rng)
        data = rng.normal(size=(12, 3)), rng.integers(0, 3, size=12)
        end = [v.numpy() + rng.normal(size=v.shape) for v in model.trainable_variables]
        alphas = [0.0, 0.6, 2.0]
        found = measures.loss_along_line(
            *(model, small_models.softmax, data, model, end, alphas),
            running_statistics="reestimate",
        )
        for index, alpha in enumerate(alphas):
            twin = keras.models.clone_model(model)
            twin.set_weights(model.get_weights())
            for own, target in zip(twin.trainable_variables, end, strict=True):
                own.assign(own.numpy() + alpha * (target - own.numpy()))
            # One batch of all data: its statistics, by hand; the frozen layer's stay.
            hidden = np.asarray(twin.layers[0](data[0]))
            twin.layers[1].moving_mean.assign(hidden.mean(axis=0))
            twin.layers[1].moving_variance.assign(hidden.var(axis=0))
            expected = _evaluate(twin, data)[0]
            # The decay is known to 1e-16 2^20 / 2^20 over 1 - decay.
            self.assertAllClose(found.loss[index], expected, rtol=1e-12)
        kept = measures.loss_along_line(
            *(model, small_models.softmax, data, model, end, alphas)
        )
        self.assertGreater(np.min(np.abs(kept.loss - found.loss)), 1e-3)

    @parameterized.parameters("std", "variance")
    def test_reestimated_statistics_of_ghosts(self, spread):
        rng = np.random.default_rng(5)
        wide = {"dtype": "float64"}
        model = small_models.network(
            (3,),
            layers.GhostBatchNormalization(
                4, epsilon=0.1, running_spread=spread, **wide
            ),
            keras.layers.Dense(3, **wide),
            dtype="float64",
        )
        small_models.randomise(model, rng)
        data = rng.normal(size=(12, 3)), rng.integers(0, 3, size=12)
        found = measures.loss_along_line(
            *(model, small_models.softmax, data, model, model, [0.0]),
            running_statistics="reestimate",
        )
        # Three ghosts, each of which is kept to 0.9 at the next one.
        weights = 0.1 * 0.9 ** np.array([2, 1, 0])
        weights = (weights / weights.sum())[:, None]
        ghosts = data[0].reshape(3, 4, 3)
        if spread == "std":
            variance = (weights * np.sqrt(ghosts.var(1) + 0.1)).sum(0) ** 2 - 0.1
        else:
            variance = (weights * ghosts.var(1)).sum(0)
        layer = model.layers[0]
        layer.moving_mean.assign((weights * ghosts.mean(1)).sum(0))
        layer.moving_variance.assign(variance)
        self.assertAllClose(found.loss[0], _evaluate(model, data)[0], rtol=1e-12)

    def test_reestimated_statistics_with_a_smaller_last_batch(self):
        rng = np.random.default_rng(6)
        wide = {"dtype": "float64"}
        model = small_models.network(
            (3,),
            layers.GhostBatchNormalization(4, running_spread="variance", **wide),
            keras.layers.Dense(3, **wide),
            dtype="float64",
        )
        small_models.randomise(model, rng)
        # A batch of two ghosts, then one of 5 examples that are one ghost.
        data = rng.normal(size=(13, 3)), rng.integers(0, 3, size=13)
        batches = tf.data.Dataset.from_tensor_slices(data).batch(8)
        found = measures.loss_along_line(
            *(model, small_models.softmax, batches, model, model, [0.0]),
            running_statistics="reestimate",
        )
        first, second, last = data[0][:4], data[0][4:8], data[0][8:]
        shares = [8 * 0.9 / 1.9, 8 * 1 / 1.9, 5]
        parts = (first, second, last)
        layer = model.layers[0]
        for weight, of in (
            (layer.moving_mean, np.mean),
            (layer.moving_variance, np.var),
        ):
            terms = [n * of(part, 0) for n, part in zip(shares, parts, strict=True)]
            weight.assign(sum(terms) / 13)
        self.assertAllClose(found.loss[0], _evaluate(model, data)[0], rtol=1e-11)

    def test_interrupted(self):
        rng = np.random.default_rng(3)
        model, data, _ = _linear(rng)
        arguments = model, small_models.squared_error, data
        ends = model, [np.zeros((3, 1))]
        options = {"on_progress": _interrupt_at(4), "keep_partial": True}
        line = measures.loss_along_line(*arguments, *ends, **options)
        self.assertEqual(line.stopped_because, "interrupted")
        self.assertLen(line.alphas, 4)
        self.assertLen(line.loss, 4)
        with self.assertRaises(KeyboardInterrupt):
            measures.loss_along_line(*arguments, *ends, on_progress=_interrupt_at(4))
        options["on_progress"] = _interrupt_at(5)
        cloud = measures.loss_along_random_directions(*arguments, [0, 1], **options)
        self.assertEqual(cloud.stopped_because, "interrupted")
        self.assertEqual(cloud.loss.shape, (2, 2))
        for at, keep_partial in ((1, True), (5, False)):
            options = {"on_progress": _interrupt_at(at), "keep_partial": keep_partial}
            with self.assertRaises(KeyboardInterrupt):
                measures.loss_along_random_directions(*arguments, [0, 1], **options)

    def test_rejects(self):
        model, data, _ = _linear(np.random.default_rng(4))
        arguments = model, small_models.squared_error, data
        with self.assertRaisesRegex(errors.UserError, "end=.*shapes"):
            measures.loss_along_line(*arguments, model, [np.zeros(3)])
        with self.assertRaisesRegex(errors.UserError, "alphas=.*finite"):
            measures.loss_along_line(*arguments, model, model, [0.0, np.nan])
        with self.assertRaisesRegex(errors.UserError, "metrics='loss'"):
            measures.loss_along_line(
                *arguments, model, model, metrics={"loss": lambda t, o: o}
            )
        with self.assertRaisesRegex(errors.UserError, "running_statistics='both'"):
            measures.loss_along_random_directions(*arguments, running_statistics="both")


class RandomDirectionsTest(tf.test.TestCase, parameterized.TestCase):
    def test_every_filter_has_the_norm_of_the_models(self):
        model, _ = small_models.make("convolution", np.random.default_rng(0))
        direction = measures.random_direction(model, seed=1)
        for part, variable in zip(direction, model.trainable_variables, strict=True):
            value = variable.numpy()
            if value.ndim == 1:
                self.assertAllEqual(part, np.zeros_like(value))
                continue
            for index in range(value.shape[-1]):
                self.assertAllClose(
                    np.linalg.norm(part[..., index]), np.linalg.norm(value[..., index])
                )
        unit = measures.random_direction(model, seed=1, normalization="unit")
        self.assertAllClose(sum(np.sum(part**2) for part in unit), 1.0)
        other = measures.random_direction(model, seed=2)
        self.assertGreater(np.abs(other[0] - direction[0]).max(), 1e-3)

    def test_mean_rise_on_a_quadratic(self):
        rng = np.random.default_rng(5)
        model, data, hessian = _linear(rng)
        found = measures.loss_along_random_directions(
            *(model, small_models.squared_error, data, [-0.5, 0.0, 2.0]),
            num_directions=100,
            normalization="unit",
            seed=6,
        )
        # E[u^T H u] = tr(H) / P over unit directions u.
        expected = np.array([0.25, 0.0, 4.0]) * np.trace(hessian) / 6
        self.assertEqual(found.loss.shape, (100, 3))
        score = (found.value - expected)[::2] / found.standard_error[::2]
        self.assertAllLess(np.abs(score), 3.0)
        self.assertAllLess(found.standard_error[::2] / expected[::2], 0.1)
        self.assertAllClose(found.value[1], 0.0, atol=1e-25)
        direction = measures.random_direction(model, (6, 7), "unit")[0]
        own = 2.0 * (direction.T @ hessian @ direction).item()
        self.assertAllClose(found.loss[7, 2], own)


if __name__ == "__main__":
    tf.test.main()
