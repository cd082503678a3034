"""Unbiased moments of gradients from their deviations, and their errors.

The n examples are taken as a sample of a population. With d_i = g_i - mean,

    S = sum |d_i|^2 / (n - 1),    Q = |mean|^2 - S / n

are unbiased estimates of tr(Sigma) and |G|^2. The noise scale is their ratio S / Q,
which is consistent, not unbiased. Without example i they would be

    S_i = ((n - 1) S - n / (n - 1) |d_i|^2) / (n - 2),
    Q_i = |mean - d_i / (n - 1)|^2 - S_i / (n - 1),

so |d_i|^2 and d_i . mean suffice for the jackknife over examples; no gradient has to be
kept. The error of the ratio is that of S - (S / Q) Q_i, linearised.

Where |d_i|^2 and d_i . mean are known for k < n examples only, n / (n - 1) times the
mean of |d_i|^2 is the unbiased S. To first order each of the k moves it by a_i / k with
a_i = n / (n - 1) |d_i|^2 - S, and each of all n moves |mean|^2 by b_i / n with
b_i = 2 d_i . mean; the errors follow from these sums of independent terms.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bsgen import statistics
from bsgen.measures import progress

_Error = Callable[[float, float], float]


@dataclasses.dataclass(frozen=True)
class GradientNoise:
    """Unbiased moments of the gradient of one example, with jackknife errors.

    Attributes:
      trace: tr(Sigma), of one example.
      trace_standard_error: of `trace`; inf for fewer than 3 groups, as all errors.
      squared_norm: |G|^2 of the population; may fall below 0 where G is small.
      squared_norm_standard_error: of `squared_norm`.
      data_squared_norm: |mean|^2, of the gradient on the data.
      noise_scale: trace / squared_norm; inf if squared_norm is not above 0.
      noise_scale_standard_error: of `noise_scale`.
      num_examples: measured; if interrupted, those that `trace` comes from.
      group_size: examples a gradient; possibly many if interrupted.
      mode: "inference" or "training", how batch norm and dropout were measured.
      stopped_because: "complete" or "interrupted".
    """

    trace: float
    trace_standard_error: float
    squared_norm: float
    squared_norm_standard_error: float
    data_squared_norm: float
    noise_scale: float
    noise_scale_standard_error: float
    num_examples: int
    group_size: float = 1
    mode: str = ""
    stopped_because: progress.StoppedBecause = progress.COMPLETE


def from_deviations(
    squared_norms: npt.NDArray[np.float64],
    projections: npt.NDArray[np.float64],
    data_squared_norm: float,
    group_size: float = 1,
    num_groups: int | None = None,
) -> GradientNoise:
    """Returns the moments from those of k >= 2 groups of gradients g_i.

    Args:
      squared_norms: |g_i - mean|^2, [k].
      projections: (g_i - mean) . gradient, [k]; the gradient is the mean, or the mean
        plus a part without noise.
      data_squared_norm: |gradient|^2.
      group_size: examples a group: a group's covariance is Sigma / group_size.
      num_groups: n, those that the mean was taken over; None for k.
    """
    k = len(squared_norms)
    n = num_groups or k
    trace = float(np.mean(squared_norms)) * n / (n - 1)
    squared_norm = data_squared_norm - trace / n
    ratio = trace / squared_norm if squared_norm > 0 else math.inf
    trace_error = norm_error = scale_error = math.inf
    if k > 2:
        spread = _linear if k < n else _left_out
        error = spread(squared_norms, projections, trace, data_squared_norm, n)
        trace_error, norm_error = error(1.0, 0.0), error(0.0, 1.0)
        if squared_norm > 0:
            scale_error = group_size * error(1.0, -ratio) / squared_norm
    return GradientNoise(
        trace=group_size * trace,
        trace_standard_error=group_size * trace_error,
        squared_norm=squared_norm,
        squared_norm_standard_error=norm_error,
        data_squared_norm=data_squared_norm,
        noise_scale=group_size * ratio,
        noise_scale_standard_error=scale_error,
        num_examples=round(k * group_size),
        group_size=group_size,
    )


def _left_out(
    squared_norms: npt.NDArray[np.float64],
    projections: npt.NDArray[np.float64],
    trace: float,
    data_squared_norm: float,
    n: int,
) -> _Error:
    """Returns a function to the jackknife error of x trace + y squared norm."""
    traces = ((n - 1) * trace - n / (n - 1) * squared_norms) / (n - 2)
    data_norms = (
        data_squared_norm - 2 / (n - 1) * projections + squared_norms / (n - 1) ** 2
    )
    norms = data_norms - traces / (n - 1)
    return lambda x, y: float(statistics.jackknife_error(x * traces + y * norms))


def _linear(
    squared_norms: npt.NDArray[np.float64],
    projections: npt.NDArray[np.float64],
    trace: float,
    data_squared_norm: float,
    n: int,
) -> _Error:
    """Returns the same to first order, for k of n groups."""
    del data_squared_norm
    k = len(squared_norms)
    on_trace = (n / (n - 1) * squared_norms - trace) / k
    on_data_norm = 2 * projections / n

    def error(x: float, y: float) -> float:
        # The squared norm is |mean|^2 - trace / n.
        known = (x - y / n) * on_trace + y * on_data_norm
        others = y * on_data_norm
        variance = k * np.var(known, ddof=1) + (n - k) * np.var(others, ddof=1)
        return math.sqrt(variance)

    return error
