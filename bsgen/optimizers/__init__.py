"""Optimizers: SGD with momentum as Smith & Le (2017) write it, and its schedules."""

from bsgen.optimizers.clipping import clip_by_global_norm
from bsgen.optimizers.large_batch import LargeBatchRegime, large_batch_regime
from bsgen.optimizers.momentum import Momentum
from bsgen.optimizers.schedules import LearningRateSchedule

__all__ = [
    "LargeBatchRegime",
    "LearningRateSchedule",
    "Momentum",
    "clip_by_global_norm",
    "large_batch_regime",
]
