"""Tests of eigenvalues, and of when their search stops, on known matrices."""

from unittest import mock

import numpy as np
import scipy.sparse.linalg
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.measures.spectrum import critical_rate, eigenvalues, sampled_start
from tests.measures import matrices


class EigenvaluesTest(parameterized.TestCase):
    @parameterized.named_parameters(
        ("spread", np.linspace(-3, 5, 80)),
        ("clustered", np.r_[np.full(60, 1e-3), np.linspace(5, 5.01, 20), -1.0]),
        ("negative", -(np.linspace(1, 2, 80) ** 2)),
        ("multiple", np.r_[np.zeros(60), [4.0] * 3, [2.0] * 4, [-1.0] * 3]),
    )
    def test_both_ends(self, spectrum):
        matrix = matrices.Matrix(matrices.with_spectrum(spectrum))
        found = eigenvalues.extreme_eigenvalues(matrix, 4, 3, tolerance=1e-8)
        largest = np.max(np.abs(spectrum))
        ascending = np.sort(spectrum)
        tolerance = {"rtol": 1e-8, "atol": 1e-10 * largest}
        np.testing.assert_allclose(found.top, ascending[:-5:-1], **tolerance)
        np.testing.assert_allclose(found.bottom, ascending[:3], **tolerance)
        self.assertEqual(found.num_products, matrix.num_products)
        self.assertIn(found.stopped_because, ("tolerance", "complete"))

    def test_one_start_vector_sees_one_copy(self):
        matrix = matrices.Matrix(np.diag([3.0, 3.0, *np.linspace(0, 2, 30)]))
        found = eigenvalues.extreme_eigenvalues(matrix, 2, block_size=1)
        np.testing.assert_allclose(found.top, [3.0, 2.0], rtol=1e-3)
        found = eigenvalues.extreme_eigenvalues(matrix, 2)
        np.testing.assert_allclose(found.top, [3.0, 3.0], rtol=1e-3)

    def test_identity_and_zero(self):
        for scale in (2.0, 0.0):
            matrix = matrices.Matrix(scale * np.eye(5))
            found = eigenvalues.extreme_eigenvalues(matrix, 3, 1)
            np.testing.assert_allclose(found.top, [scale] * 3, rtol=1e-14)
            np.testing.assert_allclose(found.bottom, [scale], rtol=1e-14)

    @parameterized.parameters(1e-1, 1e-2, 1e-4, 1e-8)
    def test_stops_at_the_tolerance(self, tolerance):
        spectrum = np.r_[np.linspace(0, 1, 300), 1.2, 1.5]
        matrix = matrices.Matrix(matrices.with_spectrum(spectrum))
        found = eigenvalues.extreme_eigenvalues(matrix, 1, tolerance=tolerance)
        self.assertEqual(found.stopped_because, "tolerance")
        self.assertLessEqual(abs(found.top[0] - 1.5), tolerance * 1.5)
        self.assertLessEqual(found.top_errors[0], tolerance * found.top[0])
        self.assertLess(found.num_products, 30)

    def test_a_start_near_another_eigenvector(self):
        # Its small residual alone would end the search at 0.8 after two products.
        spectrum = np.r_[np.linspace(-0.1, 0.3, 198), 0.8, 1.0]
        matrix = matrices.with_spectrum(spectrum)
        second, top = np.linalg.eigh(matrix)[1][:, -2:].T
        right = 0
        for seed in range(20):
            noise = np.random.default_rng(seed).normal(size=200)
            start = second + 0.1 * top + 0.3 * noise / np.linalg.norm(noise)
            start = sampled_start.Start(start, 0.0)
            with mock.patch.object(sampled_start, "find", return_value=start):
                found = eigenvalues.top_eigenvalue(
                    matrices.Matrix(matrix), tolerance=1e-2
                )
            self.assertLess(found.num_products, 10)
            right += abs(found.value - 1.0) <= 1e-2
        # None without the rule; nothing makes it certain.
        self.assertGreaterEqual(right, 15)

    def test_stops_at_the_limit(self):
        matrix = matrices.Matrix(np.diag(np.arange(100.0)))
        found = eigenvalues.extreme_eigenvalues(
            matrix, 1, tolerance=0.0, max_products=7
        )
        self.assertEqual(found.stopped_because, "max_products")
        self.assertEqual((found.num_products, matrix.num_products), (7, 7))
        self.assertGreater(found.top_residuals[0], 0.0)

    def test_complete(self):
        matrix = matrices.Matrix(np.diag([1.0, 2.0, 4.0]))
        found = eigenvalues.extreme_eigenvalues(matrix, 2, 1, tolerance=0.0)
        self.assertEqual(found.stopped_because, "complete")
        np.testing.assert_allclose(np.r_[found.top, found.bottom], [4.0, 2.0, 1.0])

    def test_fewer_products_than_power_iteration(self):
        # Power iteration's ratio of convergence is (1.9 / 2)^2 a product.
        spectrum = np.r_[np.linspace(0, 1.9, 199), 2.0]
        matrix = matrices.Matrix(matrices.with_spectrum(spectrum))
        found = eigenvalues.extreme_eigenvalues(matrix, 1, tolerance=1e-2)
        vector = np.random.default_rng(0).normal(size=200)
        vector /= np.linalg.norm(vector)
        count = 0
        while abs(vector @ matrix.matvec(vector) - 2.0) > abs(found.top[0] - 2.0):
            vector = matrix.matrix @ vector
            vector /= np.linalg.norm(vector)
            count += 1
        self.assertGreaterEqual(count, 2 * found.num_products)

    @parameterized.parameters(
        ([-5.0, -1.0, 0.0, 1.0, 3.0], -5.0), ([-3.0, -1.0, 0.0, 1.0, 5.0], 5.0)
    )
    def test_largest_magnitude_keeps_its_sign(self, ends, expected):
        spectrum = np.r_[np.linspace(-1, 1, 50), ends]
        matrix = matrices.Matrix(matrices.with_spectrum(spectrum))
        found = eigenvalues.largest_magnitude_eigenvalue(matrix, tolerance=1e-6)
        self.assertAlmostEqual(found.value, expected, delta=5e-6)
        self.assertEqual(found.stopped_because, "tolerance")
        top = eigenvalues.extreme_eigenvalues(matrix, 1).top[0]
        self.assertAlmostEqual(top, max(ends), delta=5e-3)

    def test_largest_magnitude_that_shows_late(self):
        # 2 stands alone and converges at once; -2.05 ends a continuum and does not.
        spectrum = np.r_[np.linspace(-2.05, 1, 400), 2.0]
        matrix = matrices.Matrix(matrices.with_spectrum(spectrum))
        found = eigenvalues.largest_magnitude_eigenvalue(matrix)
        self.assertAlmostEqual(found.value, -2.05, delta=5e-3)

    def test_magnitudes_that_hardly_differ(self):
        spectrum = np.r_[np.linspace(-1, 1, 50), -2.001, 2.0]
        matrix = matrices.Matrix(matrices.with_spectrum(spectrum))
        found = eigenvalues.largest_magnitude_eigenvalue(matrix, tolerance=1e-6)
        self.assertAlmostEqual(found.value, -2.001, delta=2e-6)

    def test_interrupted(self):
        matrix = matrices.Matrix(np.diag(np.arange(50.0)), interrupt_at=12)
        found = eigenvalues.extreme_eigenvalues(
            matrix, 1, tolerance=0.0, keep_partial=True
        )
        self.assertEqual(found.stopped_because, "interrupted")
        self.assertEqual(found.num_products, 12)
        # The partial answer is what the same run gives when it is limited to as much.
        matrix = matrices.Matrix(np.diag(np.arange(50.0)))
        short = eigenvalues.extreme_eigenvalues(
            matrix, 1, tolerance=0.0, max_products=12
        )
        np.testing.assert_array_equal(found.top, short.top)
        np.testing.assert_array_equal(found.top_errors, short.top_errors)
        few = matrices.Matrix(np.diag(np.arange(50.0)), interrupt_at=2)
        found = eigenvalues.extreme_eigenvalues(few, 2, 2, keep_partial=True)
        self.assertEqual((len(found.top), len(found.bottom)), (2, 0))
        with self.assertRaises(KeyboardInterrupt):
            none = matrices.Matrix(np.eye(3), interrupt_at=0)
            eigenvalues.extreme_eigenvalues(none, 1, keep_partial=True)
        for measure in (
            eigenvalues.top_eigenvalue,
            eigenvalues.largest_magnitude_eigenvalue,
            critical_rate.critical_learning_rate,
        ):
            few = matrices.Matrix(np.diag(np.arange(50.0)), interrupt_at=2)
            with self.assertRaises(KeyboardInterrupt):
                measure(few)

    def test_progress(self):
        told = []
        matrix = matrices.Matrix(np.diag(np.arange(30.0)))
        found = eigenvalues.extreme_eigenvalues(matrix, 1, on_progress=told.append)
        counts = [t.num_products for t in told]
        self.assertEqual(counts, list(range(1, found.num_products + 1)))
        self.assertEqual(told[-1].value, found.top[0])
        self.assertEqual(told[-1].error, found.top_errors[0])

    def test_seed(self):
        matrix = matrices.Matrix(np.diag(np.arange(30.0)))
        first, again, other = (
            eigenvalues.extreme_eigenvalues(matrix, 1, seed=seed).top
            for seed in (3, 3, 4)
        )
        np.testing.assert_array_equal(first, again)
        self.assertNotEqual(first[0], other[0])

    def test_rejects(self):
        matrix = matrices.Matrix(np.eye(4))
        with self.assertRaisesRegex(errors.UserError, "k_top=5: .*4, its dimension"):
            eigenvalues.extreme_eigenvalues(matrix, 5)
        with self.assertRaisesRegex(errors.UserError, "k_top=0: .*sum to 1"):
            eigenvalues.extreme_eigenvalues(matrix, 0)
        with self.assertRaisesRegex(errors.UserError, "max_products=2: .*least 3"):
            eigenvalues.extreme_eigenvalues(matrix, 2, 1, max_products=2)
        with self.assertRaisesRegex(errors.UserError, "tolerance=-1.0"):
            eigenvalues.extreme_eigenvalues(matrix, 1, tolerance=-1.0)
        for wrong in (np.ones(3), matrices.Matrix(np.ones((2, 3))), "hessian"):
            with self.assertRaisesRegex(errors.UserError, "^hessian=.*give measures.H"):
                eigenvalues.top_eigenvalue(wrong)

    def test_operators_of_scipy(self):
        matrix = scipy.sparse.linalg.aslinearoperator(np.diag(np.arange(30.0)))
        found = eigenvalues.top_eigenvalue(matrix)
        self.assertAlmostEqual(found.value, 29.0, delta=0.03)
        self.assertEqual((found.mode, found.start_products), ("", 0.0))


if __name__ == "__main__":
    absltest.main()
