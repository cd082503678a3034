"""What is measured on a model: functions of an operator, or of model, loss and data."""

from bsgen.measures.landscape.lines import LossAlongLine, loss_along_line
from bsgen.measures.landscape.random_directions import (
    LossAlongDirections,
    loss_along_random_directions,
    random_direction,
)
from bsgen.measures.landscape.random_potential import RandomPotential, random_potential
from bsgen.measures.landscape.weight_distance import WeightDistance, weight_distance
from bsgen.measures.noise.alignment import NoiseAlignment, noise_alignment
from bsgen.measures.noise.batch_noise import BatchNoise, noise_by_batch_size
from bsgen.measures.noise.gradient_noise import (
    GradientNoiseScale,
    gradient_noise,
    gradient_noise_scale,
)
from bsgen.measures.noise.increments import IncrementCovariance, increment_covariance
from bsgen.measures.noise.noise_moments import GradientNoise
from bsgen.measures.noise.output_derivatives import (
    OutputDerivatives,
    output_derivatives,
)
from bsgen.measures.objective.class_weighted import class_weighted
from bsgen.measures.operators.curvature import GaussNewton, Hessian
from bsgen.measures.operators.gradient_covariance import GradientCovariance
from bsgen.measures.spectrum.critical_rate import (
    CriticalLearningRate,
    critical_learning_rate,
)
from bsgen.measures.spectrum.eigenvalues import (
    Eigenvalue,
    ExtremeEigenvalues,
    extreme_eigenvalues,
    largest_magnitude_eigenvalue,
    top_eigenvalue,
)
from bsgen.measures.spectrum.frobenius_norm import FrobeniusNorm, hessian_frobenius_norm
from bsgen.measures.spectrum.lanczos_quadrature import SpectralDensity, spectral_density
from bsgen.measures.spectrum.stable_rate import (
    StableLearningRate,
    largest_stable_learning_rate,
)
from bsgen.measures.spectrum.trace import Trace, hessian_trace

__all__ = [
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
    "IncrementCovariance",
    "LossAlongDirections",
    "LossAlongLine",
    "NoiseAlignment",
    "OutputDerivatives",
    "RandomPotential",
    "SpectralDensity",
    "StableLearningRate",
    "Trace",
    "WeightDistance",
    "class_weighted",
    "critical_learning_rate",
    "extreme_eigenvalues",
    "gradient_noise",
    "gradient_noise_scale",
    "hessian_frobenius_norm",
    "hessian_trace",
    "increment_covariance",
    "largest_magnitude_eigenvalue",
    "largest_stable_learning_rate",
    "loss_along_line",
    "loss_along_random_directions",
    "noise_alignment",
    "noise_by_batch_size",
    "output_derivatives",
    "random_direction",
    "random_potential",
    "spectral_density",
    "top_eigenvalue",
    "weight_distance",
]
