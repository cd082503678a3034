"""The Frobenius norm of the Hessian, from products with random vectors.

|H|_F^2 = E[|H z|^2] over Rademacher probes z: Hutchinson's estimator for H^2. The mean
of |H z|^2 is unbiased. Its root, the norm, has by the delta method the standard error
se(|H|_F^2) / (2 |H|_F), and a bias of -se^2 / (2 |H|_F), of second order.

Jastrzebski et al. (2018), section 3 and figure 3, approximate the norm "using the
finite difference method" and do not say how; "finite_differences" here takes H z from
central differences of gradients (`curvature.Hessian`, our choice).
"""

import dataclasses
import math
from typing import Any

import keras
import numpy as np

from bsgen import errors, interrupts
from bsgen.measures import progress
from bsgen.measures.objective import compiled_loss
from bsgen.measures.operators import curvature, linear_operator
from bsgen.measures.spectrum import long_vectors, probes

METHODS = ("products", "finite_differences")


@dataclasses.dataclass(frozen=True)
class FrobeniusNorm:
    """An estimate of a Frobenius norm.

    Attributes:
      value: the norm, root of `squared`.
      standard_error: of `value`, by the delta method; inf for one probe.
      squared: the squared norm, unbiased.
      squared_standard_error: of `squared`, over the probes.
      num_products: products taken, one a probe; by finite differences each is two
        gradients.
      stopped_because: see `progress.StoppedBecause`.
      method: "products" or "finite_differences"; "" for an operator without data.
      mode: "inference" or "training", how batch norm was measured; "" likewise.
    """

    value: float
    standard_error: float
    squared: float
    squared_standard_error: float
    num_products: int
    stopped_because: progress.StoppedBecause
    method: str = ""
    mode: str = ""


@interrupts.kept()
def hessian_frobenius_norm(
    model: keras.Model,
    loss: compiled_loss.Loss,
    data: Any,
    *,
    loss_weights: Any = None,
    regularization: bool = True,
    method: str = "products",
    step: float | None = None,
    relative_error: float = 0.05,
    max_products: int = 200,
    l2: float = 0.0,
    training: bool = False,
    batch_size: int = 256,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
) -> FrobeniusNorm:
    """Estimates the Frobenius norm of the Hessian of the MEAN loss.

    Args:
      model: a built model.
      loss: whatever `compile` takes as one; None for the model's own.
      data: (inputs, targets) or (inputs, targets, sample weights), arrays, or a
        tf.data.Dataset of such batches.
      loss_weights: as for `compile`.
      regularization: whether the losses that the model adds are counted, those of its
        layers' regularisers above all.
      method: "products" or "finite_differences".
      step: for "finite_differences", see `curvature.Hessian`.
      relative_error: standard error over the norm at which to stop; 0 to take all
        `max_products`.
      max_products: at least 2.
      l2: of a penalty l2 |w|^2 / 2, at least 0.
      training: measure batch norm in training mode instead of inference mode.
      batch_size: examples a call, for arrays.
      seed: of the probes.
      on_progress: is told after every probe.

    Returns:
      The estimate.

    Raises:
      UserError: an argument is wrong, or the loss has no second derivative or no finite
        one.
    """
    if method not in METHODS:
        raise errors.unknown_name("method", method, METHODS)
    operator = curvature.Hessian(
        model,
        loss,
        data,
        l2=l2,
        loss_weights=loss_weights,
        regularization=regularization,
        training=training,
        batch_size=batch_size,
        method="auto" if method == "products" else method,
        step=step,
    )
    found = frobenius_norm_of(operator, relative_error, max_products, seed, on_progress)
    return dataclasses.replace(found, method=method, mode=operator.mode)


def frobenius_norm_of(
    operator: linear_operator.LinearOperator,
    relative_error: float = 0.05,
    max_products: int = 200,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
) -> FrobeniusNorm:
    """Does what `hessian_frobenius_norm` does for any symmetric operator.

    Raises:
      UserError: an argument is out of range.
    """
    relative_error = errors.check_real("relative_error", relative_error, 0.0)
    limit = errors.check_integer("max_products", max_products, 2)
    draw = np.random.default_rng(seed)

    def sample() -> float:
        product = operator.matvec(probes.rademacher(draw, operator.size))
        return long_vectors.dot(product, product)

    def report(mean: probes.SampleMean) -> None:
        if on_progress is not None:
            norm, error = _root(mean)
            on_progress(progress.Progress(mean.num_samples, limit, norm, error))

    # The squared norm's relative error is twice that of the norm.
    mean = probes.sample_mean(sample, 2 * relative_error, limit, report=report)
    norm, error = _root(mean)
    return FrobeniusNorm(
        value=norm,
        standard_error=error,
        squared=mean.value,
        squared_standard_error=mean.standard_error,
        num_products=mean.num_samples,
        stopped_because=mean.stopped_because,
    )


def _root(mean: probes.SampleMean) -> tuple[float, float]:
    norm = math.sqrt(mean.value)
    if norm == 0.0:
        return norm, mean.standard_error
    return norm, mean.standard_error / (2.0 * norm)
