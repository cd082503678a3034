"""Least squares for a curve whose residuals are correlated along it.

What a random walk leaves beside a smooth law is correlated: where a run lies above the
law at one step, it lies above it shortly after. Taken as independent, the points of one
run would count many times, and every interval would be too narrow. Here the residuals
of a curve at the places s_1 < ... < s_n are a stationary Ornstein-Uhlenbeck process,

    cov(e_i, e_j) = sigma^2 exp(-|s_i - s_j| / length),

from independent ones (length -> 0) to a random walk (length -> infinity). It is a
Markov process, so that

    z_1 = e_1,    z_i = (e_i - r_i e_{i-1}) / sqrt(1 - r_i^2),
    r_i = exp(-(s_i - s_{i-1}) / length),

are independent, of variance sigma^2: generalized least squares are ordinary ones of z.
One curve does not tell the length well. A fit takes that of maximum likelihood, up to
the curve's range: longer residuals would be an offset that the law does not have. An
interval takes all lengths, up to ten ranges, each with the weight of its likelihood,
which covers the truth more often than the best length alone does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bsgen import statistics
from bsgen.theory import domain

_NUM_LENGTHS = 32
_SHORTEST = 0.25  # of the smallest spacing
_LONGEST_OF_FITS, _LONGEST_OF_INTERVALS = 1.0, 10.0  # of the whole range
# The smallest residuals that float64 tells from none, over the largest value.
_ROUNDING = 1e-12
_TAILS = (1 - statistics.CONFIDENCE) / 2, (1 + statistics.CONFIDENCE) / 2


class Fit(NamedTuple):
    """The linear model of maximum likelihood.

    Attributes:
      place: of its design among those that were tried.
      coefficients: [k].
      length: of the correlation, in the unit of the places.
      log_likelihood: in nats.
    """

    place: int
    coefficients: domain.FloatArray
    length: float
    log_likelihood: float


class _Solutions(NamedTuple):
    """Least squares of D designs at each of L correlation lengths.

    Attributes:
      lengths: [L].
      coefficients: [D, L, k].
      squares: sum of the squared z at their minimum, [D, L].
      inverses: of the normal matrix of z, [D, L, k, k].
      log_determinants: of the correlation matrix, [L].
    """

    lengths: domain.FloatArray
    coefficients: domain.FloatArray
    squares: domain.FloatArray
    inverses: domain.FloatArray
    log_determinants: domain.FloatArray


def fit(
    places: domain.FloatArray, values: domain.FloatArray, designs: domain.FloatArray
) -> Fit:
    """Fits values = design @ coefficients + residuals, by maximum likelihood.

    Args:
      places: s, [n], increasing.
      values: [n].
      designs: [D, n, k], of rank k < n; the best of them is taken.
    """
    found, count = _solve(places, values, designs, _LONGEST_OF_FITS), len(values)
    heights = -0.5 * (
        count * (np.log(2 * np.pi * found.squares / count) + 1) + found.log_determinants
    )
    place, length = np.unravel_index(heights.argmax(), heights.shape)
    return Fit(
        int(place),
        found.coefficients[place, length],
        float(found.lengths[length]),
        float(heights[place, length]),
    )


def log_likelihoods(
    places: domain.FloatArray, values: domain.FloatArray, designs: domain.FloatArray
) -> domain.FloatArray:
    """Returns the likelihood of each design whatever the rest, its logarithm, [D].

    It is integrated over the coefficients and log sigma, uniformly (the restricted
    likelihood, in a form that does not depend on the units of the design's columns),
    and over the logarithm of the length.

    Args:
      places: as `fit` takes them.
      values: [n].
      designs: [D, n, k].
    """
    found = _solve(places, values, designs, _LONGEST_OF_INTERVALS)
    heights = _restricted(found, designs)
    top = heights.max(axis=1)
    return np.asarray(top + np.log(np.mean(np.exp(heights.T - top), axis=0)))


def coefficient_interval(
    places: domain.FloatArray,
    values: domain.FloatArray,
    design: domain.FloatArray,
    place: int,
) -> statistics.Interval:
    """Returns a coefficient of a linear model with its 95 % interval.

    At a given length it would have Student's t distribution with n - k degrees of
    freedom. Estimate and ends are quantiles of the mixture of these.

    Args:
      places: as `fit` takes them.
      values: [n].
      design: [n, k].
      place: of the coefficient.
    """
    from scipy import optimize, special  # takes half a second

    designs = design[np.newaxis]
    found = _solve(places, values, designs, _LONGEST_OF_INTERVALS)
    heights = _restricted(found, designs)[0]
    weights = np.exp(heights - heights.max())
    weights /= weights.sum()
    degrees = len(values) - design.shape[1]
    centres = found.coefficients[0, :, place]
    variances = found.inverses[0, :, place, place] * found.squares[0] / degrees
    errors = np.sqrt(variances)

    def quantile(share: float) -> float:
        reach = statistics.t_quantile(degrees, 1 - 1e-6) * errors
        ends = float(np.min(centres - reach)), float(np.max(centres + reach))
        return float(
            optimize.brentq(
                lambda b: (
                    weights @ special.stdtr(degrees, (b - centres) / errors) - share
                ),
                *ends,
            )
        )

    return statistics.Interval(*map(quantile, (0.5, *_TAILS)))


def interval_on_grid(
    log_densities: npt.ArrayLike, points: domain.FloatArray
) -> statistics.Interval:
    """Returns median and 95 % interval of a density on equally likely points.

    Args:
      log_densities: at the points, [n], up to a constant.
      points: [n], increasing.
    """
    heights = np.asarray(log_densities, np.float64)
    density = np.exp(heights - heights.max())
    below = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    ends = np.interp([0.5, *_TAILS], below / below[-1], points)
    return statistics.Interval(*map(float, ends))


def _restricted(found: _Solutions, designs: domain.FloatArray) -> domain.FloatArray:
    """Returns the logarithm of the restricted likelihood at each length, [D, L]."""
    count, number = designs.shape[1:]
    normal = np.linalg.slogdet(designs.transpose(0, 2, 1) @ designs)[1]
    heights = (number - count) * np.log(found.squares) - found.log_determinants
    heights += np.linalg.slogdet(found.inverses)[1] + normal[:, np.newaxis]
    return np.asarray(heights / 2)


def _solve(
    places: domain.FloatArray,
    values: domain.FloatArray,
    designs: domain.FloatArray,
    longest: float,
) -> _Solutions:
    spacing, span = np.diff(places), places[-1] - places[0]
    lengths = np.geomspace(_SHORTEST * spacing.min(), longest * span, _NUM_LENGTHS)
    steps = (spacing / lengths[:, np.newaxis])[:, :, np.newaxis]
    kept, scales = np.exp(-steps), np.sqrt(-np.expm1(-2 * steps))

    def whiten(columns: domain.FloatArray) -> domain.FloatArray:
        """[..., n, k] to [..., L, n, k]."""
        columns = columns[..., np.newaxis, :, :]
        moves = (columns[..., 1:, :] - kept * columns[..., :-1, :]) / scales
        first = np.broadcast_to(
            columns[..., :1, :], (*moves.shape[:-2], 1, moves.shape[-1])
        )
        return np.concatenate([first, moves], axis=-2)

    # An orthonormal basis of each design, so that normal equations keep their digits.
    basis, triangle = np.linalg.qr(designs)
    white, target = whiten(basis), whiten(values[:, np.newaxis])
    transposed = white.swapaxes(-1, -2)
    inverses = np.linalg.inv(transposed @ white)
    solved = inverses @ (transposed @ target)
    back = np.linalg.inv(triangle)[:, np.newaxis]
    largest = np.abs(values).max() or 1.0
    squares = np.sum((target - white @ solved) ** 2, axis=(-1, -2))
    return _Solutions(
        lengths,
        (back @ solved)[..., 0],
        np.maximum(squares, len(values) * (_ROUNDING * largest) ** 2),
        back @ inverses @ back.swapaxes(-1, -2),
        2 * np.sum(np.log(scales), axis=(-1, -2)),
    )
