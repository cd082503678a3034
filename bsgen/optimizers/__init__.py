"""Optimizers: SGD with momentum as Smith & Le (2017) write it, and its schedules."""

from bsgen.optimizers.momentum import Momentum, clip_by_global_norm
from bsgen.optimizers.schedules import LearningRateSchedule

__all__ = [
    "LearningRateSchedule",
    "Momentum",
    "clip_by_global_norm",
]
