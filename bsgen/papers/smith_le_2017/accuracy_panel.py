"""The panel that figures 4 to 7 of Smith & Le (2017) share: accuracy by batch size."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import axes as mpl_axes
from matplotlib import colors as mpl_colors

from bsgen.figures import style
from bsgen.papers.smith_le_2017 import presets

if TYPE_CHECKING:
    from bsgen.papers.smith_le_2017 import sweeps

TITLE = "test accuracy after training"


def draw(axes: mpl_axes.Axes, swept: "list[sweeps.Sweep]") -> None:
    """Draws mean accuracy by batch size for each setting; a ring marks the best one.

    A cross marks batch sizes at which a run diverged; marks on the upper edge are those
    that are not trained yet, a row a setting.
    """
    unfinished = [sweep.setting for sweep in swept if sweep.missing]
    for color, sweep in zip(colors(swept), swept, strict=True):
        found = style.over_seeds(sweep.accuracies)
        label = f"{sweep.setting:g}" if len(swept) > 1 else "mean over seeds"
        looks = {"color": color, "label": label, "elinewidth": 0.8}
        style.error_bars(axes, found.index, found, fmt="o-", **looks)
        best = sweep.best
        axes.plot(best.batch_size, best.accuracy, "o", ms=10, mfc="none", mec=color)
        lost = found.loc[sweep.diverged]
        axes.plot(lost.index, lost["value"], "x", color="black", ms=8, zorder=4)
        if sweep.missing:
            row = 0.99 - 0.03 * unfinished.index(sweep.setting)  # share of the y axis
            (marks,) = axes.plot(sweep.missing, [row] * len(sweep.missing), "s")
            marks.set(color=color, mfc="white", ms=3.5)
            marks.set_transform(axes.get_xaxis_transform())
    values = np.concatenate([sweep.accuracies.to_numpy().ravel() for sweep in swept])
    room = 1.15 ** len(unfinished)
    highest = 1 - (1 - values.max()) / room
    style.accuracy_axis(axes, min(values.min(), presets.CHANCE), highest)
    axes.set(xscale="log", xlabel="batch size $B$", ylabel="test accuracy")
    style.plain_numbers(axes.xaxis)


def colors(swept: "list[sweeps.Sweep]") -> list[tuple[float, ...]]:
    """Returns a colour for each setting."""
    if len(swept) == 1:
        return [mpl_colors.to_rgba(style.BLUE)]
    return [style.sequential(p) for p in np.linspace(0, 1, len(swept))]
