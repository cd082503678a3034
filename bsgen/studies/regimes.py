"""The boundary between the noise and the curvature dominated regime of SGD.

Smith, Elsen & De (2020), arXiv 2006.15081, sections 3.2 and 5: the optimal effective
learning rate grows with the batch size, in proportion or, for an LSTM, as its square
root, until curvature bounds it. What the spacing of the rates tried leaves unknown is
part of every interval, beside the seeds.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bsgen import theory
from bsgen.studies import (
    best_runs,
    bootstrap,
    claims,
    estimates,
    optimal_rate,
    optimum,
)

_Floats = npt.NDArray[np.float64]

_LEAST = 3  # batch sizes, of which a line can be seen to turn
_HALF_BAND = 0.25  # around a predicted exponent: nearer to it than to the others
_EXPONENTS = (0.0, 0.5, 1.0)  # none, the square root, in proportion
# Standard deviation of the error that all places below the boundary, or above it, have
# in common, in steps of the rate: where batch sizes and rates are powers of two, the
# optima of all sizes fall alike between the rates. It is that of a uniform number.
_COMMON_ERROR = 1 / math.sqrt(12)
_SPACED = "learning rates"


class Regimes(NamedTuple):
    """The two regimes of one momentum; estimates of nothing where too few sizes count.

    Attributes:
      batch_sizes: those fitted, rising.
      left_out: those whose best rate lies at an edge of the rates tried.
      rates: the optimal effective learning rate at each of `batch_sizes`.
      slope: exponent of that rate against the batch size below the boundary.
      ideal_slope: the same, if any number of seeds agreed; the spacing is left.
      boundary: batch size from which on the rate is constant; of nothing, too, if the
        rate rises up to the largest size.
      plateau: the rate from there on.
      above: the exponent over the sizes from the boundary on, if they are two or more.
    """

    batch_sizes: tuple[int, ...]
    left_out: tuple[int, ...]
    rates: _Floats
    slope: estimates.Estimate
    ideal_slope: estimates.Estimate
    boundary: estimates.Estimate
    plateau: estimates.Estimate
    above: estimates.Estimate

    def line(self, batch_sizes: npt.ArrayLike) -> _Floats:
        """Returns the fitted rate at batch sizes, NaN where nothing is fitted."""
        parts = (self.slope, self.boundary, self.plateau)
        slope, turn, level = (estimate.interval().value for estimate in parts)
        if math.isnan(turn):
            turn = float(max(self.batch_sizes, default=1))
        below = np.minimum(np.asarray(batch_sizes, float) / turn, 1.0)
        return np.asarray(level * below**slope)


def find(sweeps: Mapping[int, best_runs.Sweep]) -> Regimes:
    """Fits the boundary to the learning rates tried at several batch sizes.

    Args:
      sweeps: one a batch size, of the same momentum and the same seeds.

    Raises:
      ValueError: the seeds are not the same.
    """
    inside = {
        size: sweeps[size]
        for size in sorted(sweeps)
        if optimal_rate.is_inside(sweeps[size])
    }
    left_out = tuple(size for size in sorted(sweeps) if size not in inside)
    if len({tuple(each.values) for each in sweeps.values()}) > 1:
        raise ValueError("the sweeps have different seeds")
    if len(inside) < _LEAST:
        nothing = [estimates.mean([])] * 5
        return Regimes(tuple(inside), left_out, np.array([]), *nothing)
    return _Fit(inside).regimes(left_out)


class _Fit:
    """The two lines through the optimal rates, as a function of the seeds' weights."""

    def __init__(self, sweeps: Mapping[int, best_runs.Sweep]):
        self._sweeps = sweeps
        self._sizes = np.array(list(sweeps), float)
        self._num_seeds = next(iter(sweeps.values())).values.shape[1]
        self._remembered: dict[bytes, _Floats] = {}
        self._tops = self._places(np.full((1, self._num_seeds), 1 / self._num_seeds))
        # Standard deviations of the places from the spacing alone.
        self._errors = np.array(list(map(optimal_rate.spacing_error, sweeps.values())))

    def regimes(self, left_out: tuple[int, ...]) -> Regimes:
        """Returns the estimates of the fit."""
        found = self._lines(self._tops)
        slope, turn, _ = (float(part[0]) for part in found)
        moved = self._lines(self._tops + np.diag(self._errors))
        own = [
            np.linalg.norm(each - one) for each, one in zip(moved, found, strict=True)
        ]
        common = _COMMON_ERROR / optimum.SPACING_ERROR * self._errors.mean()
        # Line and level are off by one common error each, and the turn by both.
        of_turn = math.hypot(own[1], *[common / slope if slope else math.inf] * 2)
        log_boundary = self._estimate(lambda logs: self._lines(logs).turn, of_turn)
        of_level = math.hypot(own[2], common)
        log_plateau = self._estimate(lambda logs: self._lines(logs).level, of_level)
        beyond = np.log(self._sizes) >= turn
        is_seen = turn < np.log(self._sizes[-1])
        nothing = estimates.mean([])
        return Regimes(
            tuple(self._sweeps),
            left_out,
            np.exp(self._tops[0]),
            self._estimate(lambda logs: self._lines(logs).slope, own[0]),
            optimum.widened(estimates.mean([slope] * 2), float(own[0]), _SPACED),
            estimates.exponential(log_boundary) if is_seen else nothing,
            estimates.exponential(log_plateau),
            self._above(beyond) if beyond.sum() > 1 else nothing,
        )

    def _above(self, beyond: npt.NDArray[np.bool_]) -> estimates.Estimate:
        """Estimates the exponent over some of the sizes."""

        def exponent(logs: _Floats) -> _Floats:
            return optimum.slope(self._sizes[beyond].tolist(), logs[:, beyond])

        error = np.linalg.norm(exponent(np.diag(self._errors)))
        return self._estimate(exponent, error)

    def _estimate(
        self, of: Callable[[_Floats], _Floats], error: float | np.floating
    ) -> estimates.Estimate:
        """Estimates a function of the places, which has an error from the spacing."""
        from_seeds = bootstrap.bootstrapped(
            lambda weights: of(self._places(weights)), self._num_seeds
        )
        return optimum.widened(from_seeds, float(error), _SPACED)

    def _lines(self, logs: _Floats) -> theory.TwoRegimes:
        return theory.fit_two_regimes(np.log(self._sizes), logs)

    def _places(self, weights: _Floats) -> _Floats:
        """Returns the optimal rates' logarithms, [m, sizes], once for all estimates."""
        key = weights.tobytes()
        if key not in self._remembered:
            each = [optimal_rate.places(own, weights) for own in self._sweeps.values()]
            self._remembered[key] = np.stack(each, axis=1)
        return self._remembered[key]


