"""Tests of the distance between weights."""

import numpy as np
import tensorflow as tf

from bsgen import errors, measures
from tests.measures import small_models


class WeightDistanceTest(tf.test.TestCase):
    def test_against_numpy(self):
        rng = np.random.default_rng(0)
        model, _ = small_models.make("batch_norm", rng)
        start = [v.numpy() for v in model.trainable_variables]
        self.assertEqual(measures.weight_distance(model, start).value, 0.0)
        moves = [rng.normal(size=w.shape) for w in start]
        moved = [w + m for w, m in zip(start, moves, strict=True)]
        found = measures.weight_distance(model, moved)
        expected = [np.linalg.norm(m) for m in moves]
        self.assertAllClose([*found.per_variable.values()], expected, rtol=1e-12)
        self.assertAllClose(found.value, np.linalg.norm(expected), rtol=1e-12)
        self.assertLen(found.per_variable, 6)
        self.assertEqual(measures.weight_distance(moved, model).value, found.value)

    def test_mistakes(self):
        model, _ = small_models.make("dense", np.random.default_rng(0))
        with self.assertRaisesRegex(errors.UserError, "shapes"):
            measures.weight_distance(model, [np.zeros(3)])
        with self.assertRaisesRegex(errors.UserError, "list of arrays"):
            measures.weight_distance(model, 3)


if __name__ == "__main__":
    tf.test.main()
