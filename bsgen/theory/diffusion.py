"""How far the weights are from where they started, as a function of the steps.

Hoffer, Hubara & Soudry (2017), arXiv 1705.08741, section 3: a random walk on a random
potential is ultra-slow, |w_t - w_0| ~ (log t)^(2 / alpha) (eq. 3), with alpha = 2
|w_t - w_0| ~ log t (eq. 4), in contrast to sqrt(t) on a flat potential. A step t counts
updates of the weights.

Laws of d(t) = |w_t - w_0| for t >= 1, with natural logarithms:

    log               a + b log t
    power             b t^p
    sqrt              a + b sqrt(t)
    power_and_offset  a + b (t^p - 1) / p, which is log at p = 0 and sqrt at p = 1/2
    log_power         a + b (log t)^k, k = 2 / alpha, which is log at k = 1

The paper writes no offset a, but log 1 = 0 and the first step has a length. The power
law gets none: it is 0 at t = 0, as it must be, and so has as many parameters as log.
With an offset it contains log and cannot fit worse; what tells then is its exponent p.

The residuals of a run are correlated, and so they are modelled: `correlated_residuals`,
in log t, in which the steps are evenly spaced. Laws are compared by Akaike's criterion
with its correction for few points (Hurvich & Tsai, 1989), AICc = -2 log L + 2 k +
2 k (k + 1) / (n - k - 1), k the number of coefficients, shapes and the residuals' two.
Runs of different seeds are independent, and only they give the interval of a difference
of criteria: `log_growth_evidence`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bsgen import errors, statistics
from bsgen.theory import correlated_residuals, domain

MIN_POINTS = 8  # steps from 1 on: AICc of the largest law takes 7; our choice
_NUM_SHAPES = 33  # that are tried at once
_LIKELY = 12.0  # nats below the maximum, where a likelihood has next to nothing left
_NUM_ZOOMS, _MAX_ZOOMS = 3, 8  # of the range of shapes, around the best ones


class _Law(NamedTuple):
    """A law that is linear but for one shape.

    Attributes:
      columns: of its linear model: (log t, [n], shape) to k of them, [n].
      shapes: the range of its shape; None if it has none.
      grid: spaces shapes so that all are equally likely, before a curve is seen.
    """

    columns: Callable[[domain.FloatArray, float], list[domain.FloatArray]]
    shapes: tuple[float, float] | None = None
    grid: Callable[[float, float, int], domain.FloatArray] = np.linspace


def _box_cox(logs: domain.FloatArray, exponent: float) -> domain.FloatArray:
    """Returns (t^p - 1) / p, and log t at p = 0."""
    return np.expm1(exponent * logs) / exponent if exponent else logs


_LAWS = {
    "log": _Law(lambda logs, _: [np.ones_like(logs), logs]),
    "power": _Law(lambda logs, p: [np.exp(p * logs)], (-1.0, 2.0)),
    "sqrt": _Law(lambda logs, _: [np.ones_like(logs), np.exp(logs / 2)]),
    "power_and_offset": _Law(
        lambda logs, p: [np.ones_like(logs), _box_cox(logs, p)], (-2.0, 2.0)
    ),
    "log_power": _Law(
        lambda logs, k: [np.ones_like(logs), logs**k], (0.1, 8.0), np.geomspace
    ),
}
LAWS = tuple(_LAWS)


@dataclasses.dataclass(frozen=True)
class GrowthFit:
    """A law fitted to the weight distances of one run.

    Attributes:
      law: a name of `LAWS`.
      coefficients: a and b, or b alone.
      shape: p or k; None if the law has none.
      correlation_length: of the residuals, in log t.
      residual: root mean square of the distances minus the law's.
      r_squared: 1 - residual^2 / variance of the distances; may be negative, as the fit
        is that of maximum likelihood.
      criterion: AICc; smaller is better, and only differences on the same distances
        mean anything.
    """

    law: str
    coefficients: tuple[float, ...]
    shape: float | None
    correlation_length: float
    residual: float
    r_squared: float
    criterion: float

    def distance(self, steps: npt.ArrayLike) -> domain.FloatArray:
        """Returns the law's distances at steps of at least 1, [n]."""
        logs = np.log(domain.at_least("steps", steps, 1.0))
        columns = _LAWS[self.law].columns(logs, self.shape or 0.0)
        return np.stack(columns, axis=-1) @ np.array(self.coefficients)


def fit_growth(
    steps: npt.ArrayLike, distances: npt.ArrayLike, law: str = "log"
) -> GrowthFit:
    """Fits a law to the weight distances of one run, by maximum likelihood.

    Args:
      steps: t, [n], increasing, at least 8 of them from 1 on; a step 0, where the
        distance is 0 by definition, is left out.
      distances: d(t), [n], at least 0.
      law: a name of `LAWS`.

    Raises:
      UserError: there are too few steps, they do not increase, a distance is negative
        or not finite, or there is no such law.
    """
    if law not in LAWS:
        raise errors.unknown_name("law", law, LAWS)
    logs, values = _curve(steps, distances)
    shape, found = _fit(_LAWS[law], logs, values)
    design = _designs(_LAWS[law], logs, np.array([shape]))[0]
    residuals = values - design @ found.coefficients
    square, count = float(np.mean(residuals**2)), len(values)
    number = len(found.coefficients) + (_LAWS[law].shapes is not None) + 2
    penalty = 2 * number + 2 * number * (number + 1) / (count - number - 1)
    return GrowthFit(
        law,
        tuple(map(float, found.coefficients)),
        shape if _LAWS[law].shapes else None,
        found.length,
        math.sqrt(square),
        1 - square / max(float(np.var(values)), np.finfo(float).tiny),
        penalty - 2 * found.log_likelihood,
    )


