"""What figures 1, 2 and 5 of Jastrzebski et al. (2018) draw alike."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes

from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import learning_curves


def accuracy_by_epoch(
    panels: Iterable[mpl_axes.Axes], shown: Iterable[learning_curves.Setting]
) -> None:
    """Labels panels of test accuracy by epoch; one range shows all settings in them."""
    values = np.concatenate([s.accuracies.to_numpy().ravel() for s in shown])
    for axes in panels:
        style.accuracy_axis(axes, values.min(), values.max())
        axes.set(xlabel="epochs", ylabel="test accuracy")


def distances(
    axes: mpl_axes.Axes, named: Mapping[str, np.ndarray], colors: Sequence[str]
) -> None:
    """Draws distances of curves: geometric mean, interval and every seed.

    Args:
      axes: where.
      named: by the words below them, [seeds].
      colors: one each.
    """
    means = style.over_seeds(pd.DataFrame(named).T, logarithmic=True)
    rows = zip(named.items(), colors, strict=True)
    for place, ((name, apart), color) in enumerate(rows):
        style.error_bars(axes, [place], means.loc[[name]], fmt="o", color=color)
        axes.plot([place + 0.2] * len(apart), apart, ".", color=color, alpha=0.5)
    axes.set_xticks(range(len(means)), list(means.index))
    axes.set(xlim=(-0.5, len(means) - 0.3), yscale="log")
    axes.set_ylabel("RMS difference of accuracies")
    style.plain_numbers(axes.yaxis, (1, 2, 5))
