"""Any Keras model: its loss, metric and data; exact batches; failures as results."""

import itertools

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, layers
from bsgen.optimizers import Momentum
from bsgen.tuning import ModelTrainer, Setting

_SIZE, _WIDTH = 48, 3


def linear_data(seed=0, size=_SIZE):
    generator = np.random.default_rng(seed)
    inputs = generator.normal(size=(size, _WIDTH)).astype(np.float32)
    return inputs, (inputs @ [[1.0], [-2.0], [0.5]]).astype(np.float32)


def class_data(size=_SIZE, seed=0):
    inputs, targets = linear_data(seed, size)
    return inputs, (targets[:, 0] > 0).astype(np.int32)


def linear(**compiled):
    """Weights start at zero, so one step of the full batch has a closed form."""
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((_WIDTH,)), dense])
    if compiled:
        model.compile(**compiled)
    return model


def classifier(*hidden):
    outputs = keras.layers.Dense(2)
    return keras.Sequential([keras.Input((_WIDTH,)), *hidden, outputs])


def _adam():
    return keras.optimizers.Adam(0.1)


def strange(targets, outputs):
    return tf.abs(targets - outputs)


def after_one_step(rate, measure):
    """The validation measure of the linear model after one step of all examples."""
    inputs, targets = linear_data()
    weights = rate * 2 / _SIZE * inputs.T @ targets
    inputs, targets = linear_data(1)
    return measure(inputs @ weights - targets)


def mean_square(errors_):
    return np.mean(np.square(errors_))


