"""Tests of starts from a sample of the data."""

import numpy as np
import tensorflow as tf

from bsgen import measures
from bsgen.measures.operators import curvature
from bsgen.measures.spectrum import sampled_start
from tests.measures import small_models


class SampledStartTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(6)
        self.model, self.data = small_models.make("dense", rng, 640)
        self.arguments = self.model, small_models.softmax, self.data
        self.hessian = measures.Hessian(*self.arguments).dense()
        self.top = np.linalg.eigvalsh(self.hessian)[-1]

    def test_products_of_a_sample(self):
        operator = curvature.Hessian(*self.arguments, batch_size=8)
        vector = np.random.default_rng(1).normal(size=operator.size)
        # Of more than a batch, whole batches: 8, 8 and 8 of 29.
        for count, size in ((5, 5), (29, 24), (640, 640)):
            with operator.on_sample(count, np.random.default_rng(3)):
                found = operator.matvec(vector)
            places = np.random.default_rng(3).permutation(640)[:size]
            part = tuple(array[places] for array in self.data)
            few = curvature.Hessian(self.model, small_models.softmax, part)
            self.assertAllClose(found, few.matvec(vector), rtol=1e-11)
        self.assertAllClose(operator.matvec(vector), self.hessian @ vector, rtol=1e-11)

    def test_the_whole_is_back_whatever_happens(self):
        operator = curvature.Hessian(*self.arguments)
        with self.assertRaises(KeyboardInterrupt):
            with operator.on_sample(40, np.random.default_rng(3)):
                raise KeyboardInterrupt
        vector = np.ones(operator.size)
        self.assertAllClose(operator.matvec(vector), self.hessian @ vector, rtol=1e-11)

    def test_it_is_near_the_top_eigenvector_and_cheap(self):
        operator = curvature.Hessian(*self.arguments)
        start = sampled_start.find(operator, seed=2)
        vector = start.vector
        self.assertAlmostEqual(np.linalg.norm(vector), 1.0, places=12)
        # A random vector has a Rayleigh quotient of a mean eigenvalue, a fiftieth here.
        self.assertGreater(vector @ self.hessian @ vector, 0.7 * self.top)
        self.assertAlmostEqual(start.num_products, 8 * 40 / 640)

    def test_what_has_no_sample(self):
        batches = tf.data.Dataset.from_tensor_slices(self.data).batch(64)
        few = tuple(array[:511] for array in self.data)
        for data in (batches, few):
            operator = curvature.Hessian(self.model, small_models.softmax, data)
            start = sampled_start.find(operator, seed=2)
            self.assertEqual(start, sampled_start.Start(None, 0.0))

    def test_it_saves_products(self):
        found = measures.top_eigenvalue(
            measures.Hessian(*self.arguments), tolerance=1e-2
        )
        self.assertAllClose(found.value, self.top, rtol=1e-2)
        self.assertAlmostEqual(found.start_products, 0.5)
        batches = tf.data.Dataset.from_tensor_slices(self.data).batch(64)
        plain = measures.top_eigenvalue(
            measures.Hessian(self.model, small_models.softmax, batches), tolerance=1e-2
        )
        self.assertEqual(plain.start_products, 0.0)
        self.assertLess(found.num_products + 0.5, plain.num_products)


if __name__ == "__main__":
    tf.test.main()
