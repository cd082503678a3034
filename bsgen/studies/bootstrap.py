"""Estimates of what jumps as the seeds change, such as the place of a maximum.

Efron & Tibshirani (1993), "An introduction to the bootstrap": the jackknife would not
do there, since a maximum rarely moves by a single seed (section 11.6).
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bsgen import statistics
from bsgen.studies import estimates

_Floats = npt.NDArray[np.float64]
# Of the seeds, for a standard deviation within 3.5 %, and where draws of the seeds are
# drawn from again, within 10 %.
_DRAWS, _REPEATED_DRAWS = 400, 50


def bootstrapped(
    estimator: Callable[[_Floats], _Floats], num_seeds: int, unit: str = "seeds"
) -> estimates.Estimate:
    """Estimates a function of means over seeds, which need not be smooth.

    Its error is the standard deviation over bootstrap draws, the interval Student's t
    of n - 1 degrees of freedom.

    Args:
      estimator: as of `estimates.jackknife`.
      num_seeds: n; one has an infinite interval.
      unit: what is counted.
    """

    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> estimates.Ends:
        found = estimator(statistics.counted(chosen, num_seeds) / num_seeds)
        if num_seeds < 2:
            nothing = np.full(len(found), np.inf)
            return estimates.Ends(found, -nothing, nothing)
        number = _DRAWS if len(chosen) == 1 else _REPEATED_DRAWS
        size = number, num_seeds
        again = np.random.default_rng(1).integers(num_seeds, size=size)
        drawn = chosen[:, again].reshape(-1, num_seeds)
        of_draws = estimator(statistics.counted(drawn, num_seeds) / num_seeds)
        errors = of_draws.reshape(len(chosen), number).std(axis=1, ddof=1)
        # Of n draws with replacement the mean varies less, by this factor.
        errors *= math.sqrt(num_seeds / (num_seeds - 1))
        reach = statistics.t_quantile(num_seeds - 1, confidence) * errors
        return estimates.Ends(found, found - reach, found + reach)

    words = f"95 % t interval from the bootstrap over {num_seeds} {unit}"
    return estimates.Estimate(num_seeds, procedure, words, unit)
