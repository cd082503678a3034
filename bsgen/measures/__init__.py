"""What is measured on a model, given model, loss and data as arguments."""

from bsgen.measures.alignment import NoiseAlignment, noise_alignment
from bsgen.measures.basin_width import BasinWidth, basin_width
from bsgen.measures.batch_noise import BatchNoise, noise_by_batch_size
from bsgen.measures.class_weighted import class_weighted
from bsgen.measures.critical_rate import CriticalLearningRate, critical_learning_rate
from bsgen.measures.eigenvalues import (
    extreme_eigenvalues,
    largest_magnitude_eigenvalue,
    top_eigenvalue,
)
from bsgen.measures.frobenius_norm import FrobeniusNorm, hessian_frobenius_norm
from bsgen.measures.gradient_covariance import GradientCovariance
from bsgen.measures.gradient_noise import (
    GradientNoiseScale,
    gradient_noise,
    gradient_noise_scale,
)
from bsgen.measures.hessian import dense_hessian
from bsgen.measures.lanczos_quadrature import SpectralDensity, spectral_density
from bsgen.measures.lines import LossAlongLine, loss_along_line
from bsgen.measures.noise_moments import GradientNoise
from bsgen.measures.output_derivatives import OutputDerivatives, output_derivatives
from bsgen.measures.products import GaussNewton, Hessian
from bsgen.measures.random_directions import (
    LossAlongDirections,
    loss_along_random_directions,
    random_direction,
)
from bsgen.measures.spectrum_ends import Eigenvalue, ExtremeEigenvalues
from bsgen.measures.stable_rate import (
    StableLearningRate,
    largest_stable_learning_rate,
)
from bsgen.measures.trace import Trace, hessian_trace
from bsgen.measures.weight_distance import WeightDistance, weight_distance

__all__ = [
    "BasinWidth",
    "BatchNoise",
    "CriticalLearningRate",
    "Eigenvalue",
    "ExtremeEigenvalues",
    "FrobeniusNorm",
    "GaussNewton",
    "GradientCovariance",
    "GradientNoise",
    "GradientNoiseScale",
    "Hessian",
    "LossAlongDirections",
    "LossAlongLine",
    "NoiseAlignment",
    "OutputDerivatives",
    "SpectralDensity",
    "StableLearningRate",
    "Trace",
    "WeightDistance",
    "basin_width",
    "class_weighted",
    "critical_learning_rate",
    "dense_hessian",
    "extreme_eigenvalues",
    "gradient_noise",
    "gradient_noise_scale",
    "hessian_frobenius_norm",
    "hessian_trace",
    "largest_magnitude_eigenvalue",
    "largest_stable_learning_rate",
    "loss_along_line",
    "loss_along_random_directions",
    "noise_alignment",
    "noise_by_batch_size",
    "output_derivatives",
    "random_direction",
    "spectral_density",
    "top_eigenvalue",
    "weight_distance",
]
