"""Tests of Lanczos' method on matrices of known spectrum."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.measures.spectrum import lanczos
from tests.measures import matrices


class LanczosTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(0)

    def test_every_eigenvalue_when_it_runs_to_the_end(self):
        eigenvalues = np.sort(self.rng.normal(size=40))
        matrix = matrices.Matrix(matrices.with_spectrum(eigenvalues))
        solver = lanczos.Lanczos(matrix, self.rng.normal(size=40), 100)
        while not solver.exhausted:
            solver.advance()
        self.assertTrue(solver.complete)
        pairs = solver.ritz_pairs()
        np.testing.assert_allclose(pairs.values, eigenvalues, rtol=0, atol=1e-13)
        self.assertAlmostEqual(pairs.first_weights.sum(), 1.0, places=13)

    def test_the_basis_grows(self):
        # From 128 vectors to 256 to 300.
        eigenvalues = np.sort(self.rng.normal(size=300))
        matrix = matrices.Matrix(matrices.with_spectrum(eigenvalues))
        solver = lanczos.Lanczos(matrix, self.rng.normal(size=300), 10**12)
        while not solver.exhausted:
            solver.advance()
        self.assertTrue(solver.complete)
        values = solver.ritz_pairs().values
        np.testing.assert_allclose(values, eigenvalues, rtol=0, atol=1e-12)

    @parameterized.parameters(1, 3)
    def test_residuals_are_those_of_the_ritz_vectors(self, block_size):
        # The slow twin: an orthonormal basis of the Krylov space from powers, and the
        # Ritz pairs of the matrix on it.
        size, steps = 30, 4 * block_size
        matrix = matrices.with_spectrum(self.rng.normal(size=size))
        starts = self.rng.normal(size=(block_size, size))
        solver = lanczos.Lanczos(matrices.Matrix(matrix), starts, steps)
        for _ in range(steps):
            solver.advance()
        pairs = solver.ritz_pairs()
        powers = [starts.T]
        for _ in range(3):
            powers.append(matrix @ powers[-1])
        basis = np.linalg.qr(np.hstack(powers)).Q
        values, vectors = np.linalg.eigh(basis.T @ matrix @ basis)
        ritz_vectors = basis @ vectors
        rests = matrix @ ritz_vectors - ritz_vectors * values
        np.testing.assert_allclose(pairs.values, values, rtol=0, atol=1e-11)
        expected = np.linalg.norm(rests, axis=0)
        np.testing.assert_allclose(pairs.residuals, expected, rtol=0, atol=1e-11)

    def test_basis_stays_orthonormal_past_convergence(self):
        # A huge gap: without reorthogonalisation copies of 1000 would appear at once.
        eigenvalues = np.r_[np.linspace(0, 1, 59), 1000.0]
        matrix = matrices.Matrix(matrices.with_spectrum(eigenvalues))
        solver = lanczos.Lanczos(matrix, self.rng.normal(size=60), 50)
        while not solver.exhausted:
            solver.advance()
        self.assertEqual(np.sum(solver.ritz_pairs().values > 2.0), 1)

    def test_errors_cover_the_truth(self):
        # At every step the top eigenvalue lies within its estimated error, but for
        # rounding. The spectrum has a gap that the estimate must not overrate.
        eigenvalues = np.r_[np.linspace(-1, 1, 97), 1.5, 1.9, 2.0]
        for seed in range(5):
            matrix = matrices.Matrix(matrices.with_spectrum(eigenvalues, seed))
            start = np.random.default_rng(seed).normal(size=100)
            solver = lanczos.Lanczos(matrix, start, 40)
            for step in range(40):
                solver.advance()
                pairs = solver.ritz_pairs()
                distance = np.min(np.abs(eigenvalues - pairs.values[-1]))
                self.assertLessEqual(distance, pairs.residuals[-1] + 1e-12)
                if step > 10:
                    self.assertLessEqual(distance, pairs.errors[-1] + 1e-12)
                self.assertTrue(np.all(pairs.errors <= pairs.residuals))


if __name__ == "__main__":
    absltest.main()
