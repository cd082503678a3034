"""Keras callbacks: what is followed in a `model.fit` of anyone's own network."""

from bsgen.callbacks.batch_size_schedule import BatchSizeSchedule
from bsgen.callbacks.clip_first_steps import ClipFirstSteps
from bsgen.callbacks.gradient_noise_scale import GradientNoiseScale
from bsgen.callbacks.noise_scale import NoiseScale
from bsgen.callbacks.sharpness import Sharpness
from bsgen.callbacks.weight_distance import WeightDistance

__all__ = [
    "BatchSizeSchedule",
    "ClipFirstSteps",
    "GradientNoiseScale",
    "NoiseScale",
    "Sharpness",
    "WeightDistance",
]
