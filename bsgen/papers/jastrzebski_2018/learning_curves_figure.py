"""What figures 1, 2 and 5 of Jastrzebski et al. (2018) draw alike."""

from collections.abc import Iterable

import numpy as np
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
