"""Scores of a user's model: the baseline, divergence, metrics of either direction."""

import contextlib
import io

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen.tuning import Setting
from tests.tuning import linear_models


class ModelScoresTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(
        ({"loss": "mse", "metric": "mae"}, False),
        ({"metric": "mae"}, True),
        ({}, True),
    )
    def test_a_metric_of_which_less_is_better(self, more, is_compiled):
        def build():
            compiled = {"optimizer": "sgd", "loss": "mse", "metrics": ["mae"]}
            return (
                linear_models.linear(**compiled)
                if is_compiled
                else linear_models.linear()
            )

        trainer = linear_models.trainer(build, mode="min", **more)
        found = trainer.train(Setting(linear_models.SIZE, 0.1, 0.9), (0,))
        expected = -linear_models.after_one_step(0.1, lambda x: np.mean(np.abs(x)))
        self.assertAllClose(found.scores[0], expected, rtol=1e-5)
        self.assertStartsWith(trainer.metric, "validation m")

    def test_accuracy_and_the_constant_predictor(self):
        pair = linear_models.class_data(40, 1)
        share = max(np.mean(pair[1]), 1 - np.mean(pair[1]))
        hot = pair[0], np.eye(2, dtype=np.float32)[pair[1]]
        sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        dense = keras.losses.CategoricalCrossentropy(from_logits=True)
        for data, loss in (
            (pair, sparse),
            (tf.data.Dataset.from_tensor_slices(pair), sparse),
            (hot, dense),
        ):
            trainer = linear_models.trainer(
                # Zero weights: untrained, it always says 0.
                lambda: linear_models.classifier(keras.layers.Rescaling(0.0)),
                train_data=data,
                validation_data=data,
                loss=loss,
                metric="accuracy",
            )
            self.assertAlmostEqual(trainer.baseline_score, share, places=6)
            self.assertEqual(trainer.worst_score, 0.0)
            self.assertEqual(trainer.metric, "validation accuracy")

    def test_divergence_is_the_worst_score(self):
        built = []

        def build():
            built.append(linear_models.linear(optimizer="sgd", loss="mse"))
            return built[-1]

        trainer = linear_models.trainer(build, num_epochs=40)
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            found = trainer.train(Setting(linear_models.SIZE, 1e6, 0.9), (0, 1))
        self.assertEqual(shown.getvalue(), "")
        self.assertBetween(int(built[-1].optimizer.iterations), 2, 20)
        self.assertEqual(found.status, "diverged")
        self.assertEqual(set(found.scores.values()), {trainer.worst_score})
        self.assertTrue(np.isfinite(trainer.worst_score))

    def test_no_accuracy_at_all_is_a_score_like_another(self):
        trainer = linear_models.trainer(
            linear_models.classifier,
            train_data=(np.ones((8, linear_models.WIDTH)), np.zeros(8, int)),
            validation_data=(np.ones((6, linear_models.WIDTH)), np.ones(6, int)),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metric="accuracy",
            num_epochs=20,
        )
        found = trainer.train(Setting(8, 1.0, 0.0), (0,))
        self.assertEqual((found.status, found.scores), ("completed", {0: 0.0}))

    def test_weights_of_nan_are_no_accuracy(self):
        """The loss of the only step is that before it."""
        inputs, labels = linear_models.class_data()
        trainer = linear_models.trainer(
            linear_models.classifier,
            train_data=(100 * inputs, labels),  # so that the step overflows
            validation_data=linear_models.class_data(20, 1),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metric="accuracy",
        )
        found = trainer.train(Setting(linear_models.SIZE, 1e38, 0.9), (0,))
        self.assertEqual(found.status, "diverged")

    def test_a_perfect_constant_is_no_baseline(self):
        """Who always says yes has a recall of 1."""
        pair = linear_models.class_data(40, 1)
        trainer = linear_models.trainer(
            lambda: linear_models.linear(
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
        trainer = linear_models.trainer(loss="mse", metric=keras.metrics.R2Score())
        self.assertAlmostEqual(trainer.baseline_score, 0.0, places=5)
        self.assertLess(trainer.worst_score, -5)


if __name__ == "__main__":
    tf.test.main()
