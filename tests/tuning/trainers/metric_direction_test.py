"""Every metric and loss that Keras has, in every form that `compile` takes."""

import inspect
import math

import keras
import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.tuning.trainers import metric_direction, metric_values

_MORE_IS_BETTER = """
    AUC Accuracy BinaryAccuracy BinaryIoU CategoricalAccuracy ConcordanceCorrelation
    CosineSimilarity F1Score FBetaScore IoU MeanIoU OneHotIoU OneHotMeanIoU
    PearsonCorrelation Precision PrecisionAtRecall R2Score Recall RecallAtPrecision
    SensitivityAtSpecificity SparseCategoricalAccuracy SparseTopKCategoricalAccuracy
    SpecificityAtSensitivity TopKCategoricalAccuracy TrueNegatives TruePositives
""".split()
_NOBODY_KNOWS = ["Mean", "MeanMetricWrapper", "Metric", "Sum"]
_ARGUMENTS = {
    "BinaryIoU": {},
    "IoU": {"num_classes": 2, "target_class_ids": [0]},
    "OneHotIoU": {"num_classes": 2, "target_class_ids": [0]},
    "MeanIoU": {"num_classes": 2},
    "OneHotMeanIoU": {"num_classes": 2},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "MeanMetricWrapper": {"fn": lambda targets, outputs: targets - outputs},
}


def members(module, kind):
    return [
        (name, each)
        for name, each in inspect.getmembers(module, kind)
        if name not in ("get", "serialize", "deserialize")
    ]


def compiled(metric):
    """The metric as `compile` makes it, and its name."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[metric])
    model.evaluate(np.zeros((2, 3)), np.zeros((2, 1)), verbose=0)
    (_, (name, found)) = metric_values._metrics(model).items()
    return name, found


class OwnAccuracy(keras.metrics.BinaryAccuracy):
    """A user's subclass."""


class OwnMean(keras.metrics.Mean):
    """A user's metric of nobody knows what."""


def acceleration_error(targets, outputs):
    return keras.ops.abs(targets - outputs)


class MetricDirectionTest(parameterized.TestCase):
    @parameterized.named_parameters(members(keras.metrics, inspect.isclass))
    def test_every_metric_of_keras(self, kind):
        metric = kind(**_ARGUMENTS.get(kind.__name__, {}))
        if kind.__name__ in _NOBODY_KNOWS:
            with self.assertRaisesRegex(errors.UserError, "mode=None: say whether"):
                metric_direction.direction("any", metric)
        else:
            expected = "max" if kind.__name__ in _MORE_IS_BETTER else "min"
            self.assertEqual(metric_direction.direction("any", metric).mode, expected)
        for mode in ("max", "min"):
            found = metric_direction.direction("any", metric, mode)
            self.assertEqual(found.mode, mode)
            rising = found.worst < found.best
            self.assertEqual(rising, mode == "max")

    def test_every_loss_as_a_metric(self):
        for name, kind in members(keras.losses, inspect.isclass):
            if name != "Loss":
                metric = keras.metrics.MeanMetricWrapper(kind())
                found = metric_direction.direction("any", metric)
                self.assertEqual((found.mode, name), ("min", name))
        for _, function in members(keras.losses, inspect.isfunction):
            metric = keras.metrics.MeanMetricWrapper(function)
            self.assertEqual(metric_direction.direction("any", metric).mode, "min")

    def test_every_function_of_keras(self):
        for name, function in members(keras.metrics, inspect.isfunction):
            metric = keras.metrics.MeanMetricWrapper(function)
            more = name.endswith(("accuracy", "correlation"))
            found = metric_direction.direction("any", metric)
            self.assertEqual((found.mode, name), ("max" if more else "min", name))

    @parameterized.parameters(
        ("accuracy", "max"),
        ("acc", "max"),
        ("AUC", "max"),
        ("f1_score", "max"),
        ("cosine_similarity", "max"),
        ("mae", "min"),
        ("KLDivergence", "min"),
        (keras.losses.CosineSimilarity(), "min"),
        (keras.losses.Huber(), "min"),
        (keras.metrics.mean_absolute_error, "min"),
        (keras.metrics.binary_accuracy, "max"),
        (keras.metrics.AUC(name="loss_of_hope"), "max"),
        (OwnAccuracy(), "max"),
    )
    def test_as_compile_takes_it(self, metric, expected):
        name, found = compiled(metric)
        self.assertEqual(metric_direction.direction(name, found).mode, expected)

    @parameterized.parameters(acceleration_error, OwnMean(name="my_accuracy"))
    def test_asks_of_a_users_own(self, metric):
        with self.assertRaisesRegex(errors.UserError, "mode=None: say whether more"):
            metric_direction.direction("my_accuracy", metric)
        found = metric_direction.direction("my_accuracy", metric, "min")
        self.assertEqual(found, ("min", math.inf, -math.inf))

    def test_what_the_metrics_author_says_to_keras(self):
        metric = OwnMean()
        metric._direction = "up"
        self.assertEqual(metric_direction.direction("any", metric).mode, "max")

    def test_losses_by_the_name_that_keras_gives_them(self):
        for name in ("loss", "left_loss"):
            metric = keras.metrics.Mean(name=name)
            self.assertEqual(metric_direction.direction(name, metric).mode, "min")
            self.assertEqual(metric_direction.direction(name, None).mode, "min")

    def test_bounds(self):
        found = metric_direction.direction
        metrics = keras.metrics
        self.assertEqual(found("", metrics.AUC())[1:], (0, 1))
        self.assertEqual(found("", metrics.CosineSimilarity())[1:], (-1, 1))
        self.assertEqual(found("", metrics.R2Score())[1:], (-math.inf, 1))
        self.assertEqual(found("", metrics.MeanSquaredError())[1:], (math.inf, 0))
        self.assertEqual(found("", metrics.AUC(), "min")[1:], (1, 0))

    def test_refuses_another_mode(self):
        with self.assertRaisesRegex(errors.UserError, "mode='up': give 'max', 'min'"):
            metric_direction.direction("any", keras.metrics.AUC(), "up")


if __name__ == "__main__":
    absltest.main()
