"""Layers: batch and ghost batch normalization, or SkipInit; dropout; LSTM."""

from bsgen.layers.batch_norm import BatchNormalization
from bsgen.layers.dropout import Dropout
from bsgen.layers.ghost_batch_norm import GhostBatchNormalization
from bsgen.layers.lstm import LSTM
from bsgen.layers.replacement import replace_batch_normalization
from bsgen.layers.skip_init import SkipInit

__all__ = [
    "LSTM",
    "BatchNormalization",
    "Dropout",
    "GhostBatchNormalization",
    "SkipInit",
    "replace_batch_normalization",
]
