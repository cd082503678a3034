"""Unbiased moments of gradients from their deviations, and the jackknife.

The n examples are taken as a sample of a population. With d_i = g_i - mean,

    S = sum |d_i|^2 / (n - 1),    Q = |mean|^2 - S / n

are unbiased estimates of tr(Sigma) and |G|^2. Each is a smooth mean; the noise scale is
S / Q, which is consistent, not unbiased. Leaving out example i makes them

    S_i = ((n - 1) S - n / (n - 1) |d_i|^2) / (n - 2),
    Q_i = |mean - d_i / (n - 1)|^2 - S_i / (n - 1),

so |d_i|^2 and d_i . mean give the jackknife over single examples, without a gradient
being kept. The error of the ratio comes from that of S - (S / Q) Q_i, linearised.
"""

import dataclasses
import math

import numpy as np
import numpy.typing as npt


@dataclasses.dataclass(frozen=True)
class GradientNoise:
    """Unbiased moments of the gradient of one example, with jackknife errors.

    Attributes:
      trace: tr(Sigma), of one example.
      trace_standard_error: of it; inf for fewer than 3 groups, as all errors.
      squared_norm: |G|^2 of the population; may fall below 0 where G is small.
      squared_norm_standard_error: of it.
      data_squared_norm: |mean|^2, of the gradient on the data themselves.
      noise_scale: trace / squared_norm; inf if squared_norm is not above 0.
      noise_scale_standard_error: of it.
      num_examples: measured.
      group_size: examples a gradient.
      mode: "inference" or "training", how batch norm and dropout were measured.
    """

    trace: float
    trace_standard_error: float
    squared_norm: float
    squared_norm_standard_error: float
    data_squared_norm: float
    noise_scale: float
    noise_scale_standard_error: float
    num_examples: int
    group_size: int = 1
    mode: str = ""


def from_deviations(
    squared_norms: npt.NDArray[np.float64],
    projections: npt.NDArray[np.float64],
    data_squared_norm: float,
    group_size: int = 1,
) -> GradientNoise:
    """Returns the moments from those of n >= 2 groups of gradients g_i.

    Args:
      squared_norms: |g_i - mean|^2, [n].
      projections: (g_i - mean) . gradient, [n]; the gradient is the mean, or the mean
        plus something without noise.
      data_squared_norm: |gradient|^2.
      group_size: examples a group: a group's covariance is Sigma / group_size.
    """
    n = len(squared_norms)
    trace = float(np.sum(squared_norms)) / (n - 1)
    squared_norm = data_squared_norm - trace / n
    trace_error = norm_error = scale_error = math.inf
    noise_scale = group_size * trace / squared_norm if squared_norm > 0 else math.inf
    if n > 2:
        traces = ((n - 1) * trace - n / (n - 1) * squared_norms) / (n - 2)
        data_norms = (
            data_squared_norm - 2 / (n - 1) * projections + squared_norms / (n - 1) ** 2
        )
        norms = data_norms - traces / (n - 1)
        trace_error = _jackknife(traces)
        norm_error = _jackknife(norms)
        if squared_norm > 0:
            residuals = traces - trace / squared_norm * norms
            scale_error = group_size * _jackknife(residuals) / squared_norm
    return GradientNoise(
        trace=group_size * trace,
        trace_standard_error=group_size * trace_error,
        squared_norm=squared_norm,
        squared_norm_standard_error=norm_error,
        data_squared_norm=data_squared_norm,
        noise_scale=noise_scale,
        noise_scale_standard_error=scale_error,
        num_examples=n * group_size,
        group_size=group_size,
    )


def _jackknife(left_out: npt.NDArray[np.float64]) -> float:
    """Returns the standard error from estimates [n] that each leave one out."""
    n = len(left_out)
    return math.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))
