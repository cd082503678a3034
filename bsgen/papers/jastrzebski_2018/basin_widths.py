"""The widths of the basins around the two ends of a line between networks.

Jastrzebski et al. (2018), figure 4, reads them off the picture. Here the width is how
far one can go on the line, to both sides together, before the training loss has risen
by a fixed amount above that of the end: a distance of weights, in one direction for
both ends.
"""

import numpy as np
import pandas as pd

LOSS = "train_cross_entropy"
RISE = 0.1  # nats; our choice


def of(measurements: pd.DataFrame) -> pd.DataFrame:
    """Returns the width of the basin around both ends of every line.

    Columns are `panel`, `seed`, `crossed`, `first` and `second`; NaN where a network
    diverged or the line ends before the basin.
    """
    same = ["panel", "seed", "crossed"]
    rows = []
    for names, line in measurements.groupby(same, sort=False):
        line = line.sort_values("alpha")
        alphas, losses, distances = (
            line[name].to_numpy(float) for name in ("alpha", LOSS, "distance")
        )
        found = [distances[0] * width(alphas, losses, end) for end in (0.0, 1.0)]
        rows.append((*names, *found))
    return pd.DataFrame(rows, columns=[*same, "first", "second"])


def width(alphas: np.ndarray, losses: np.ndarray, end: float) -> float:
    """Returns the width of a basin in alphas.

    Args:
      alphas: [A], rising.
      losses: [A]; one that is not a number is an overflow.
      end: the alpha to go out from.
    """
    centre = int(np.abs(alphas - end).argmin())
    right = _reach(alphas[centre:], losses[centre:])
    left = _reach(alphas[centre::-1], losses[centre::-1])
    return left + right


def _reach(alphas: np.ndarray, losses: np.ndarray) -> float:
    """Returns how far the loss is below the first one plus `RISE`, else NaN.

    Between two alphas the logarithm of the loss is taken as linear.
    """
    edge = losses[0] + RISE
    risen = ~(losses < edge)  # NaN is an overflow
    if not risen.any() or risen[0]:
        return float("nan")
    after = int(risen.argmax())
    tiny = np.finfo(float).tiny  # a loss may be 0
    below, above = np.log(np.maximum(losses[[after - 1, after]], tiny))
    share = (np.log(edge) - below) / (above - below) if np.isfinite(above) else 0.0
    place = alphas[after - 1] + share * (alphas[after] - alphas[after - 1])
    return float(abs(place - alphas[0]))
