"""The covariance of a batch's gradient against the batch size, by drawing batches.

Smith & Le (2017), arXiv 1710.06451, eqs. 13-15; Hoffer et al. (2017), arXiv 1705.08741,
appendix A. With g_i the gradient of one of the N examples, g their mean and

    F = sum (g_i - g) (g_i - g)^T / (N - 1),

the gradient of the mean loss of B examples has, exactly and for any F, the covariance

    (1/B - 1/N) F      drawn without replacement,
    (1 - 1/N) F / B    drawn with replacement.

N^2 times the first is eq. 15's N (N/B - 1) F, for the gradient of the SUM over the
training set; the paper's F is the covariance of independent g_i, which the F above
estimates without bias. Eq. 6 of Hoffer et al., for B << N, is the mean of g_i g_i^T
over B: F / B plus g g^T / B, which no batch has. (Their appendix gives a pair of
examples the probability B^2 / N^2 when each is selected at most once, and, without
replacement, B^2 / (N (N - 1)) in place of B (B - 1) / (N (N - 1)), so it is not exact
for larger B.)

None of this enters the measurement.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen import errors, interrupts, statistics
from bsgen.measures.noise import batch_gradients
from bsgen.measures.objective import compiled_loss, given_model, mean_loss
from bsgen.measures.operators.linear_operator import FloatArray


@dataclasses.dataclass(frozen=True, eq=False)
class BatchNoise:
    """The covariance of the gradient of the mean loss of a batch, by batch size.

    Attributes:
      batch_sizes: B, [S].
      trace: of the covariance, [S]; unbiased, since the mean gradient is known.
      trace_standard_error: of `trace`, over the batches drawn, [S].
      variances: along unit vectors, [S, 1 + K]: the full gradient's direction (0 if
        that is 0), then K random ones.
      variances_standard_error: of `variances`, [S, 1 + K].
      example_trace: tr(F), from the gradients of single examples.
      example_variances: of F along the same vectors, [1 + K].
      squared_gradient: |g|^2, of the full gradient.
      num_examples: N.
      num_batches: drawn at each batch size, [S].
      replacement: whether an example could be drawn twice.
      mode: "inference", and the notes of `mean_loss.MeanLoss.mode`.
    """

    batch_sizes: npt.NDArray[np.int64]
    trace: FloatArray
    trace_standard_error: FloatArray
    variances: FloatArray
    variances_standard_error: FloatArray
    example_trace: float
    example_variances: FloatArray
    squared_gradient: float
    num_examples: int
    num_batches: npt.NDArray[np.int64]
    replacement: bool
    mode: str = mean_loss.INFERENCE


@interrupts.kept()
def noise_by_batch_size(
    model: given_model.Model,
    loss: compiled_loss.Loss,
    data: Any,
    batch_sizes: Sequence[int],
    *,
    loss_weights: Any = None,
    regularization: bool = True,
    replacement: bool = False,
    num_batches: int | Sequence[int] = 200,
    num_directions: int = 1,
    seed: int = 0,
) -> BatchNoise:
    """Measures the covariance of the gradient of a batch.

    This is in inference mode, since with batch statistics the gradient of a batch is no
    mean of gradients of examples. An L2 penalty has no noise. The cost is `num_batches`
    gradients at each batch size, each of a whole batch at once, and
    2 + `num_directions` gradients of every example.

    Args not named here are those of `measures.Hessian`.

    Args:
      data: as there, of N examples, at least 2; a data set is read into memory.
      batch_sizes: each at least 1, and at most N without replacement.
      replacement: whether a batch may hold an example twice.
      num_batches: drawn independently at each batch size, at least 2: one number, or
        one for each size. Where few examples have large gradients, small batches need
        more.
      num_directions: K, at least 0.
      seed: of batches and random directions.

    Raises:
      UserError: an argument is wrong, or something is not finite.
    """
    of_batches = batch_gradients.BatchGradients(
        model, loss, data, loss_weights, regularization
    )
    num_examples = of_batches.num_examples
    sizes = _check_sizes(batch_sizes, num_examples, replacement)
    counts = _check_counts(num_batches, len(sizes))
    directions = of_batches.directions(num_directions, seed)
    example_trace, example_variances = of_batches.of_examples(directions)
    squares = of_batches.compiled(_squares, directions)
    # With the same seed, batches of one example would be the same in both ways.
    draw = np.random.default_rng((seed, replacement))
    found = []  # squares, [num_batches, 2 + K] for each batch size
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        found.append(squares(_draw(draw, num_examples, size, count, replacement)))
    means = np.stack([values.mean(axis=0) for values in found])
    spread = np.stack([statistics.standard_error(values) for values in found])
    return BatchNoise(
        batch_sizes=sizes,
        trace=means[:, 0],
        trace_standard_error=spread[:, 0],
        variances=means[:, 1:],
        variances_standard_error=spread[:, 1:],
        example_trace=example_trace,
        example_variances=example_variances,
        squared_gradient=float(of_batches.gradient @ of_batches.gradient),
        num_examples=num_examples,
        num_batches=counts,
        replacement=replacement,
        mode=of_batches.mode,
    )


def _check_sizes(
    batch_sizes: Sequence[int], num_examples: int, replacement: bool
) -> npt.NDArray[np.int64]:
    sizes = [errors.check_integer("batch_sizes", size, 1) for size in batch_sizes]
    if not sizes:
        raise errors.UserError("batch_sizes", batch_sizes, "give at least one")
    if not replacement and max(sizes) > num_examples:
        remedy = f"without replacement a batch has at most {num_examples} examples"
        raise errors.UserError("batch_sizes", max(sizes), remedy)
    return np.array(sizes)


def _check_counts(
    num_batches: int | Sequence[int], num_sizes: int
) -> npt.NDArray[np.int64]:
    given = np.atleast_1d(np.asarray(num_batches)).tolist()
    counts = [errors.check_integer("num_batches", count, 2) for count in given]
    if len(counts) not in (1, num_sizes):
        remedy = f"give one number, or one for each of the {num_sizes} batch sizes"
        raise errors.UserError("num_batches", num_batches, remedy)
    return np.broadcast_to(counts, num_sizes).astype(np.int64)


def _draw(
    draw: np.random.Generator,
    num_examples: int,
    batch_size: int,
    num_batches: int,
    replacement: bool,
) -> npt.NDArray[np.int64]:
    """Returns positions [num_batches, batch_size]."""
    if replacement:
        return draw.integers(num_examples, size=(num_batches, batch_size))
    return np.stack(
        [
            draw.choice(num_examples, batch_size, replace=False, shuffle=False)
            for _ in range(num_batches)
        ]
    )


def _squares(move: tf.Tensor, directions: tf.Tensor) -> tf.Tensor:
    """Returns the squares of a deviation [P], in all and along vectors, [2 + K]."""
    along = tf.linalg.matvec(directions, move)
    return tf.concat([[tf.reduce_sum(move**2)], along**2], axis=0)
