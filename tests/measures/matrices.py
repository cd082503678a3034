"""Hand-made symmetric matrices, as operators for the solvers."""

import math

import numpy as np

NUM_SEEDS = 200  # of a calibration


class Matrix:
    """A dense matrix that counts its products and can be interrupted."""

    def __init__(self, matrix, interrupt_at=None):
        self.matrix = np.asarray(matrix, dtype=np.float64)
        self.shape = self.matrix.shape
        self.num_products = 0
        self._interrupt_at = interrupt_at

    def matvec(self, vector):
        if self.num_products == self._interrupt_at:
            raise KeyboardInterrupt
        self.num_products += 1
        return self.matrix @ vector


def with_spectrum(eigenvalues, seed=0):
    """A matrix of these eigenvalues in a random basis."""
    size = len(eigenvalues)
    basis = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size))).Q
    return (basis * np.asarray(eigenvalues, dtype=np.float64)) @ basis.T


_RNG = np.random.default_rng(5)
SPECTRA = {
    "spread": np.linspace(-1, 3, 30),
    "outliers": np.r_[_RNG.normal(scale=0.05, size=35), 8.0, 5.0, 3.0, -2.0, 1.0],
}
MATRICES = {name: with_spectrum(s) for name, s in SPECTRA.items()}


def assert_calibrated(test, estimates, standard_errors, truth):
    """One standard error covers the truth as often as it claims, and two do.

    Student's t with 39 degrees of freedom (40 probes) puts 0.677 and 0.948 of the
    chance within 1 and 2 standard errors. Over 200 seeds a share has a standard
    deviation of 0.033 and 0.016; we allow three of each, and a skewness that 40
    samples of a chi-squared form still have: 0.02 more.
    """
    ratios = np.abs(np.array(estimates) - truth) / standard_errors
    test.assertBetween(np.mean(ratios <= 1), 0.677 - 0.12, 0.677 + 0.12)
    test.assertBetween(np.mean(ratios <= 2), 0.948 - 0.07, 1.0)
    # Unbiased: the mean over the seeds, within three of its own standard errors.
    error = np.std(estimates, ddof=1) / math.sqrt(len(estimates))
    test.assertLessEqual(abs(np.mean(estimates) - truth), 3 * error)
