"""Layers: batch and ghost batch normalization; SkipInit, which replaces them."""

from bsgen.layers.batch_norm import BatchNormalization
from bsgen.layers.ghost_batch_norm import GhostBatchNormalization
from bsgen.layers.skip_init import SkipInit

__all__ = ["BatchNormalization", "GhostBatchNormalization", "SkipInit"]
