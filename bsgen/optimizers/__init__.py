"""Optimizers: SGD with momentum as Smith & Le (2017) write it, and its update rule."""

from bsgen.optimizers.momentum import Momentum, clip_by_global_norm, momentum_update

__all__ = ["Momentum", "clip_by_global_norm", "momentum_update"]
