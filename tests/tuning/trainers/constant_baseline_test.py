"""The best constant answer, against closed forms and against all answers tried."""

import itertools

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen.tuning.trainers import (
    constant_baseline,
    examples,
    metric_direction,
    metric_values,
)

_RANDOM = np.random.default_rng(7)
_SIZE, _CLASSES = 60, 4
_LABELS = _RANDOM.choice(_CLASSES, _SIZE, p=[0.1, 0.5, 0.15, 0.25]).astype(np.int32)
_SHARES = np.bincount(_LABELS, minlength=_CLASSES) / _SIZE
_HOT = np.eye(_CLASSES, dtype=np.float32)[_LABELS]
_MANY = (_RANDOM.random((_SIZE, _CLASSES)) < [0.1, 0.3, 0.6, 0.8]).astype(np.float32)
_REAL = _RANDOM.gamma(2.0, size=(_SIZE, 2)).astype(np.float32)
_WEIGHTS = _RANDOM.random(_SIZE).astype(np.float32)
_INPUTS = _RANDOM.normal(size=(_SIZE, 3)).astype(np.float32)
_CROSSENTROPY = keras.losses.SparseCategoricalCrossentropy
_BINARY = keras.losses.BinaryCrossentropy


def data(targets, weights=None):
    parts = (_INPUTS, targets) if weights is None else (_INPUTS, targets, weights)
    return examples.examples("data", parts)


def dense(units, activation=None, shape=None, **more):
    layers = [keras.layers.Dense(units, activation, **more)]
    if shape:
        layers.insert(0, keras.layers.Dense(int(np.prod(shape))))
        layers.insert(1, keras.layers.Reshape(shape))
    return keras.Sequential([keras.Input((3,)), *layers])


def best(model, loss, metrics, targets, train=None, weights=None, **more):
    model.compile("sgd", loss, metrics=metrics, **more)
    validation = data(targets, weights)
    train = validation if train is None else data(train)
    found = metric_values.evaluate(model, validation.in_order())
    return best_of(model, found, None, train, validation)


def best_of(model, found, metric, train, validation):
    place = metric_values.place(found, metric)
    direction = metric_direction.direction(found[place].name, found[place].metric)
    sign = 1 if direction.mode == "max" else -1
    score = constant_baseline.best(model, place, sign, train, validation)
    return None if score is None else sign * score


def entropy(shares):
    return -np.sum(shares * np.log(shares))


def intersection(answer, targets):
    """Intersection over union of class 1 for a constant answer."""
    hits = np.sum(answer * targets)
    return hits / (np.sum(np.maximum(answer, targets)) or 1)


class ConstantAnswersTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.named_parameters(
        ("sparse_accuracy", _CROSSENTROPY(), "accuracy", _LABELS, max(_SHARES)),
        ("last_axis", _CROSSENTROPY(), "accuracy", _LABELS[:, None], max(_SHARES)),
        ("one_hot_accuracy", "categorical_crossentropy", "acc", _HOT, max(_SHARES)),
        ("entropy", _CROSSENTROPY(), None, _LABELS, entropy(_SHARES)),
        ("entropy_one_hot", "categorical_crossentropy", None, _HOT, entropy(_SHARES)),
        ("mse_one_hot", "mse", None, _HOT, np.mean(_SHARES * (1 - _SHARES))),
        (
            "top_k",
            _CROSSENTROPY(),
            keras.metrics.SparseTopKCategoricalAccuracy(2),
            _LABELS,
            np.sort(_SHARES)[-2:].sum(),
        ),
        (
            "macro_f1",
            "categorical_crossentropy",
            keras.metrics.F1Score(average="macro"),
            _HOT,
            2 * max(_SHARES) / (1 + max(_SHARES)) / _CLASSES,
        ),
        (
            "auc",
            "categorical_crossentropy",
            keras.metrics.AUC(multi_label=True),
            _HOT,
            0.5,
        ),
    )
    def test_classes(self, loss, metric, targets, expected):
        model = dense(_CLASSES, "softmax")
        found = best(model, loss, metric and [metric], targets)
        # Answers of no two equal numbers differ from these by some 1e-6.
        self.assertAllClose(found, expected, rtol=1e-4)

    def test_balanced_classes_do_not_all_stand_among_the_top_k(self):
        labels = np.arange(_SIZE, dtype=np.int32) % _CLASSES
        metric = keras.metrics.SparseTopKCategoricalAccuracy(3)
        found = best(dense(_CLASSES), _CROSSENTROPY(from_logits=True), [metric], labels)
        self.assertAllClose(found, 0.75)

    def test_logits(self):
        loss = _CROSSENTROPY(from_logits=True)
        found = best(dense(_CLASSES), loss, None, _LABELS)
        self.assertAllClose(found, entropy(_SHARES), rtol=1e-4)

    @parameterized.named_parameters(
        (
            "accuracy",
            "binary_accuracy",
            np.mean(np.maximum(_MANY.mean(0), 1 - _MANY.mean(0))),
        ),
        ("loss", None, np.mean([entropy([p, 1 - p]) for p in _MANY.mean(0)])),
        (
            "f1",
            keras.metrics.F1Score(average="macro", threshold=0.5),
            np.mean(2 * _MANY.mean(0) / (1 + _MANY.mean(0))),
        ),
        ("recall", keras.metrics.Recall(), 1.0),
        (
            "iou",
            keras.metrics.BinaryIoU(target_class_ids=[1]),
            max(
                intersection(np.array(answer), _MANY)
                for answer in itertools.product((0, 1), repeat=_CLASSES)
            ),
        ),
        (
            "precision",
            keras.metrics.Precision(),
            max(_MANY.mean(0)),
        ),
    )
    def test_several_labels(self, metric, expected):
        for loss, model in (
            (_BINARY(), dense(_CLASSES, "sigmoid")),
            (_BINARY(from_logits=True), dense(_CLASSES)),
        ):
            found = best(model, loss, metric and [metric], _MANY)
            self.assertAllClose(found, expected, rtol=1e-4)

    def test_two_classes_of_one_output(self):
        share = _MANY[:, 1].mean()
        for targets in (_MANY[:, 1], _MANY[:, 1:2], _MANY[:, 1].astype(bool)):
            model = dense(1, "sigmoid")
            found = best(model, "binary_crossentropy", ["accuracy"], targets)
            self.assertAllClose(found, max(share, 1 - share), rtol=1e-6)

    @parameterized.named_parameters(
        ("mse", "mse", np.mean(_REAL.var(axis=0))),
        ("mae", "mae", np.mean(np.abs(_REAL - np.median(_REAL, axis=0)))),
        ("r2", keras.metrics.R2Score(), 0.0),
        (
            "msle",
            "msle",
            np.mean(np.log1p(_REAL).var(axis=0)),
        ),
    )
    def test_numbers(self, metric, expected):
        found = best(dense(2), "mse", [metric], _REAL)
        self.assertAllClose(found, expected, rtol=1e-5, atol=1e-6)

    def test_hinge(self):
        signs = 2 * _MANY[:, 1:2] - 1
        share = _MANY[:, 1].mean()
        expected = 2 * min(share, 1 - share)  # always answer the more frequent sign
        for targets in (signs, _MANY[:, 1:2]):
            found = best(dense(1), "hinge", None, targets)
            self.assertAllClose(found, expected, rtol=1e-5)

    def test_no_sampled_answer_is_better(self):
        """An independent search over answers of three numbers."""
        labels = _LABELS[_LABELS < 3]
        hot = np.eye(3, dtype=np.float32)[labels]
        inputs = _INPUTS[: len(hot)]
        model = dense(3, "softmax")
        metric = keras.metrics.CosineSimilarity()
        model.compile("sgd", "categorical_crossentropy", metrics=[metric])
        part = examples.examples("data", (inputs, hot))
        metric_values.evaluate(model, part.in_order())
        found = constant_baseline.best(model, 1, 1, part, part)
        draws = _RANDOM.dirichlet(np.ones(3), 20_000)
        cosines = (draws @ hot.T).mean(axis=1) / np.linalg.norm(draws, axis=1)
        self.assertGreaterEqual(found, cosines.max() - 1e-3)

    def test_every_place_of_a_larger_output_by_the_training_data(self):
        shape = (5, 2)
        chances = np.array([0.1, 0.9, 0.2, 0.8, 0.3])
        train, targets = (
            (_RANDOM.random((_SIZE, 5)) < chances).astype(np.int32) for _ in range(2)
        )
        found = best(
            dense(2, "softmax", shape), _CROSSENTROPY(), ["accuracy"], targets, train
        )
        per_place = np.mean(targets == (train.mean(axis=0) > 0.5))
        everywhere = max(targets.mean(), 1 - targets.mean())
        self.assertAllClose(found, max(per_place, everywhere), rtol=1e-6)
        self.assertGreater(per_place, everywhere)

    def test_weights_of_examples(self):
        counts = np.bincount(_LABELS, _WEIGHTS, _CLASSES)
        shares = counts / counts.sum()
        found = best(
            dense(_CLASSES, "softmax"),
            _CROSSENTROPY(),
            None,
            _LABELS,
            weights=_WEIGHTS,
            weighted_metrics=["accuracy"],
        )
        self.assertAllClose(found, max(shares), rtol=1e-5)

    def test_masked_places_do_not_count(self):
        tokens = _RANDOM.integers(0, 4, (30, 6))  # 0 is masked
        tags = np.where(tokens == 0, 1, tokens % 2 * 2).astype(np.int32)
        layers = [
            keras.Input((6,)),
            keras.layers.Embedding(4, 3, mask_zero=True),
            keras.layers.Dense(3, "softmax"),
        ]
        model = keras.Sequential(layers)
        model.compile("sgd", _CROSSENTROPY(), metrics=["accuracy"])
        part = examples.examples("data", (tokens, tags))
        found = metric_values.evaluate(model, part.in_order())
        score = best_of(model, found, None, part, part)
        shares = np.bincount(tags[tokens > 0], minlength=3) / np.sum(tokens > 0)
        self.assertAllClose(score, max(shares), rtol=1e-6)
        score = best_of(model, found, "loss", part, part)
        # The mean of the batch's mean losses is that over all places in one batch.
        self.assertAllClose(score, entropy(shares[shares > 0]), rtol=1e-3)

    def test_a_loss_is_that_of_the_outputs_alone(self):
        model = dense(2, kernel_regularizer=keras.regularizers.L2(100.0))
        found = best(model, "mse", None, _REAL)
        self.assertAllClose(found, np.mean(_REAL.var(axis=0)), rtol=1e-5)

    def test_several_outputs(self):
        inputs = keras.Input((3,))
        outputs = {
            "kind": keras.layers.Dense(_CLASSES, "softmax", name="kind")(inputs),
            "size": keras.layers.Dense(2, name="size")(inputs),
        }
        expected = {
            "kind_accuracy": max(_SHARES),
            "size_mae": np.mean(np.abs(_REAL - np.median(_REAL, axis=0))),
            "loss": entropy(_SHARES) + 0.5 * np.mean(_REAL.var(axis=0)),
        }
        targets = {"kind": _LABELS, "size": _REAL}
        for form in (outputs, [outputs["kind"], outputs["size"]]):
            model = keras.Model(inputs, form)
            model.compile(
                "sgd",
                {"kind": _CROSSENTROPY(), "size": "mse"},
                {"kind": 1.0, "size": 0.5},
                {"kind": ["accuracy"], "size": ["mae"]},
            )
            part = data(targets)
            found = metric_values.evaluate(model, part.in_order())
            for metric, value in expected.items():
                score = best_of(model, found, metric, part, part)
                self.assertAllClose(score, value, rtol=1e-4)

    def test_where_no_constant_can_be_scored(self):
        class OwnLoss(keras.Sequential):
            def compute_loss(self, x, y, y_pred, sample_weight=None):
                return tf.reduce_mean(tf.abs(y - y_pred))

        own = OwnLoss([keras.Input((3,)), keras.layers.Dense(2)])
        self.assertIsNone(best(own, "mse", ["mae"], _REAL))
        embeddings = dense(7)  # labels, but no output for each
        loss = lambda targets, outputs: tf.reduce_sum(outputs**2, axis=-1)  # noqa: E731
        self.assertIsNone(best(embeddings, loss, None, _REAL))


if __name__ == "__main__":
    absltest.main()
