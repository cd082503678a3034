"""Tests of cross-entropy and accuracy from logits."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import models


class ClassificationTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(np.float32, np.float64)
    def test_softmax(self, dtype):
        rng = np.random.default_rng(0)
        logits = rng.normal(scale=3, size=(20, 4)).astype(dtype)
        labels = rng.integers(4, size=20).astype(np.int32)
        exponentials = np.exp(logits.astype(np.float64))
        shares = exponentials / exponentials.sum(1, keepdims=True)
        losses = models.cross_entropy(labels, logits)
        self.assertEqual(losses.dtype, dtype)
        self.assertAllClose(losses, -np.log(shares[np.arange(20), labels]), rtol=1e-5)
        self.assertAllEqual(models.correct(labels, logits), shares.argmax(1) == labels)

    def test_one_logit_is_two_classes_of_which_the_first_has_logit_0(self):
        rng = np.random.default_rng(1)
        logits = rng.normal(scale=3, size=(20, 1))
        labels = rng.integers(2, size=20).astype(np.int32)
        pair = np.hstack([np.zeros((20, 1)), logits])
        self.assertAllClose(
            models.cross_entropy(labels, logits),
            models.cross_entropy(labels, pair),
            rtol=1e-12,
        )
        self.assertAllEqual(
            models.correct(labels, logits), models.correct(labels, pair)
        )

    def test_values_by_hand(self):
        logits = np.array([[0.0, 0.0], [np.log(3.0), 0.0], [-1000.0, 1000.0]])
        losses = models.cross_entropy(np.array([0, 0, 0]), logits)
        self.assertAllClose(losses, [np.log(2), np.log(4 / 3), 2000.0], rtol=1e-12)

    @parameterized.parameters(1, 3)
    def test_what_is_not_finite_is_never_correct(self, width):
        for value in (np.nan, np.inf, -np.inf):
            logits = np.zeros((1, width))
            logits[0, -1] = value
            for label in range(max(width, 2)):
                self.assertAllEqual(models.correct(np.array([label]), logits), [0.0])


if __name__ == "__main__":
    tf.test.main()
