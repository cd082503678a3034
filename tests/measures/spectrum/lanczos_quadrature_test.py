"""Tests of spectral densities on matrices of known spectrum."""

import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.measures.spectrum import lanczos_quadrature, probes
from tests.measures import matrices


class SpectralDensityTest(parameterized.TestCase):
    def test_against_the_whole_spectrum(self):
        eigenvalues = matrices.SPECTRA["spread"]
        matrix = matrices.Matrix(matrices.MATRICES["spread"])
        found = lanczos_quadrature.spectral_density(
            matrix, num_probes=80, num_steps=30, gaussian_width=0.2
        )
        squares = ((found.grid[:, np.newaxis] - eigenvalues) / 0.2) ** 2
        expected = np.exp(-squares / 2).mean(1) / (0.2 * math.sqrt(2 * math.pi))
        # With as many steps as rows a probe errs only by its own direction, whatever
        # the point of the grid: five standard errors, of which most are within two.
        deviations = np.abs(found.value - expected)
        inside = expected > 1e-3
        self.assertTrue(np.all(deviations[inside] <= 5 * found.standard_error[inside]))
        ratios = deviations[inside] / found.standard_error[inside]
        self.assertGreater(np.mean(ratios <= 2), 0.8)
        self.assertAlmostEqual(np.trapezoid(found.value, found.grid), 1.0, places=4)

    def test_moments_of_a_probe(self):
        # m steps integrate polynomials up to degree 2 m - 1 exactly, so with unit
        # probes v the k-th moment is v^T A^k v.
        matrix = matrices.MATRICES["outliers"]
        found = lanczos_quadrature.spectral_density(
            matrices.Matrix(matrix), num_probes=1, num_steps=4, seed=3
        )
        vector = probes.rademacher(np.random.default_rng(3), len(matrix))
        vector /= np.linalg.norm(vector)
        for power in range(8):
            moment = vector @ np.linalg.matrix_power(matrix, power) @ vector
            quadrature = found.weights[0] @ found.nodes[0] ** power
            np.testing.assert_allclose(quadrature, moment, rtol=1e-11)

    def test_counts_eigenvalues(self):
        eigenvalues = np.r_[np.zeros(50), [5.0] * 30, [9.0] * 20]
        matrix = matrices.Matrix(matrices.with_spectrum(eigenvalues))
        found = lanczos_quadrature.spectral_density(
            matrix, num_probes=200, num_steps=3, seed=1
        )
        for low, high, share in ((-1, 2, 0.5), (4, 6, 0.3), (8, 10, 0.2)):
            inside = (low < found.grid) & (found.grid < high)
            per_probe = np.trapezoid(
                found.per_probe[:, inside], found.grid[inside], axis=1
            )
            error = per_probe.std() / math.sqrt(200)
            self.assertLessEqual(abs(per_probe.mean() - share), 3 * error)
        self.assertAlmostEqual(found.gaussian_width, 0.09, delta=1e-6)

    def test_a_probe_that_sees_one_eigenvalue(self):
        found = lanczos_quadrature.spectral_density(
            matrices.Matrix(2 * np.eye(6)), num_probes=3
        )
        self.assertEqual(found.num_products, 3)
        self.assertAlmostEqual(found.gaussian_width, 0.02)
        self.assertAlmostEqual(found.grid[np.argmax(found.value)], 2.0, places=3)

    def test_interrupted(self):
        told = []
        matrix = matrices.Matrix(matrices.MATRICES["spread"], interrupt_at=25)
        found = lanczos_quadrature.spectral_density(
            matrix,
            num_probes=5,
            num_steps=10,
            grid=[0.0, 1.0],
            on_progress=told.append,
            keep_partial=True,
        )
        self.assertEqual(found.stopped_because, "interrupted")
        self.assertEqual(found.per_probe.shape, (2, 2))
        self.assertEqual((found.num_products, told[-1].num_products), (25, 25))

    def test_interrupted_in_the_first_probe(self):
        matrix = matrices.Matrix(matrices.MATRICES["spread"], interrupt_at=5)
        found = lanczos_quadrature.spectral_density(matrix, keep_partial=True)
        self.assertEqual(
            (found.stopped_because, found.num_products), ("interrupted", 5)
        )
        short = lanczos_quadrature.spectral_density(
            matrices.Matrix(matrix.matrix), num_probes=1, num_steps=5
        )
        np.testing.assert_array_equal(found.value, short.value)
        self.assertTrue(np.isinf(found.standard_error).all())
        for at, keep_partial in ((0, True), (5, False)):
            matrix = matrices.Matrix(matrices.MATRICES["spread"], interrupt_at=at)
            with self.assertRaises(KeyboardInterrupt):
                lanczos_quadrature.spectral_density(matrix, keep_partial=keep_partial)

    def test_rejects(self):
        matrix = matrices.Matrix(np.eye(4))
        with self.assertRaisesRegex(errors.UserError, "gaussian_width=0.0: .*above 0"):
            lanczos_quadrature.spectral_density(matrix, gaussian_width=0.0)
        with self.assertRaisesRegex(errors.UserError, "num_probes=0"):
            lanczos_quadrature.spectral_density(matrix, num_probes=0)


if __name__ == "__main__":
    absltest.main()