class ModelTrainerTest(tf.test.TestCase, parameterized.TestCase):
    def _trainer(self, build=linear, **more):
        data = {"train_data": linear_data(), "validation_data": linear_data(1)}
        return ModelTrainer(build, **{**data, "num_epochs": 1, **more})

    @parameterized.named_parameters(
        ("compiled", lambda: linear(optimizer="adam", loss="mse"), {}),
        ("not_compiled", linear, {"loss": "mse"}),
        (
            "a_loss_of_ones_own",
            linear,
            {"loss": lambda wanted, found: tf.square(wanted - found)},
        ),
        (
            "data_sets",
            linear,
            {
                "loss": "mse",
                "train_data": tf.data.Dataset.from_tensor_slices(linear_data()),
                "validation_data": tf.data.Dataset.from_tensor_slices(linear_data(1)),
            },
        ),
    )
    def test_one_step_of_the_full_batch(self, build, more):
        trainer = self._trainer(build, **more)
        found = trainer.train(Setting(_SIZE, 0.1, 0.5), (0, 4))
        expected = -after_one_step(0.1, mean_square)
        # Single precision, in another order of summation.
        self.assertAllClose(
            found.scores, {0: expected, 4: expected}, rtol=1e-5, atol=1e-6
        )
        self.assertEqual(found.status, "completed")
        self.assertEqual((found.num_steps, found.num_examples), (2, 2 * _SIZE))
        self.assertEqual(trainer.train_size, _SIZE)
        self.assertEqual(trainer.metric, "minus validation loss")
        # The best constant answer is the mean; the untrained model says 0.
        constant = -np.var(linear_data(1)[1])
        self.assertAlmostEqual(trainer.baseline_score, constant, places=5)
        self.assertEqual(trainer.baseline, "the best constant answer")
        self.assertLess(trainer.worst_score, constant)

    @parameterized.parameters(
        ({"loss": "mse", "metric": "mae"}, False),
        ({"metric": "mae"}, True),
        ({}, True),
    )
    def test_a_metric_of_which_less_is_better(self, more, is_compiled):
        def build():
            compiled = {"optimizer": "sgd", "loss": "mse", "metrics": ["mae"]}
            return linear(**compiled) if is_compiled else linear()

        trainer = self._trainer(build, mode="min", **more)
        found = trainer.train(Setting(_SIZE, 0.1, 0.9), (0,))
        expected = -after_one_step(0.1, lambda x: np.mean(np.abs(x)))
        self.assertAllClose(found.scores[0], expected, rtol=1e-5)
        self.assertStartsWith(trainer.metric, "minus validation m")

    def test_as_compiled_is_what_fit_makes_of_the_compiled_model(self):
        trainer = self._trainer(lambda: linear(optimizer=_adam(), loss="mse"))
        self.assertEqual(trainer.own_optimizer, "Adam")
        found = trainer.train_as_compiled(_SIZE, (0, 4))
        inputs, targets = linear_data()
        # Adam's first step is its rate against the sign of the gradient.
        weights = 0.1 * np.sign(inputs.T @ targets)
        inputs, targets = linear_data(1)
        expected = -mean_square(inputs @ weights - targets)
        self.assertAllClose(found.scores, {0: expected, 4: expected}, rtol=1e-5)
        self.assertEqual((found.num_steps, found.num_examples), (2, 2 * _SIZE))

    def test_as_compiled_takes_the_batches_of_a_setting(self):
        trainer = self._trainer(
            lambda: linear(optimizer=keras.optimizers.SGD(0.1), loss="mse"),
            num_epochs=3,
        )
        own = trainer.train_as_compiled(8, (0, 1))
        # Without momentum both are plain SGD.
        ours = trainer.train(Setting(8, 0.1, 0.0), (0, 1))
        self.assertAllClose(own.scores, ours.scores, rtol=1e-5)
        self.assertEqual(own.num_steps, ours.num_steps)

    def test_not_compiled_there_is_no_optimizer_of_its_own(self):
        self.assertIsNone(self._trainer(loss="mse").own_optimizer)

    def test_steps_are_exact_batches_of_the_budget(self):
        sizes = []

        class Counting(keras.layers.Layer):
            def call(self, inputs, training=None):
                if training:
                    tf.py_function(sizes.append, [tf.shape(inputs)[0]], [])
                return inputs

        def build():
            ghost = layers.GhostBatchNormalization(8)
            return classifier(Counting(), keras.layers.Dense(4), ghost)

        trainer = self._trainer(
            build,
            train_data=class_data(50),
            validation_data=class_data(20, 1),
            num_epochs=2.5,
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metric="accuracy",
        )
        sizes.clear()
        found = trainer.train(Setting(16, 0.1, 0.9), (0,))
        self.assertEqual([int(size) for size in sizes], [16] * 7)  # floor(125 / 16)
        self.assertEqual((found.num_steps, found.num_examples), (7, 112))
        self.assertEqual(found.status, "completed")
        sizes.clear()
        trainer.train(Setting(16, 0.1, 0.9), (0,), num_epochs=1)
        self.assertLen(sizes, 3)

    def test_accuracy_and_the_constant_predictor(self):
        pair = class_data(40, 1)
        share = max(np.mean(pair[1]), 1 - np.mean(pair[1]))
        hot = pair[0], np.eye(2, dtype=np.float32)[pair[1]]
        sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        dense = keras.losses.CategoricalCrossentropy(from_logits=True)
        for data, loss in (
            (pair, sparse),
            (tf.data.Dataset.from_tensor_slices(pair), sparse),
            (hot, dense),
        ):
            trainer = self._trainer(
                # Zero weights: untrained, it always says 0.
                lambda: classifier(keras.layers.Rescaling(0.0)),
                train_data=data,
                validation_data=data,
                loss=loss,
                metric="accuracy",
            )
            self.assertAlmostEqual(trainer.baseline_score, share, places=6)
            self.assertEqual(trainer.worst_score, 0.0)
            self.assertEqual(trainer.metric, "validation accuracy")

    def test_divergence_is_the_worst_score(self):
        trainer = self._trainer(loss="mse", num_epochs=40)
        found = trainer.train(Setting(_SIZE, 1e6, 0.9), (0, 1))
        self.assertEqual(found.status, "diverged")
        self.assertEqual(set(found.scores.values()), {trainer.worst_score})
        self.assertTrue(np.isfinite(trainer.worst_score))

    def test_no_accuracy_at_all_is_a_score_like_another(self):
        trainer = self._trainer(
            classifier,
            train_data=(np.ones((8, _WIDTH)), np.zeros(8, int)),
            validation_data=(np.ones((6, _WIDTH)), np.ones(6, int)),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metric="accuracy",
            num_epochs=20,
        )
        found = trainer.train(Setting(8, 1.0, 0.0), (0,))
        self.assertEqual((found.status, found.scores), ("completed", {0: 0.0}))

    def test_weights_of_nan_are_no_accuracy(self):
        """The loss of the only step is that before it."""
        inputs, labels = class_data()
        trainer = self._trainer(
            classifier,
            train_data=(100 * inputs, labels),  # so that the step overflows
            validation_data=class_data(20, 1),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metric="accuracy",
        )
        found = trainer.train(Setting(_SIZE, 1e38, 0.9), (0,))
        self.assertEqual(found.status, "diverged")

    @parameterized.parameters("weights", "class_weight")
    def test_weighted_examples(self, kind):
        inputs, labels = class_data()
        weights = np.where(labels == 1, 3.0, 0.5).astype(np.float32)
        more = {"train_data": (inputs, labels, weights)}
        if kind == "class_weight":
            more = {
                "train_data": (inputs, labels),
                "class_weight": {0: 0.5, 1: np.float32(3.0)},
            }
        trainer = self._trainer(loss="mse", **more)
        found = trainer.train(Setting(_SIZE, 0.1, 0.0), (0,))
        # The mean over the batch of w (x v - y)^2, from v = 0.
        step = 0.1 * 2 / _SIZE * inputs.T @ (weights * labels)[:, None]
        inputs, targets = linear_data(1)
        expected = -mean_square(inputs @ step - targets)
        self.assertAllClose(found.scores[0], expected, rtol=1e-5)

    def test_under_mixed_float16_as_compile_and_fit(self):
        """Gradients below float16's smallest number, which loss scaling saves."""
        policy = keras.mixed_precision.dtype_policy()
        self.addCleanup(keras.mixed_precision.set_dtype_policy, policy)
        keras.mixed_precision.set_dtype_policy("mixed_float16")

        def build():
            start = keras.initializers.Constant(1e-5)
            head = keras.layers.Dense(1, kernel_initializer=start, trainable=False)
            outputs = keras.layers.Activation("linear", dtype="float32")
            hidden = keras.layers.Dense(4, "tanh")
            model = keras.Sequential([keras.Input((_WIDTH,)), hidden, head, outputs])
            model.compile("sgd", "mse")
            models.append(model)
            return model

        models = []
        trainer = self._trainer(build, num_epochs=3)
        trainer.train(Setting(_SIZE, 1e6, 0.0), (0,))
        keras.utils.set_random_seed(0)
        expected = build()
        start = expected.get_weights()[0]
        expected.compile(Momentum(1e6, 0.0), "mse")
        expected.fit(*linear_data(), batch_size=_SIZE, epochs=3, verbose=0)
        self.assertGreater(np.abs(expected.get_weights()[0] - start).max(), 0.1)
        self.assertAllClose(
            models[-2].get_weights()[0], expected.get_weights()[0], rtol=1e-3
        )

    def test_a_perfect_constant_is_no_baseline(self):
        """Who always says yes has a recall of 1."""
        pair = class_data(40, 1)
        trainer = self._trainer(
            lambda: linear(
                optimizer="sgd",
                loss=keras.losses.BinaryCrossentropy(from_logits=True),
                metrics=[keras.metrics.Recall(thresholds=0.1)],
            ),
            train_data=pair,
            validation_data=pair,
        )
        self.assertEqual(trainer.baseline, "the untrained model")
        self.assertEqual((trainer.baseline_score, trainer.worst_score), (0.0, 0.0))

    def test_of_a_metric_without_bounds_the_worst_is_below_the_baseline(self):
        trainer = self._trainer(loss="mse", metric=keras.metrics.R2Score())
        self.assertAlmostEqual(trainer.baseline_score, 0.0, places=5)
        self.assertLess(trainer.worst_score, -5)

    def test_targets_of_nan_are_the_models_affair(self):
        def masked(targets, outputs):
            known = tf.math.is_finite(targets)
            return tf.where(known, tf.square(tf.where(known, targets, 0) - outputs), 0)

        inputs, targets = linear_data()
        targets[3] = np.nan
        data = {"train_data": (inputs, targets)}
        self._trainer(loss=masked, **data)
        message = "train_data='examples': targets hold NaN or infinity in 1 of 48 "
        message += "examples, first in example 3: remove or replace"
        with self.assertRaisesRegex(errors.UserError, message):
            self._trainer(loss="mse", **data)
        inputs[5] = np.inf
        with self.assertRaisesRegex(errors.UserError, "inputs hold NaN .* example 5"):
            self._trainer(loss=masked, **data)

    def test_refuses_a_training_step_without_the_optimizer(self):
        class Still(keras.Sequential):
            def train_step(self, data):
                return {"loss": tf.reduce_mean(self(data[0]))}

        trainer = self._trainer(
            lambda: Still([keras.Input((_WIDTH,)), keras.layers.Dense(1)]), loss="mse"
        )
        with self.assertRaisesRegex(errors.UserError, "does not use model.optimizer"):
            trainer.train(Setting(8, 0.1, 0.0), (0,))

    def test_repeats_take_their_seed_in_every_setting(self):
        drawn = []

        def build():
            model = classifier()
            drawn.append(model.get_weights()[0])
            return model

        trainer = self._trainer(
            build,
            train_data=class_data(),
            validation_data=class_data(20, 1),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        drawn.clear()
        one = trainer.train(Setting(8, 0.1, 0.9), (0, 1))
        two = trainer.train(Setting(16, 0.1, 0.9), (1, 0))
        again = trainer.train(Setting(8, 0.1, 0.9), (1,))
        zeroth, first = drawn[:2]
        self.assertNotAllEqual(zeroth, first)
        for found, expected in zip(drawn[2:], (first, zeroth, first), strict=True):
            self.assertAllEqual(found, expected)
        self.assertEqual(again.scores[1], one.scores[1])
        self.assertNotEqual(one.scores, two.scores)

    def test_memory_that_does_not_suffice_is_a_result(self):
        calls = itertools.count()

        def build():
            if next(calls) == 2:
                raise tf.errors.ResourceExhaustedError(None, None, "too big")
            return linear()

        trainer = self._trainer(build, loss="mse")
        found = trainer.train(Setting(_SIZE, 0.1, 0.9), (0, 1, 2))
        self.assertEqual((found.status, found.scores), ("out_of_memory", {}))

    def test_a_model_function_that_raises_does_so_at_once(self):
        def build():
            raise RuntimeError("the user's mistake")

        with self.assertRaisesRegex(RuntimeError, "the user's mistake"):
            self._trainer(build)

    @parameterized.parameters(
        (
            "validation_data='NoneType'",
            linear,
            {"validation_data": None, "loss": "mse"},
        ),
        ("build_model='Dense': let it return", lambda: keras.layers.Dense(1), {}),
        ("loss=None: give a loss", linear, {}),
        ("num_epochs=-1", linear, {"num_epochs": -1, "loss": "mse"}),
        (
            r"inputs of shapes \[\(4,\)\].*takes one input of shape \(3,\)",
            linear,
            {"loss": "mse", "validation_data": (np.zeros((5, 4)), np.zeros(5))},
        ),
        (
            "metric='mea': unknown; did you mean",
            lambda: linear(optimizer="sgd", loss="mse", metrics=["mae"]),
            {"metric": "mea"},
        ),
        (
            "mode=None: say whether more of 'strange'",
            lambda: linear(optimizer="sgd", loss="mse", metrics=[strange]),
            {},
        ),
    )
    def test_refuses(self, message, build, more):
        with self.assertRaisesRegex(errors.UserError, message):
            self._trainer(build, **more)

    def test_a_budget_below_one_step(self):
        trainer = self._trainer(loss="mse", num_epochs=0.5)
        with self.assertRaisesRegex(errors.UserError, "num_epochs=0.5: shorter"):
            trainer.train(Setting(_SIZE, 0.1, 0.9), (0,))


if __name__ == "__main__":
    tf.test.main()
