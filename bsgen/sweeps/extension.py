"""Learning rates beyond a grid whose edge an optimum or its error bar touches.

They go on from the lowest and the highest rate of a setting in powers of two, so a
sweep that is stopped and started again adds the same ones, and a rate that was added
once belongs to its setting from then on.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from bsgen.sweeps import protocol
from bsgen.sweeps.axes import Axis
from bsgen.sweeps.grid import Grid
from bsgen.sweeps.optima import Optima
from bsgen.sweeps.plan import Plan, shown

_MOST = 12  # rates beyond each end: a factor of 4096


def kept(grid: Grid, found: Plan | None) -> list[tuple[Any, ...]]:
    """Returns the values of settings that were added to a grid before.

    Args:
      grid: as given.
      found: the plan of its sweep so far; None if there is none.
    """
    if found is None or found.axes != tuple(axis.name for axis in grid.axes):
        return []
    planned = {setting.values for setting in found.settings}
    axis = protocol.rate_axis(grid.axes)
    beyond = [*_beyond(axis, 0.5), *_beyond(axis, 2.0)]
    return [
        values
        for values in _with_rates(grid, beyond)
        if tuple(map(shown, values)) in planned
    ]


def wanted(grid: Grid, optima: Optima) -> list[tuple[Any, ...]]:
    """Returns the values of settings to add, one rate at each edge that is touched.

    A larger rate than one at which every run has diverged is not tried, nor one that
    is beyond the given ones by more than 2^12.

    Args:
      grid: as given.
      optima: of all runs so far.
    """
    axis = protocol.rate_axis(grid.axes)
    lowest, highest = _beyond(axis, 0.5)[-1], _beyond(axis, 2.0)[-1]
    added: set[tuple[Any, ...]] = set()
    for found in (optima.by_score, optima.by_loss):
        for key, sweep in found.items():
            rates = sweep.rates
            low, high = rates.index[0] / 2, rates.index[-1] * 2
            last = rates.iloc[-1]
            trains = last["diverged"] < last["runs"]
            if sweep.edge in ("lower", "both") and low >= lowest:
                added.add((*key, low))
            if sweep.edge in ("upper", "both") and high <= highest and trains:
                added.add((*key, high))
    place = grid.axes.index(axis)
    return [
        values
        for values in _with_rates(grid, sorted({rate for *_, rate in added}))
        if (*_others(values, place), values[place]) in added
    ]


def _beyond(axis: Axis, factor: float) -> list[float]:
    end = (max if factor > 1 else min)(axis.values)
    rates = (end * factor**step for step in range(1, _MOST + 1))
    return [int(rate) if rate == int(rate) else rate for rate in rates]


def _with_rates(grid: Grid, rates: Sequence[float]) -> Iterator[tuple[Any, ...]]:
    """Yields every setting of the grid with these rates in the place of its own."""
    axis = protocol.rate_axis(grid.axes)
    values = (rates if each is axis else each.values for each in grid.axes)
    return itertools.product(*values)


def _others(values: Sequence[Any], place: int) -> tuple[Any, ...]:
    return tuple(shown(v) for i, v in enumerate(values) if i != place)
