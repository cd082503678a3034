"""The same metric in every model that one function builds, whatever Keras calls it."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.tuning.trainers import metric_values

_INPUTS = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
_TARGETS = (_INPUTS[:, :1] > 0).astype(np.float32)


def batches(*targets):
    data = (_INPUTS, targets if len(targets) > 1 else targets[0])
    return tf.data.Dataset.from_tensor_slices(data).batch(5)


def one_output(**compiled):
    dense = keras.layers.Dense(1, activation="sigmoid")
    model = keras.Sequential([keras.Input((3,)), dense])
    model.compile("sgd", "mse", **compiled)
    return model


def two_outputs(**compiled):
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(2)(inputs)
    outputs = [keras.layers.Dense(1, activation="sigmoid")(hidden) for _ in range(2)]
    model = keras.Model(inputs, outputs)
    model.compile("sgd", ["mse", "mae"], **compiled)
    return model


class OwnStep(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, inputs):
        return self.dense(inputs)

    def test_step(self, data):
        return {"distance": tf.reduce_mean(tf.abs(self(data[0]) - data[1]))}


class MetricValuesTest(parameterized.TestCase):
    def test_names_do_not_depend_on_what_was_built_before(self):
        expected = ["loss", "auc", "auc_1", "mae", "weighted_mae"]
        for _ in range(3):
            model = one_output(
                metrics=[keras.metrics.AUC(), keras.metrics.AUC(curve="PR"), "mae"],
                weighted_metrics=["mae"],
            )
            found = metric_values.evaluate(model, batches(_TARGETS))
            self.assertEqual([each.name for each in found], expected)
            place = metric_values.place(found, "auc_1")
            self.assertEqual(found[place].metric.curve.value, "PR")
            self.assertEqual(found[place].value, float(found[place].metric.result()))
        self.assertNotEqual([each.key for each in found], expected)

    def test_outputs_without_names(self):
        expected = ["loss", "dense_1_mae", "dense_2_auc", "dense_1_loss"]
        for _ in range(2):
            model = two_outputs(metrics=[["mae"], [keras.metrics.AUC()]])
            found = metric_values.evaluate(model, batches(_TARGETS, 1 - _TARGETS))
            names = [each.name for each in found]
            self.assertEqual(names, [*expected, "dense_2_loss"])
            chosen = found[metric_values.place(found, "dense_2_auc")]
            self.assertIsInstance(chosen.metric, keras.metrics.AUC)
            self.assertEqual(metric_values.place(found), 1)

    def test_names_of_the_users_own_stay(self):
        top = keras.metrics.TopKCategoricalAccuracy(5, name="top_5")
        auc = keras.metrics.AUC(name="area_2")
        found = metric_values.evaluate(
            one_output(metrics=[top, auc]), batches(_TARGETS)
        )
        names = [each.name for each in found]
        self.assertEqual(names, ["loss", "top_5", "area_2"])

    @parameterized.parameters(
        ({}, None, "loss"),
        ({"metrics": ["mse", "mae"]}, None, "mse"),
        ({"metrics": ["mse", "mae"]}, "mae", "mae"),
        ({"metrics": ["mse"]}, "loss", "loss"),
        ({"weighted_metrics": ["mae"]}, None, "mae"),
        (
            {"metrics": [keras.metrics.mean_absolute_error]},
            keras.metrics.mean_absolute_error,
            "mean_absolute_error",
        ),
    )
    def test_the_chosen_one(self, compiled, metric, expected):
        found = metric_values.evaluate(one_output(**compiled), batches(_TARGETS))
        self.assertEqual(found[metric_values.place(found, metric)].name, expected)

    def test_two_outputs_without_metrics_have_the_whole_loss(self):
        found = metric_values.evaluate(two_outputs(), batches(_TARGETS, _TARGETS))
        self.assertEqual(found[metric_values.place(found)].name, "loss")

    def test_a_step_of_the_models_own(self):
        model = OwnStep()
        model.compile("sgd", "mse")
        (found,) = metric_values.evaluate(model, batches(_TARGETS))
        self.assertEqual((found.name, found.metric), ("distance", None))
        self.assertEqual(metric_values.place([found]), 0)

    def test_refuses(self):
        found = metric_values.evaluate(one_output(metrics=["mae"]), batches(_TARGETS))
        with self.assertRaisesRegex(errors.UserError, "metric='mea': unknown; did you"):
            metric_values.place(found, "mea")
        hot = np.hstack([_TARGETS, 1 - _TARGETS])
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        model.compile("sgd", "mse", metrics=[keras.metrics.F1Score(average=None)])
        found = metric_values.evaluate(model, batches(hot))
        message = "metric='f1_score': it has 2 values; average them"
        with self.assertRaisesRegex(errors.UserError, message):
            metric_values.place(found)


if __name__ == "__main__":
    absltest.main()
