"""What is measured on a model, given model, loss and data as arguments."""

from bsgen.measures.critical_rate import CriticalLearningRate, critical_learning_rate
from bsgen.measures.eigenvalues import (
    extreme_eigenvalues,
    largest_magnitude_eigenvalue,
    top_eigenvalue,
)
from bsgen.measures.frobenius_norm import FrobeniusNorm, hessian_frobenius_norm
from bsgen.measures.hessian import dense_hessian
from bsgen.measures.lanczos_quadrature import SpectralDensity, spectral_density
from bsgen.measures.output_derivatives import OutputDerivatives, output_derivatives
from bsgen.measures.spectrum_ends import Eigenvalue, ExtremeEigenvalues
from bsgen.measures.trace import Trace, hessian_trace

__all__ = [
    "CriticalLearningRate",
    "Eigenvalue",
    "ExtremeEigenvalues",
    "FrobeniusNorm",
    "OutputDerivatives",
    "SpectralDensity",
    "Trace",
    "critical_learning_rate",
    "dense_hessian",
    "extreme_eigenvalues",
    "hessian_frobenius_norm",
    "hessian_trace",
    "largest_magnitude_eigenvalue",
    "output_derivatives",
    "spectral_density",
    "top_eigenvalue",
]
