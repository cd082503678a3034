"""Draws figure 2 of Jastrzebski et al. (2018): rules for the learning rate."""

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import learning_curves, learning_curves_figure
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.jastrzebski_2018 import rescaling


def show(panels: "dict[str, rescaling.Panel]") -> shown.Shown:
    """Draws the curves, and how far each rule's lie from the small batch's."""
    titles = ["test accuracy during training", "distance to the small batch"]
    drawn, grid = style.panels(titles, num_rows=len(panels))
    drawn_settings: list[learning_curves.Setting] = []
    for (left, right), (model, panel) in zip(grid, panels.items(), strict=True):
        settings = {"small batch": panel.small, **panel.large}
        drawn_settings += settings.values()
        for color, (name, setting) in zip(style.COLORS, settings.items(), strict=True):
            style.band(left, setting.accuracies, color, f"{name}: {setting.ratio}")
        left.legend(title=rf"{model}, $\eta / S$", loc="lower right")
        _distances(right, panel)
    learning_curves_figure.accuracy_by_epoch(grid[:, 0], drawn_settings)
    return shown.Shown(drawn)


def _distances(axes: mpl_axes.Axes, panel: "rescaling.Panel") -> None:
    """Draws each rule's distance to the small batch: mean, interval and every seed."""
    means = style.over_seeds(pd.DataFrame(panel.distances).T, logarithmic=True)
    for place, (rule, apart) in enumerate(panel.distances.items()):
        color = style.COLORS[1 + place]
        style.error_bars(axes, [place], means.loc[[rule]], fmt="o", color=color)
        axes.plot([place + 0.15] * len(apart), apart, ".", color=color, alpha=0.5)
    axes.set_xticks(range(len(means)), list(means.index))
    axes.set(xlim=(-0.5, 2.5), yscale="log", xlabel="rule for the learning rate")
    axes.set_ylabel("RMS difference of accuracies")
    style.plain_numbers(axes.yaxis, (1, 2, 5))
