"""Tests of estimated norms on matrices of known spectrum, and of their errors."""

import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.measures.spectrum import frobenius_norm
from tests.measures import matrices


class FrobeniusNormTest(parameterized.TestCase):
    @parameterized.parameters(*matrices.SPECTRA)
    def test_standard_errors_cover_the_truth(self, name):
        found = [
            frobenius_norm.hessian_frobenius_norm(
                matrices.Matrix(matrices.MATRICES[name]),
                relative_error=0.0,
                max_products=40,
                seed=seed,
            )
            for seed in range(matrices.NUM_SEEDS)
        ]
        truth = np.sum(matrices.MATRICES[name] ** 2)
        values = [f.squared for f in found]
        standard_errors = [f.squared_standard_error for f in found]
        matrices.assert_calibrated(self, values, standard_errors, truth)
        ratios = [abs(f.value - math.sqrt(truth)) / f.standard_error for f in found]
        self.assertBetween(np.mean(np.array(ratios) <= 1), 0.557, 0.797)

    def test_delta_method(self):
        found = frobenius_norm.hessian_frobenius_norm(
            matrices.Matrix(matrices.MATRICES["spread"])
        )
        self.assertEqual(found.value, math.sqrt(found.squared))
        expected = found.squared_standard_error / (2 * found.value)
        self.assertAlmostEqual(found.standard_error, expected, places=14)

    def test_stops_at_the_relative_error(self):
        matrix = matrices.Matrix(matrices.MATRICES["outliers"])
        found = frobenius_norm.hessian_frobenius_norm(
            matrix, relative_error=0.03, max_products=10_000
        )
        self.assertEqual(found.stopped_because, "tolerance")
        self.assertLessEqual(found.standard_error, 0.03 * found.value)
        self.assertEqual(found.num_products, matrix.num_products)
        # Not one product later than it could.
        before = frobenius_norm.hessian_frobenius_norm(
            matrix, relative_error=0.0, max_products=found.num_products - 1
        )
        self.assertGreater(before.standard_error, 0.03 * before.value)

    def test_zero_and_interruption(self):
        found = frobenius_norm.hessian_frobenius_norm(matrices.Matrix(np.zeros((3, 3))))
        self.assertEqual((found.value, found.standard_error), (0.0, 0.0))
        found = frobenius_norm.hessian_frobenius_norm(
            matrices.Matrix(matrices.MATRICES["spread"], interrupt_at=1),
            keep_partial=True,
        )
        self.assertEqual(found.stopped_because, "interrupted")
        self.assertEqual(found.standard_error, math.inf)
        matrix = matrices.Matrix(matrices.MATRICES["spread"], interrupt_at=15)
        with self.assertRaises(KeyboardInterrupt):
            frobenius_norm.hessian_frobenius_norm(matrix, relative_error=0.0)


if __name__ == "__main__":
    absltest.main()
