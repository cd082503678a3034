"""Datasets by name, the examples a run draws from them, and the order they come in."""

from bsgen.data.arrays import Arrays, load
from bsgen.data.dataset import Dataset
from bsgen.data.pool import Pool
from bsgen.data.registry import find, load_pool, load_source, names, register
from bsgen.data.scaling import Scaling
from bsgen.data.sources import Source
from bsgen.data.splits import Split, split

__all__ = [
    "Arrays",
    "Dataset",
    "Pool",
    "Scaling",
    "Source",
    "Split",
    "find",
    "load",
    "load_pool",
    "load_source",
    "names",
    "register",
    "split",
]
