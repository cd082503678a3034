"""How a width or an error depends on learning rate and batch size, each on its own.

For each seed, log y = a + b log(eta) + c log(S) is fitted over its settings. If y falls
with eta / S^k alone, (b, c) lies on the ray (-1, k): what tells the rule of the paper,
k = 1, from eta / sqrt(S) and from eta alone is the direction of the slopes, whatever
their size. It is measured as the angle of (-b, c): 45 degrees for eta / S, 26.6 for
eta / sqrt(S), 0 for eta alone, 90 for S alone. On a square grid whose rates and sizes
rise by one factor, any function of the ratio has the angle 45, power or not. The size
is that along the ratio, the power of eta / S at constant eta S, (b - c) / 2.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen import statistics
from bsgen.studies import estimates

# The angle of each rule, in degrees. What counts as the paper's rule is nearer to it
# than to any other; fixed before the runs of any seed that is judged.
RULES = {
    "$\\eta$": 0.0,
    "$\\eta / \\sqrt{S}$": 26.6,
    "$\\eta / S$": 45.0,
    "$S$": 90.0,
}
PREDICTED, BAND = 45.0, (36.0, 54.0)
ALTERNATIVES = tuple(angle for angle in RULES.values() if angle != PREDICTED)


class Slopes(NamedTuple):
    """The slopes of a logarithm, one pair a seed.

    Attributes:
      learning_rate: b, [n].
      batch_size: c, [n].
    """

    learning_rate: npt.NDArray[np.float64]
    batch_size: npt.NDArray[np.float64]

    @property
    def angle(self) -> estimates.Estimate:
        """The angle of the mean slopes, in degrees.

        Of the mean, because a seed's own angle means little where its slopes are small.
        """
        slopes = np.stack(self)
        if not slopes.size:
            return estimates.mean([])

        def angle(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            learning_rate, batch_size = slopes @ weights.T
            return np.degrees(np.arctan2(batch_size, -learning_rate))

        return estimates.jackknife(angle, slopes.shape[1])

    @property
    def power(self) -> estimates.Estimate:
        """The power of eta / S."""
        return estimates.mean((self.learning_rate - self.batch_size) / 2)

    @property
    def words(self) -> str:
        """Both slopes with their intervals."""
        return " and ".join(
            f"{in_words(statistics.mean_interval(slopes))} on log {letter}"
            for letter, slopes in zip(("eta", "S"), self, strict=True)
        )


def fit(rows: pd.DataFrame, logarithm: npt.ArrayLike) -> Slopes:
    """Fits the slopes of each seed.

    Args:
      rows: runs, with `seed`, `learning_rate` and `batch_size`.
      logarithm: of what is fitted, one number a row. Seeds without settings enough for
        both slopes are left out.
    """
    rows = rows.assign(logarithm=np.asarray(logarithm, float))
    found = []
    for _, of_seed in rows.groupby("seed"):
        settings = of_seed[["learning_rate", "batch_size"]].to_numpy(float)
        design = np.column_stack([np.ones(len(settings)), np.log(settings)])
        if np.linalg.matrix_rank(design) == design.shape[1]:
            fitted = np.linalg.lstsq(design, of_seed["logarithm"].to_numpy(float))
            found.append(fitted[0][1:])
    return Slopes(*np.reshape(found, (-1, 2)).T)


def in_words(interval: statistics.Interval) -> str:
    """Returns "value [lower, upper]"."""
    value, lower, upper = interval
    return f"{value:.2g} [{lower:.2g}, {upper:.2g}]"
