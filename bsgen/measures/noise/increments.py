"""The covariance of the gradients of different batches, by drawing epochs.

Hoffer et al. (2017), arXiv 1705.08741, appendix A. At fixed weights the gradients of
batches t and t + k differ in their examples alone; what `bsgen.theory.increments` says
of their covariance does not enter the measurement.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bsgen import errors, interrupts, statistics
from bsgen.data import sampling as batch_sampling
from bsgen.measures.noise import batch_gradients
from bsgen.measures.objective import compiled_loss, given_model, mean_loss
from bsgen.measures.operators.linear_operator import FloatArray

_DRAWS = {
    "shuffle": batch_sampling.batches,
    "independent": batch_sampling.independent_batches,
}
# Deviations of gradients held at once, besides those of the largest lag, in bytes. Our
# choice.
_MAX_BYTES = 2**27


@dataclasses.dataclass(frozen=True, eq=False)
class IncrementCovariance:
    """The covariance of the gradients of two batches, by lag.

    Attributes:
      lags: k, [L].
      covariance: trace of the covariance of batches t and t + k, mean over t, [L];
        unbiased, since the mean gradient is known.
      covariance_standard_error: of `covariance`, over streams, [L].
      variance: trace of the covariance of a batch's gradient.
      correlation: covariance / variance, [L].
      correlation_standard_error: of `correlation`, the jackknife's over streams, [L].
      along: correlations along unit vectors, [L, 1 + K]: the full gradient's direction,
        then K random ones; NaN along one without variance.
      along_standard_error: of `along`, [L, 1 + K].
      example_trace: tr(F), of single examples; F is divided by N - 1.
      squared_gradient: |g|^2, of the full gradient.
      batch_size: B.
      num_examples: N.
      num_pairs: of batches, by lag, in each stream, [L].
      num_streams: drawn.
      mode: "inference", and the notes of `mean_loss.MeanLoss.mode`.
    """

    lags: npt.NDArray[np.int64]
    covariance: FloatArray
    covariance_standard_error: FloatArray
    variance: float
    correlation: FloatArray
    correlation_standard_error: FloatArray
    along: FloatArray
    along_standard_error: FloatArray
    example_trace: float
    squared_gradient: float
    batch_size: int
    num_examples: int
    num_pairs: npt.NDArray[np.int64]
    num_streams: int
    mode: str = mean_loss.INFERENCE


@interrupts.kept()
def increment_covariance(
    model: given_model.Model,
    loss: compiled_loss.Loss,
    data: Any,
    batch_size: int,
    lags: Sequence[int],
    *,
    sampling: str = "shuffle",
    one_epoch: bool = False,
    loss_weights: Any = None,
    regularization: bool = True,
    num_streams: int = 20,
    num_directions: int = 1,
    seed: int = 0,
) -> IncrementCovariance:
    """Measures how the gradients of different batches covary, at fixed weights.

    It is in inference mode, like `measures.noise_by_batch_size`. Each stream is drawn
    as the batches of training are; t goes through the whole batches of its first epoch.
    The cost is a gradient for each batch of an epoch and of the largest lag, times
    `num_streams`, and two gradients of every example.

    Args not named here are those of `measures.Hessian`.

    Args:
      data: as there, of N examples, at least 2; a data set is read into memory.
      batch_size: B, below N; the full batch has no noise.
      lags: k, each at least 1.
      sampling: "shuffle" or "independent", as `DataConfig.sampling`.
      one_epoch: whether t + k must be a batch of the same epoch as t, so that lags are
        below N/B; otherwise it may be of one to come.
      num_streams: independent ones, at least 2.
      num_directions: K, at least 0.
      seed: of the streams and random directions.

    Raises:
      UserError: an argument is wrong, or something is not finite.
    """
    of_batches = batch_gradients.BatchGradients(
        model, loss, data, loss_weights, regularization
    )
    return of_batch_gradients(
        of_batches,
        batch_size,
        lags,
        sampling=sampling,
        one_epoch=one_epoch,
        num_streams=num_streams,
        num_directions=num_directions,
        seed=seed,
    )


def of_batch_gradients(
    of_batches: batch_gradients.BatchGradients,
    batch_size: int,
    lags: Sequence[int],
    *,
    sampling: str = "shuffle",
    one_epoch: bool = False,
    num_streams: int = 20,
    num_directions: int = 1,
    seed: int = 0,
) -> IncrementCovariance:
    """As `increment_covariance`, for several measurements that share what is compiled.

    Args:
      of_batches: at the weights of its last update; the others are as there.
    """
    if sampling not in _DRAWS:
        raise errors.unknown_name("sampling", sampling, _DRAWS)
    count = errors.check_integer("num_streams", num_streams, 2)
    num_examples = of_batches.num_examples
    size = errors.check_integer("batch_size", batch_size, 1, num_examples - 1)
    in_epoch = num_examples // size
    most = in_epoch - 1 if one_epoch else None
    checked = [errors.check_integer("lags", lag, 1, most) for lag in lags]
    if not checked:
        raise errors.UserError("lags", lags, "give at least one")
    num_steps = in_epoch if one_epoch else in_epoch + max(checked)
    # A batch beside itself, and beside those that come later.
    beside = np.array([0, *checked])
    num_pairs = in_epoch - beside * one_epoch
    directions = of_batches.directions(num_directions, seed)
    deviations = of_batches.compiled(batch_gradients.itself, directions)
    products = np.stack(
        [
            _products(deviations, directions, positions, beside, num_pairs)
            for positions in (
                _DRAWS[sampling](each, 0, num_steps, size, num_examples)
                for each in _seeds(seed, count)
            )
        ]
    )  # [streams, 1 + L, 2 + K]
    without = (products.sum(axis=0) - products) / (count - 1)
    means, left_out = (_correlations(each) for each in (products.mean(axis=0), without))
    spread = statistics.jackknife_error(left_out)
    return IncrementCovariance(
        lags=beside[1:],
        covariance=products[:, 1:, 0].mean(axis=0),
        covariance_standard_error=statistics.standard_error(products[:, 1:, 0]),
        variance=float(products[:, 0, 0].mean()),
        correlation=means[:, 0],
        correlation_standard_error=spread[:, 0],
        along=means[:, 1:],
        along_standard_error=spread[:, 1:],
        example_trace=of_batches.example_trace(),
        squared_gradient=float(of_batches.gradient @ of_batches.gradient),
        batch_size=size,
        num_examples=num_examples,
        num_pairs=num_pairs[1:],
        num_streams=count,
        mode=of_batches.mode,
    )


def _seeds(seed: int, count: int) -> list[int]:
    """Returns seeds of streams that those of other seeds do not share."""
    drawn = np.random.SeedSequence((seed, count)).generate_state(count, np.uint64)
    return [int(each) for each in drawn]


def _products(
    deviations: Any,
    directions: FloatArray,
    positions: npt.NDArray[Any],
    lags: npt.NDArray[np.int64],
    num_pairs: npt.NDArray[np.int64],
) -> FloatArray:
    """Returns mean products of deviations, in all and along vectors, [1 + L, 2 + K].

    Args:
      deviations: a function to those [T, P] of batches.
      directions: unit vectors, [1 + K, P].
      positions: of the batches, [T, B].
      lags: between the two batches of a pair.
      num_pairs: for each lag, that many pairs from the first batch on count.
    """
    num_directions, num_parameters = directions.shape
    at_once = max(1, _MAX_BYTES // (8 * num_parameters))
    totals = np.zeros((len(lags), 1 + num_directions))
    kept = np.empty((0, num_parameters))
    for first in range(0, len(positions), at_once):
        found = deviations(positions[first : first + at_once])
        # Of those before, the largest lag reaches back so far.
        begin = max(0, first - int(lags.max()))
        kept = np.concatenate([kept[len(kept) - (first - begin) :], found])
        along = kept @ directions.T
        later = np.arange(first, first + len(found))
        for total, lag, count in zip(totals, lags, num_pairs, strict=True):
            second = later[(later >= lag) & (later - lag < count)] - begin
            pair = second - lag, second
            total[0] += np.einsum("tp,tp->", *(kept[places] for places in pair))
            total[1:] += np.prod([along[places] for places in pair], axis=0).sum(axis=0)
    return totals / num_pairs[:, np.newaxis]


def _correlations(products: FloatArray) -> FloatArray:
    """Returns [..., L, 2 + K] of mean products [..., 1 + L, 2 + K]."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return products[..., 1:, :] / products[..., :1, :]
