"""Tests of estimated traces on matrices of known spectrum, and of their errors."""

import itertools
import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.measures.spectrum import trace
from tests.measures import matrices


class TraceTest(parameterized.TestCase):
    @parameterized.parameters(*itertools.product(matrices.SPECTRA, trace.METHODS))
    def test_standard_errors_cover_the_truth(self, name, method):
        sketch = 10 if method == "hutch++" else 0
        found = [
            trace.hessian_trace(
                matrices.Matrix(matrices.MATRICES[name]),
                method=method,
                relative_error=0.0,
                max_products=40 + 2 * sketch,
                seed=seed,
            )
            for seed in range(matrices.NUM_SEEDS)
        ]
        self.assertEqual({f.num_probes for f in found}, {40})
        self.assertEqual({f.num_products for f in found}, {40 + 2 * sketch})
        values = [f.value for f in found]
        standard_errors = [f.standard_error for f in found]
        matrices.assert_calibrated(
            self, values, standard_errors, np.trace(matrices.MATRICES[name])
        )

    def test_exact_variance(self):
        # Of one Rademacher probe: 2 sum of A_ij^2 over i != j.
        matrix = matrices.MATRICES["spread"]
        found = trace.hessian_trace(
            matrices.Matrix(matrix), relative_error=0.0, max_products=4000
        )
        variance = 2 * (np.sum(matrix**2) - np.sum(np.diag(matrix) ** 2))
        # The sample variance of 4000 nearly normal samples: relative error 2 %.
        np.testing.assert_allclose(
            found.standard_error**2 * 4000, variance, rtol=3 * 0.0224
        )

    def test_diagonal_matrices_are_exact(self):
        found = trace.hessian_trace(matrices.Matrix(np.diag([1.0, -2.0, 5.0])))
        self.assertEqual((found.value, found.standard_error), (4.0, 0.0))
        self.assertEqual(found.stopped_because, "tolerance")

    def test_hutch_plus_plus_is_exact_for_a_low_rank(self):
        matrix = matrices.with_spectrum([9.0, -4.0, 1.0, *np.zeros(40)])
        found = trace.hessian_trace(
            matrices.Matrix(matrix), method="hutch++", sketch_size=3
        )
        self.assertAlmostEqual(found.value, 6.0, places=12)
        whole = matrices.Matrix(matrices.MATRICES["spread"])
        found = trace.hessian_trace(
            whole, method="hutch++", sketch_size=500, max_products=1002
        )
        self.assertAlmostEqual(found.value, 30.0, places=12)

    def test_hutch_plus_plus_pays_with_outliers(self):
        matrix = matrices.MATRICES["outliers"]
        plain, sketched = (
            trace.hessian_trace(
                matrices.Matrix(matrix),
                method=method,
                relative_error=0.01,
                max_products=5000,
            )
            for method in trace.METHODS
        )
        self.assertLess(10 * sketched.num_products, plain.num_products)

    @parameterized.parameters(0.2, 0.05)
    def test_stops_at_the_relative_error(self, relative_error):
        matrix = matrices.Matrix(matrices.MATRICES["spread"])
        found = trace.hessian_trace(
            matrix, relative_error=relative_error, max_products=10_000
        )
        self.assertEqual(found.stopped_because, "tolerance")
        self.assertLessEqual(found.standard_error, relative_error * found.value)
        self.assertEqual(found.num_products, matrix.num_products)

    def test_interrupted(self):
        matrix = matrices.MATRICES["outliers"]
        for method, at in (("hutchinson", 17), ("hutch++", 25)):
            found = trace.hessian_trace(
                matrices.Matrix(matrix, at),
                method=method,
                relative_error=0.0,
                keep_partial=True,
            )
            short = trace.hessian_trace(
                matrices.Matrix(matrix),
                method=method,
                relative_error=0.0,
                max_products=at,
            )
            self.assertEqual(found.stopped_because, "interrupted")
            self.assertEqual(short.stopped_because, "max_products")
            self.assertEqual(found.value, short.value)
            self.assertEqual(found.standard_error, short.standard_error)
        with self.assertRaises(KeyboardInterrupt):
            trace.hessian_trace(
                matrices.Matrix(matrix, 0), method="hutch++", keep_partial=True
            )
        for method, at in (("hutchinson", 17), ("hutch++", 7), ("hutch++", 25)):
            with self.assertRaises(KeyboardInterrupt):
                trace.hessian_trace(matrices.Matrix(matrix, at), method=method)

    @parameterized.parameters(7, 10, 14, 20)
    def test_interrupted_sketch(self, at):
        found = trace.hessian_trace(
            matrices.Matrix(matrices.MATRICES["outliers"], at),
            method="hutch++",
            keep_partial=True,
        )
        self.assertEqual(found.method, "hutchinson")
        self.assertEqual((found.num_products, found.num_probes), (at, min(at, 10)))
        self.assertLess(abs(found.value - matrices.SPECTRA["outliers"].sum()), 30.0)
        self.assertGreater(found.standard_error, 0.0)

    def test_progress(self):
        told = []
        found = trace.hessian_trace(
            matrices.Matrix(matrices.MATRICES["spread"]),
            method="hutch++",
            on_progress=told.append,
        )
        self.assertEqual(told[0].num_products, 21)
        self.assertEqual(told[0].error, math.inf)
        self.assertEqual(told[-1].num_products, found.num_products)
        self.assertEqual(told[-1].value, found.value)

    def test_rejects(self):
        matrix = matrices.Matrix(np.eye(4))
        with self.assertRaisesRegex(errors.UserError, "method='hutch': .*'hutch..'"):
            trace.hessian_trace(matrix, method="hutch")
        with self.assertRaisesRegex(errors.UserError, "max_products=1: .*least 2"):
            trace.hessian_trace(matrix, max_products=1)
        with self.assertRaisesRegex(errors.UserError, "max_products=9: .*least 10"):
            trace.hessian_trace(matrix, method="hutch++", max_products=9)
        with self.assertRaisesRegex(errors.UserError, "relative_error=-0.1"):
            trace.hessian_trace(matrix, relative_error=-0.1)


if __name__ == "__main__":
    absltest.main()
