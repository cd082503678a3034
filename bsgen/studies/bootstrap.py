"""Estimates that are no smooth function of means over seeds.

Efron & Tibshirani (1993), "An introduction to the bootstrap": of the place of a maximum
the jackknife would not tell the error, since that rarely moves by a single seed
(section 11.6). A maximum itself is biased, as it is the highest of what happened to
come out; by how much, bootstrap draws tell (section 10.6).
"""

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bsgen import statistics
from bsgen.studies import estimates

_Floats = npt.NDArray[np.float64]
# Of the seeds, for a standard deviation within 3.5 %, and where draws of the seeds are
# drawn from again, within 15 %.
_DRAWS, _REPEATED_DRAWS = 400, 25


def debiased(
    estimator: Callable[[_Floats], _Floats], num_seeds: int, unit: str = "seeds"
) -> estimates.Estimate:
    """Estimates a function of means over seeds that is biased, such as a maximum.

    From the estimate its bias is taken, the mean of bootstrap draws less the estimate
    of all seeds. The error is the jackknife's, the interval Student's t of n - 1
    degrees of freedom. Draws of the seeds have that bias twice, so that theirs spread
    around the estimate.

    Args:
      estimator: as of `estimates.jackknife`. Where it may be infinite no bias is taken.
      num_seeds: n; one has an infinite interval.
      unit: what is counted.
    """
    as_it_is = estimates.jackknife(estimator, num_seeds, unit)

    @functools.cache
    def bias() -> float:
        alike = np.full((1, num_seeds), 1 / num_seeds)
        with np.errstate(invalid="ignore"):  # infinities
            off = estimator(_balanced(num_seeds)).mean() - float(estimator(alike)[0])
        return float(off) if np.isfinite(off) else 0.0

    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> estimates.Ends:
        times = 1 if len(chosen) == 1 else 2
        ends = as_it_is.procedure(chosen, confidence)
        return estimates.Ends(*(end - times * bias() for end in ends))

    words = f"{as_it_is.method}, less its bias by the bootstrap"
    return dataclasses.replace(as_it_is, procedure=procedure, method=words)


def _balanced(num_seeds: int) -> _Floats:
    """Returns weights of draws which together have each seed equally often.

    So a mean over seeds has no bias at all, whatever the draws (section 23.2).
    """
    places = np.tile(np.arange(num_seeds), _DRAWS)
    chosen = np.random.default_rng(2).permutation(places).reshape(_DRAWS, num_seeds)
    return statistics.counted(chosen, num_seeds) / num_seeds


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
