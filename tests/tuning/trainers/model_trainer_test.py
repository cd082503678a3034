"""Any Keras model: its loss, metric and data; exact batches; failures as results."""

import itertools
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors, layers
from bsgen.optimizers import Momentum
from bsgen.tuning import Setting
from bsgen.tuning.procedures import settings
from bsgen.tuning.trainers import protocol
from tests.tuning import linear_models


def _adam():
    return keras.optimizers.Adam(0.1)


def strange(targets, outputs):
    return tf.abs(targets - outputs)


class ModelTrainerTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(
        ("compiled", lambda: linear_models.linear(optimizer="adam", loss="mse"), {}),
        ("not_compiled", linear_models.linear, {"loss": "mse"}),
        (
            "a_loss_of_ones_own",
            linear_models.linear,
            {"loss": lambda wanted, found: tf.square(wanted - found)},
        ),
        (
            "data_sets",
            linear_models.linear,
            {
                "loss": "mse",
                "train_data": tf.data.Dataset.from_tensor_slices(
                    linear_models.linear_data()
                ),
                "validation_data": tf.data.Dataset.from_tensor_slices(
                    linear_models.linear_data(1)
                ),
            },
        ),
    )
    def test_one_step_of_the_full_batch(self, build, more):
        trainer = linear_models.trainer(build, **more)
        found = trainer.train(Setting(linear_models.SIZE, 0.1, 0.5), (0, 4))
        expected = -linear_models.after_one_step(0.1, linear_models.mean_square)
        # Single precision, in another order of summation.
        self.assertAllClose(
            found.scores, {0: expected, 4: expected}, rtol=1e-5, atol=1e-6
        )
        self.assertEqual(found.status, "completed")
        self.assertEqual(
            (found.num_steps, found.num_examples), (2, 2 * linear_models.SIZE)
        )
        self.assertEqual(trainer.train_size, linear_models.SIZE)
        self.assertEqual(trainer.metric, "validation loss")
        # The best constant answer is the mean; the untrained model says 0.
        constant = -np.var(linear_models.linear_data(1)[1])
        self.assertAlmostEqual(trainer.baseline_score, constant, places=5)
        self.assertEqual(trainer.baseline, "the best constant answer")
        self.assertLess(trainer.worst_score, constant)

    def test_as_compiled_is_what_fit_makes_of_the_compiled_model(self):
        trainer = linear_models.trainer(
            lambda: linear_models.linear(optimizer=_adam(), loss="mse")
        )
        self.assertEqual(trainer.own_optimizer, "Adam")
        found = trainer.train_as_compiled(linear_models.SIZE, (0, 4))
        inputs, targets = linear_models.linear_data()
        # Adam's first step is its rate against the sign of the gradient.
        weights = 0.1 * np.sign(inputs.T @ targets)
        inputs, targets = linear_models.linear_data(1)
        expected = -linear_models.mean_square(inputs @ weights - targets)
        self.assertAllClose(found.scores, {0: expected, 4: expected}, rtol=1e-5)
        self.assertEqual(
            (found.num_steps, found.num_examples), (2, 2 * linear_models.SIZE)
        )

    def test_a_prefix_is_a_fit_stopped_early(self):
        models = []

        def build():
            models.append(linear_models.linear(optimizer=_adam(), loss="mse"))
            return models[-1]

        trainer = linear_models.trainer(build, num_epochs=3)
        seen = []

        def record(batch, logs):
            if batch == 3:
                seen.append(models[-1].get_weights())

        callback = keras.callbacks.LambdaCallback(on_train_batch_end=record)
        fit = keras.Model.fit
        with mock.patch.object(
            keras.Model,
            "fit",
            lambda model, *args, callbacks, **more: fit(
                model, *args, callbacks=[*callbacks, callback], **more
            ),
        ):
            trainer.train(Setting(12, 0.05, 0.9), (4,))
        request = settings.Request(settings.Prefix(12, 0.05, 0.9, 1 / 3), (4,))
        found = protocol.train(trainer, request)
        self.assertEqual((found.num_steps, found.num_examples), (4, 48))
        self.assertAllEqual(models[-1].get_weights()[0], seen[0][0])

    def test_as_compiled_takes_the_batches_of_a_setting(self):
        trainer = linear_models.trainer(
            lambda: linear_models.linear(
                optimizer=keras.optimizers.SGD(0.1), loss="mse"
            ),
            num_epochs=3,
        )
        own = trainer.train_as_compiled(8, (0, 1))
        # Without momentum both are plain SGD.
        ours = trainer.train(Setting(8, 0.1, 0.0), (0, 1))
        self.assertAllClose(own.scores, ours.scores, rtol=1e-5)
        self.assertEqual(own.num_steps, ours.num_steps)

    def test_not_compiled_there_is_no_optimizer_of_its_own(self):
        self.assertIsNone(linear_models.trainer(loss="mse").own_optimizer)

    def test_steps_are_exact_batches_of_the_budget(self):
        sizes = []

        class Counting(keras.layers.Layer):
            def call(self, inputs, training=None):
                if training:
                    tf.py_function(sizes.append, [tf.shape(inputs)[0]], [])
                return inputs

        def build():
            ghost = layers.GhostBatchNormalization(8)
            return linear_models.classifier(Counting(), keras.layers.Dense(4), ghost)

        trainer = linear_models.trainer(
            build,
            train_data=linear_models.class_data(50),
            validation_data=linear_models.class_data(20, 1),
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

    @parameterized.parameters("weights", "class_weight")
    def test_weighted_examples(self, kind):
        inputs, labels = linear_models.class_data()
        weights = np.where(labels == 1, 3.0, 0.5).astype(np.float32)
        more = {"train_data": (inputs, labels, weights)}
        if kind == "class_weight":
            more = {
                "train_data": (inputs, labels),
                "class_weight": {0: 0.5, 1: np.float32(3.0)},
            }
        trainer = linear_models.trainer(loss="mse", **more)
        found = trainer.train(Setting(linear_models.SIZE, 0.1, 0.0), (0,))
        # The mean over the batch of w (x v - y)^2, from v = 0.
        step = 0.1 * 2 / linear_models.SIZE * inputs.T @ (weights * labels)[:, None]
        inputs, targets = linear_models.linear_data(1)
        expected = -linear_models.mean_square(inputs @ step - targets)
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
            model = keras.Sequential(
                [keras.Input((linear_models.WIDTH,)), hidden, head, outputs]
            )
            model.compile("sgd", "mse")
            models.append(model)
            return model

        models = []
        trainer = linear_models.trainer(build, num_epochs=3)
        trainer.train(Setting(linear_models.SIZE, 1e6, 0.0), (0,))
        keras.utils.set_random_seed(0)
        expected = build()
        start = expected.get_weights()[0]
        expected.compile(Momentum(1e6, 0.0), "mse")
        expected.fit(
            *linear_models.linear_data(),
            batch_size=linear_models.SIZE,
            epochs=3,
            verbose=0,
        )
        self.assertGreater(np.abs(expected.get_weights()[0] - start).max(), 0.1)
        self.assertAllClose(
            models[-2].get_weights()[0], expected.get_weights()[0], rtol=1e-3
        )

    def test_targets_of_nan_are_the_models_affair(self):
        def masked(targets, outputs):
            known = tf.math.is_finite(targets)
            return tf.where(known, tf.square(tf.where(known, targets, 0) - outputs), 0)

        inputs, targets = linear_models.linear_data()
        targets[3] = np.nan
        data = {"train_data": (inputs, targets)}
        linear_models.trainer(loss=masked, **data)
        message = "train_data='examples': targets hold NaN or infinity in 1 of 48 "
        message += "examples, first in example 3: remove or replace"
        with self.assertRaisesRegex(errors.UserError, message):
            linear_models.trainer(loss="mse", **data)
        inputs[5] = np.inf
        with self.assertRaisesRegex(errors.UserError, "inputs hold NaN .* example 5"):
            linear_models.trainer(loss=masked, **data)

    def test_refuses_a_training_step_without_the_optimizer(self):
        class Still(keras.Sequential):
            def train_step(self, data):
                return {"loss": tf.reduce_mean(self(data[0]))}

        trainer = linear_models.trainer(
            lambda: Still([keras.Input((linear_models.WIDTH,)), keras.layers.Dense(1)]),
            loss="mse",
        )
        with self.assertRaisesRegex(errors.UserError, "does not use model.optimizer"):
            trainer.train(Setting(8, 0.1, 0.0), (0,))

    def test_repeats_take_their_seed_in_every_setting(self):
        drawn = []

        def build():
            model = linear_models.classifier()
            drawn.append(model.get_weights()[0])
            return model

        trainer = linear_models.trainer(
            build,
            train_data=linear_models.class_data(),
            validation_data=linear_models.class_data(20, 1),
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

    def test_the_subject_of_a_subclassed_model_has_its_weights(self):
        class Late(keras.Model):
            def __init__(self):
                super().__init__()
                self.layer = keras.layers.Dense(1)

            def call(self, inputs):
                return self.layer(inputs)

        trainer = linear_models.trainer(Late, loss="mse")
        first, again = (trainer.subject(repeat=1).model for _ in range(2))
        self.assertEqual(first.count_params(), linear_models.WIDTH + 1)
        self.assertAllEqual(first.get_weights()[0], again.get_weights()[0])

    def test_memory_that_does_not_suffice_is_a_result(self):
        calls = itertools.count()

        def build():
            if next(calls) == 2:
                raise tf.errors.ResourceExhaustedError(None, None, "too big")
            return linear_models.linear()

        trainer = linear_models.trainer(build, loss="mse")
        found = trainer.train(Setting(linear_models.SIZE, 0.1, 0.9), (0, 1, 2))
        self.assertEqual((found.status, found.scores), ("out_of_memory", {}))

    def test_a_model_function_that_raises_does_so_at_once(self):
        def build():
            raise RuntimeError("the user's mistake")

        with self.assertRaisesRegex(RuntimeError, "the user's mistake"):
            linear_models.trainer(build)

    @parameterized.parameters(
        (
            "validation_data='NoneType'",
            linear_models.linear,
            {"validation_data": None, "loss": "mse"},
        ),
        ("build_model='Dense': let it return", lambda: keras.layers.Dense(1), {}),
        ("loss=None: give a loss", linear_models.linear, {}),
        ("num_epochs=1e\\+308", linear_models.linear, {"num_epochs": 1e308}),
        ("seed=4294967296: give", linear_models.linear, {"seed": 2**32}),
        ("num_epochs=-1", linear_models.linear, {"num_epochs": -1, "loss": "mse"}),
        (
            "metric='mea': unknown; did you mean",
            lambda: linear_models.linear(optimizer="sgd", loss="mse", metrics=["mae"]),
            {"metric": "mea"},
        ),
        (
            "mode=None: say whether more of 'strange'",
            lambda: linear_models.linear(
                optimizer="sgd", loss="mse", metrics=[strange]
            ),
            {},
        ),
    )
    def test_refuses(self, message, build, more):
        with self.assertRaisesRegex(errors.UserError, message):
            linear_models.trainer(build, **more)

    def test_a_budget_below_one_step(self):
        trainer = linear_models.trainer(loss="mse", num_epochs=0.5)
        with self.assertRaisesRegex(errors.UserError, "num_epochs=0.5: shorter"):
            trainer.train(Setting(linear_models.SIZE, 0.1, 0.9), (0,))


if __name__ == "__main__":
    tf.test.main()
