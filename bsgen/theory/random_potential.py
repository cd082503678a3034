"""How the loss scatters at a distance from the weights w_0, and the exponent alpha.

Hoffer, Hubara & Soudry (2017), arXiv 1705.08741, appendix B, eq. 8: if the loss were a
random potential whose auto-covariance grows as |w_1 - w_2|^alpha (eq. 2), then

    std = sqrt(E (L(w) - L(w_0))^2) ~ |w - w_0|^(alpha / 2),

linear for alpha = 2. The expectation is over potentials; with a single w_0 it is taken
over directions.

**The estimate.** A point has the distance z and the difference d of losses. The model
says E[d^2 | z] = S(z) = exp(a) z^alpha, and nothing of the distribution. `fit_spread`
minimises

    sum over points of  log S(z) + d^2 / S(z),

twice the negative log-likelihood of d ~ N(0, S(z)). Its derivatives, the sums of
(1 - d^2 / S) and of (1 - d^2 / S) log z, have mean zero at the true a and alpha for any
distribution with these second moments. So the estimate is consistent without bins or
normality (a quasi-likelihood, Wedderburn 1974), and the problem is convex in a, alpha.
If d is normal, the standard error of alpha is sqrt(2 / D) over the standard deviation
of log z, which is 1 where z is uniform from 0: 0.045 for D = 1000 points. A regression
of log d^2 on log z has sqrt(pi^2 / 2 / D), 1.6 times as much, and one point next to
d = 0 may spoil it. Each point weighs the same, so half of the weight is in the outer
half of the range.

The interval is the jackknife's over points, each left out by one Newton step from the
whole fit (Pregibon 1981), with Student's t.

**What is in eq. 8.** At a fixed w_0 the second moment holds the mean of d as well,
which grows with the curvature: by Pizzetti's formula the mean over a sphere is even,

    E[d | z] = z^2 tr(H) / (2 P) + O(z^4).

So the root mean square of eq. 8 is no standard deviation there: where the mean prevails
it grows at least as z^2, whatever directions do. `about_mean` takes the mean out.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from bsgen import errors, statistics
from bsgen.theory import domain

FloatArray = domain.FloatArray
MIN_POINTS = 10  # of a fit; our choice
_MAX_STEPS = 200  # of Newton's method, which takes about ten


@dataclasses.dataclass(frozen=True)
class Spread:
    """The law std = sqrt(E d^2) = scale distance^exponent, fitted.

    Attributes:
      exponent: alpha / 2.
      standard_error: of `exponent`, the jackknife's over points.
      scale: std at distance 1, in the unit of the loss.
      num_points: D.
    """

    exponent: float
    standard_error: float
    scale: float
    num_points: int

    @property
    def alpha(self) -> float:
        """The exponent of eq. 2, whose standard error is twice that of `exponent`."""
        return 2 * self.exponent

    @property
    def interval(self) -> statistics.Interval:
        """`exponent` with its 95 % t interval."""
        reach = statistics.t_quantile(self.num_points - 2) * self.standard_error
        value = self.exponent
        return statistics.Interval(value, value - reach, value + reach)

    def at(self, distances: npt.ArrayLike) -> FloatArray:
        """Returns the fitted std at distances."""
        return self.scale * np.asarray(distances, np.float64) ** self.exponent


@dataclasses.dataclass(frozen=True, eq=False)
class Bins:
    """Points in bins of equal width, as in figure 4.

    Attributes:
      edges: [b + 1].
      counts: [b], points in each bin; where there are none, all else is NaN.
      distances: [b], the root mean square of the distances in each bin, at which a
        linear law has the bin's std exactly; it is near the centre.
      std: [b], sqrt(mean d^2), eq. 8.
      standard_error: [b], of `std`, over its points; infinite for one.
      mean: [b], mean d.
      std_about_mean: [b], standard deviation of d, n - 1 under the root.
    """

    edges: FloatArray
    counts: npt.NDArray[np.int64]
    distances: FloatArray
    std: FloatArray
    standard_error: FloatArray
    mean: FloatArray
    std_about_mean: FloatArray

    @property
    def centres(self) -> FloatArray:
        """[b], the middle of each bin."""
        return (self.edges[:-1] + self.edges[1:]) / 2

    @property
    def exponent(self) -> float:
        """The slope of log std against log distance, bins weighted by their points.

        NaN if fewer than two bins have a std above 0.
        """
        used = (self.counts > 0) & (self.std > 0)
        if used.sum() < 2:
            return float("nan")
        x, y = np.log(self.distances[used]), np.log(self.std[used])
        return float(np.polyfit(x, y, 1, w=np.sqrt(self.counts[used]))[0])


def fit_spread(distances: npt.ArrayLike, differences: npt.ArrayLike) -> Spread:
    """Fits std = scale distance^exponent to points, without bins (see above).

    Args:
      distances: [D], above 0.
      differences: [D], L(w) - L(w_0).

    Raises:
      UserError: there are fewer than `MIN_POINTS`, all differences are 0, or no power
        law fits them.
    """
    z, d = _points(distances, differences)
    if len(z) < MIN_POINTS:
        remedy = f"a fit needs {MIN_POINTS} points or more"
        raise errors.UserError("distances", f"{len(z)} points", remedy)
    largest = np.abs(d).max()
    if largest == 0:
        remedy = "the loss is the same everywhere, which has no exponent"
        raise errors.UserError("differences", 0.0, remedy)
    middle = np.log(z).mean()
    x, y = np.log(z) - middle, (d / largest) ** 2
    design = np.stack([np.ones_like(x), x], axis=1)
    fitted = _minimise(design, y)
    terms = y * np.exp(-design @ fitted)
    curvature = np.einsum("n,ni,nj->nij", terms, design, design)
    left = curvature.sum(axis=0) - curvature
    score = (1 - terms)[:, None] * design
    left_out = fitted[1] + np.linalg.solve(left, score[..., None])[:, 1, 0]
    exponent = fitted[1] / 2
    return Spread(
        exponent=float(exponent),
        standard_error=float(statistics.jackknife_error(left_out)) / 2,
        scale=float(largest * np.exp(fitted[0] / 2 - exponent * middle)),
        num_points=len(z),
    )


def about_mean(distances: npt.ArrayLike, differences: npt.ArrayLike) -> FloatArray:
    """Returns the differences [D] less their mean at their distance.

    The mean is fitted as m_2 z^2 + m_4 z^4, the first terms of Pizzetti's formula, by
    least squares with weights 1 / z^2, the inverse variance where std is linear.

    Args:
      distances, differences: as for `fit_spread`.
    """
    z, d = _points(distances, differences)
    unit = z / z.max()
    powers = np.stack([unit, unit**3], axis=1)  # of z^2 and z^4, over z
    coefficients = np.linalg.lstsq(powers, d / unit, rcond=None)[0]
    return d - unit * (powers @ coefficients)


def bin_differences(
    distances: npt.ArrayLike,
    differences: npt.ArrayLike,
    max_distance: float,
    num_bins: int,
) -> Bins:
    """Divides points into bins of equal width from 0 to the largest distance.

    Args:
      distances, differences: as for `fit_spread`.
      max_distance: c; at least the largest of the distances.
      num_bins: b, at least 1.

    Raises:
      UserError: an argument is out of range.
    """
    z, d = _points(distances, differences)
    count = errors.check_integer("num_bins", num_bins, 1)
    edges = np.linspace(
        0.0, float(domain.positive("max_distance", max_distance)), count + 1
    )
    if z.max() > edges[-1]:
        remedy = f"there is a point at {z.max():g}"
        raise errors.UserError("max_distance", float(edges[-1]), remedy)
    place = np.minimum((z * count / edges[-1]).astype(int), count - 1)

    def mean(values: FloatArray) -> FloatArray:
        sums = np.bincount(place, values, count)
        return np.divide(sums, counts, np.full(count, np.nan), where=counts > 0)

    counts = np.bincount(place, minlength=count)
    squares, means = mean(d**2), mean(d)
    std = np.sqrt(squares)
    # The variance of a mean of n is that of one over n; d sqrt(s) = ds / (2 sqrt(s)).
    degrees = np.maximum(counts - 1, 1)
    variance = mean((d**2 - squares[place]) ** 2) / degrees
    error = np.sqrt(variance) / (2 * np.where(std > 0, std, 1.0))
    scatter = np.sqrt(mean((d - means[place]) ** 2) * counts / degrees)
    return Bins(
        edges=edges,
        counts=counts,
        distances=np.sqrt(mean(z**2)),
        std=std,
        standard_error=np.where(counts == 1, np.inf, error),
        mean=means,
        std_about_mean=np.where(counts == 1, np.nan, scatter),
    )


def _points(
    distances: npt.ArrayLike, differences: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    z = domain.positive("distances", distances)
    d = domain.real("differences", differences)
    if z.ndim != 1 or z.shape != d.shape or not z.size:
        remedy = f"give one for each of the distances, {z.shape}"
        raise errors.UserError("differences", d.shape, remedy)
    return z, d


def _minimise(design: FloatArray, squares: FloatArray) -> FloatArray:
    """Returns (a, alpha) by Newton's method with halved steps; the problem is convex.

    Raises:
      UserError: there is no minimum.
    """
    fitted = np.array([np.log(np.mean(squares * np.exp(-2 * design[:, 1]))), 2.0])

    def value(at: FloatArray) -> float:
        predicted = design @ at
        with np.errstate(over="ignore"):
            return float(np.sum(predicted + squares * np.exp(-predicted)))

    for _ in range(_MAX_STEPS):
        terms = squares * np.exp(-design @ fitted)
        curvature = design.T @ (terms[:, None] * design)
        if np.linalg.cond(curvature) > 1e12:
            break
        step = np.linalg.solve(curvature, design.T @ (terms - 1))
        if np.abs(step).max() < 1e-10:
            return fitted
        while value(fitted + step) > value(fitted) and np.abs(step).max() > 1e-10:
            step /= 2
        fitted = fitted + step
    remedy = "no power law fits them: too few distances have a difference other than 0"
    raise errors.UserError("differences", f"{np.count_nonzero(squares)} not 0", remedy)