def judge_slope(
    claim: str, found: Regimes, predicted: float = 1.0, note: str = ""
) -> claims.Claim:
    """Judges how the optimal rate grows with the batch size below the boundary.

    Args:
      claim: the sentence.
      found: of one momentum.
      predicted: 1, in proportion, or 1/2, the square root; the claim holds only if the
        other, and none, are excluded.
      note: added to the claim's.
    """
    boundary = found.boundary.interval().value
    below = [size for size in found.batch_sizes if not size > boundary]
    words = f"{len(below)} of {_count(found)} batch sizes below the boundary"
    judged, at_best = (
        _scales(
            claim,
            "exponent of the optimal effective learning rate against the batch size "
            "below the boundary",
            estimate,
            predicted,
            "; ".join(filter(None, (words, _left_out(found), note))),
        )
        for estimate in (found.slope, found.ideal_slope)
    )
    if judged.measured is not None and at_best.verdict == claims.UNDECIDED:
        reason = "the rates tried are too far apart, whatever the number of seeds"
        return claims.left_open(judged, reason)
    return judged


def judge_plateau(claim: str, found: Regimes, note: str = "") -> claims.Claim:
    """Judges that the optimal rate is constant from the boundary on.

    Args:
      claim: the sentence.
      found: of one momentum.
      note: added to the claim's.
    """
    boundary = found.boundary.interval().value
    beyond = [size for size in found.batch_sizes if size >= boundary]
    words = f"{len(beyond)} of {_count(found)} batch sizes from the boundary on"
    judged = _scales(
        claim,
        "exponent of the optimal effective learning rate against the batch size from "
        "the boundary on",
        found.above,
        0.0,
        "; ".join(filter(None, (words, _left_out(found), note))),
    )
    if judged.measured is None and found.batch_sizes:
        reason = "the optimal rate rises up to the largest batch sizes tried"
        return claims.left_open(judged, f"{reason}: {len(beyond)} beyond the boundary")
    return judged


def _scales(
    claim: str,
    quantity: str,
    estimate: estimates.Estimate,
    predicted: float,
    note: str,
) -> claims.Claim:
    band = predicted - _HALF_BAND, predicted + _HALF_BAND
    others = [exponent for exponent in _EXPONENTS if exponent != predicted]
    return claims.scales_as(claim, quantity, estimate, predicted, band, others, note)


def _count(found: Regimes) -> int:
    return len(found.batch_sizes) + len(found.left_out)


def _left_out(found: Regimes) -> str:
    if not found.left_out:
        return ""
    sizes = ", ".join(f"{size:,}" for size in found.left_out)
    return f"B = {sizes} left out: the best rate lies at an edge of those tried"
