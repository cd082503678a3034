"""Sweeps: grids of runs over any fields of their configuration."""

from bsgen.sweeps.axes import Axis
from bsgen.sweeps.grid import Grid, Setting

__all__ = ["Axis", "Grid", "Setting"]
