"""Layers: ghost batch normalization, and the scalar that stands in for it."""

from bsgen.layers.ghost_batch_norm import GhostBatchNormalization
from bsgen.layers.skip_init import SkipInit

__all__ = ["GhostBatchNormalization", "SkipInit"]
