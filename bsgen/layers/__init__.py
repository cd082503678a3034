"""Layers: batch and ghost batch normalization; SkipInit in their place; dropout."""

from bsgen.layers.batch_norm import BatchNormalization
from bsgen.layers.dropout import Dropout
from bsgen.layers.ghost_batch_norm import GhostBatchNormalization
from bsgen.layers.skip_init import SkipInit

__all__ = ["BatchNormalization", "Dropout", "GhostBatchNormalization", "SkipInit"]
