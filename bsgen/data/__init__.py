"""Datasets by name, the examples a run draws from them, and the order they come in."""

from bsgen.data.arrays import Arrays, load
from bsgen.data.pool import Pool
from bsgen.data.registry import (
    input_shape,
    is_random,
    load_pool,
    load_source,
    names,
    require,
)
from bsgen.data.scaling import Scaling
from bsgen.data.sources import Source
from bsgen.data.splits import Split, split

__all__ = [
    "Arrays",
    "Pool",
    "Scaling",
    "Source",
    "Split",
    "input_shape",
    "is_random",
    "load",
    "load_pool",
    "load_source",
    "names",
    "require",
    "split",
]