def log_growth(steps: npt.ArrayLike, distances: npt.ArrayLike) -> statistics.Interval:
    """Returns the slope b of d(t) = a + b log t with its 95 % interval, for one run.

    Hoffer et al. (2017), eq. 4. The interval is that of this run's own slope, from the
    scatter along its curve; how slopes differ between seeds is another question.

    Args:
      steps: as `fit_growth` takes them.
      distances: [n].

    Raises:
      UserError: as `fit_growth` does.
    """
    logs, values = _curve(steps, distances)
    design = np.stack(_LAWS["log"].columns(logs, 0.0), axis=-1)
    return correlated_residuals.coefficient_interval(logs, values, design, 1)


def growth_exponent(
    steps: npt.ArrayLike, distances: npt.ArrayLike
) -> statistics.Interval:
    """Returns p of d(t) = a + b (t^p - 1) / p with its 95 % interval, for one run.

    0 is logarithmic growth, 1/2 diffusion on a flat potential. The interval ends at
    the latest at -2 and 2.

    Args:
      steps: as `fit_growth` takes them.
      distances: [n].

    Raises:
      UserError: as `fit_growth` does.
    """
    return _shape_interval(_LAWS["power_and_offset"], *_curve(steps, distances))


def potential_exponent(
    steps: npt.ArrayLike, distances: npt.ArrayLike
) -> statistics.Interval:
    """Returns alpha of |w_t - w_0| ~ (log t)^(2 / alpha) with its 95 % interval.

    Hoffer et al. (2017), eq. 3, for one run; 2 is logarithmic growth. From
    d(t) = a + b (log t)^k, alpha = 2 / k; the interval ends at the latest at 1/4 and
    20.

    Args:
      steps: as `fit_growth` takes them.
      distances: [n].

    Raises:
      UserError: as `fit_growth` does.
    """
    found = _shape_interval(_LAWS["log_power"], *_curve(steps, distances))
    return statistics.Interval(2 / found.value, 2 / found.upper, 2 / found.lower)


def log_growth_evidence(
    steps: npt.ArrayLike, distances: npt.ArrayLike, rival: str
) -> statistics.Interval:
    """Returns by how much log beats another law, with its 95 % interval over runs.

    Args:
      steps: as `fit_growth` takes them, the same for all runs.
      distances: [runs, n], of independent runs; one has an infinite interval.
      rival: the other law, a name of `LAWS`.

    Returns:
      The mean over runs of AICc(rival) - AICc(log), above 0 if log is better, with
      Student's t interval.

    Raises:
      UserError: as `fit_growth` does.
    """
    differences = [
        fit_growth(steps, run, rival).criterion - fit_growth(steps, run).criterion
        for run in np.atleast_2d(np.asarray(distances))
    ]
    return statistics.mean_interval(differences)


def _curve(
    steps: npt.ArrayLike, distances: npt.ArrayLike
) -> tuple[domain.FloatArray, domain.FloatArray]:
    """Returns log t and d(t) for t >= 1, checked."""
    times = domain.at_least("steps", steps, 0.0)
    values = domain.at_least("distances", distances, 0.0)
    if times.ndim != 1 or values.shape != times.shape:
        remedy = f"give one number a step, of which there are {times.size}"
        raise errors.UserError("distances", values.shape, remedy)
    kept = times >= 1
    times, values = times[kept], values[kept]
    if len(times) < MIN_POINTS:
        remedy = f"too few points for a fit: give at least {MIN_POINTS} steps from 1 on"
        raise errors.UserError("steps", len(times), remedy)
    if np.any(np.diff(times) <= 0):
        raise errors.UserError("steps", times.tolist(), "give increasing steps")
    return np.log(times), values


def _designs(
    law: _Law, logs: domain.FloatArray, shapes: domain.FloatArray
) -> domain.FloatArray:
    """Returns the linear models of a law at each shape, [s, n, k]."""
    return np.stack([np.stack(law.columns(logs, each), axis=-1) for each in shapes])


def _fit(
    law: _Law, logs: domain.FloatArray, values: domain.FloatArray
) -> tuple[float, correlated_residuals.Fit]:
    """Returns the shape and the rest of maximum likelihood."""
    lowest, highest = law.shapes or (0.0, 0.0)
    for _ in range(_NUM_ZOOMS if law.shapes else 1):
        shapes = law.grid(lowest, highest, _NUM_SHAPES if law.shapes else 1)
        found = correlated_residuals.fit(logs, values, _designs(law, logs, shapes))
        lowest = shapes[max(found.place - 1, 0)]
        highest = shapes[min(found.place + 1, len(shapes) - 1)]
    return float(shapes[found.place]), found


def _shape_interval(
    law: _Law, logs: domain.FloatArray, values: domain.FloatArray
) -> statistics.Interval:
    """Returns the shape with its interval, which ends at most where its range does.

    The range is narrowed until what is likely takes a third of it.
    """
    lowest, highest = law.shapes or (0.0, 0.0)
    for _ in range(_MAX_ZOOMS):
        shapes = law.grid(lowest, highest, _NUM_SHAPES)
        designs = _designs(law, logs, shapes)
        heights = correlated_residuals.log_likelihoods(logs, values, designs)
        likely = np.flatnonzero(heights > heights.max() - _LIKELY)
        if len(likely) > _NUM_SHAPES / 3:
            break
        lowest = shapes[max(likely[0] - 1, 0)]
        highest = shapes[min(likely[-1] + 1, len(shapes) - 1)]
    return correlated_residuals.interval_on_grid(heights, shapes)
