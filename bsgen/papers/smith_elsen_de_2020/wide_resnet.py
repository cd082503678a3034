"""What figures 1 and 5 and table 1 train: a wide ResNet with ghost batch normalization.

Smith, Elsen & De (2020), sections 5 and 6 and appendix C.1. How the settings of the
scales besides `paper` were found is in BUILD_NOTES.md.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bsgen.papers.smith_elsen_de_2020 import grids, presets
from bsgen.papers.smith_elsen_de_2020.optima import Setting
from bsgen.studies import best_runs, budgets, tasks

PLAIN, HEAVY = 0.0, 0.9  # momenta
SELECTION = {**presets.SELECTION, "quick": best_runs.Selection(24, 30)}


class _Expected(NamedTuple):
    """Where the optimal effective rates are expected; only the rates tried follow.

    Attributes:
      noise: over the batch size, where noise sets them.
      curvature: by momentum, where curvature bounds them.
    """

    noise: float
    curvature: Mapping[float, float]

    def around(self, below: int, above: int, per_octave: int = 1) -> grids.Rates:
        """Returns the rates to try, as of `grids.around`, below and above the optimum.

        The paper's are powers of two.
        """

        def rates(batch_size: int, momentum: float) -> Sequence[float]:
            expected = min(self.noise * batch_size, self.curvature[momentum])
            return grids.around(expected, below, above, per_octave)

        return rates


# On validation data.
_PILOT = _Expected(2.0**-4, {PLAIN: 2.0**1, HEAVY: 2.0**4})
_FASHION = _Expected(2.0**-7, {PLAIN: 2.0**0, HEAVY: 2.0**2})  # likewise
# By table 1 and figure 1: 2^3 at B = 1024 with momentum, constant from 512 on without.
_PAPER = _Expected(2.0**-7, {PLAIN: 2.0**2, HEAVY: 2.0**5})


def _setting(
    scale: str,
    batch_sizes: Sequence[int],
    rates: grids.Rates,
    last: Mapping[float, int],
    num_steps: int | None = None,
) -> Setting:
    """Returns what is trained.

    Args:
      scale: of the task and the selection.
      batch_sizes: B.
      rates: to try.
      last: see `Setting`; of each momentum that is trained.
      num_steps: a constant step budget; None for the task's epochs.
    """
    task: tasks.Task = presets.WIDE_RESNET[scale]
    if num_steps:
        task = dataclasses.replace(task, budget=budgets.Steps(num_steps))
    grid = grids.Grid(task, batch_sizes, rates, tuple(last))
    return Setting(grid, SELECTION[scale], last)


def _always(first: int, last: int) -> grids.Rates:
    """Returns the same rates at every batch size: 2^first to 2^last."""
    return lambda batch_size, momentum: grids.powers_of_two(first, last)


def _sizes(first: int, last: int) -> tuple[int, ...]:
    return tuple(2**exponent for exponent in range(first, last + 1))


_UP_TO_512 = {PLAIN: 512, HEAVY: 512}  # section 5
FIGURE_1 = {
    "quick": _setting(
        "quick", _sizes(3, 9), _PILOT.around(4, 3, 2), {PLAIN: 32, HEAVY: 64}
    ),
    "reduced": _setting(
        "reduced", _sizes(5, 11), _FASHION.around(4, 3), {PLAIN: 256, HEAVY: 256}
    ),
    "gpu": _setting("gpu", (64, 256, 1024, 4096), _PAPER.around(1, 2), _UP_TO_512),
    "paper": _setting("paper", _sizes(6, 13), _PAPER.around(3, 3), _UP_TO_512),
}
# A batch size below and one above that boundary, and all rates.
FIGURE_5 = {
    scale: _setting(
        scale,
        batch_sizes,
        _always(*ends),
        FIGURE_1[scale].last,
    )
    for scale, batch_sizes, ends in (
        ("quick", (16, 128), (-6, 5)),
        ("reduced", (64, 1024), (-6, 5)),
        ("gpu", (64, 1024), (-3, 4)),
        ("paper", (64, 1024), (-6, 5)),
    )
}
TABLE_1 = {
    "quick": _setting(
        "quick", (*_sizes(3, 9), 1000), _PILOT.around(5, 3), {HEAVY: 128}, 188
    ),
    "reduced": _setting(
        "reduced", _sizes(5, 12), _FASHION.around(4, 3), {HEAVY: 512}, 780
    ),
    "gpu": _setting("gpu", (256, 1024, 4096), _PAPER.around(1, 2), {HEAVY: 1024}, 390),
    # The error bars of its table reach from 2^0 to 2^5.
    "paper": _setting(
        "paper",
        _sizes(8, 15),
        _always(-1, 7),
        {HEAVY: 2048},
        9765,
    ),
}
