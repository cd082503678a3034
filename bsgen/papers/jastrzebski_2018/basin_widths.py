"""The widths of the basins around the two ends of a line between networks.

Jastrzebski et al. (2018), figure 4, reads them off the picture; here they are read by
`theory.basin_width`, as distances of weights.
"""

import pandas as pd

from bsgen import theory

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
        found = [theory.basin_width(alphas, losses, end, RISE) for end in (0.0, 1.0)]
        rows.append((*names, *(distances[0] * width for width in found)))
    return pd.DataFrame(rows, columns=[*same, "first", "second"])
