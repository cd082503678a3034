"""The Frobenius norm of an operator, of the Hessian above all, from its products.

|H|_F^2 = E[|H z|^2] over Rademacher probes z: Hutchinson's estimator for H^2. The mean
of |H z|^2 is unbiased. Its root, the norm, has by the delta method the standard error
se(|H|_F^2) / (2 |H|_F), and a bias of -se^2 / (2 |H|_F), of second order.

Jastrzebski et al. (2018), section 3 and figure 3, approximate the norm "using the
finite difference method" and do not say how. Our choice: an operator made with
`curvature.Hessian(..., method="finite_differences")` takes H z from central differences
of gradients.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from bsgen import errors, interrupts
from bsgen.measures import progress
from bsgen.measures.operators import data_operator, linear_operator
from bsgen.measures.spectrum import long_vectors, probes


@dataclasses.dataclass(frozen=True)
class FrobeniusNorm:
    """An estimate of a Frobenius norm.

    Attributes:
      value: the norm, root of `squared`.
      standard_error: of `value`, by the delta method; inf for one probe.
      squared: the squared norm, unbiased.
      squared_standard_error: of `squared`, over the probes.
      num_products: one a probe; by finite differences each is two gradients.
      stopped_because: see `progress.StoppedBecause`.
      method: "products" or "finite_differences".
      mode: how the model was measured, see `linear_operator.mode`.
    """

    value: float
    standard_error: float
    squared: float
    squared_standard_error: float
    num_products: int
    stopped_because: progress.StoppedBecause
    method: str
    mode: str = ""


@interrupts.kept()
def hessian_frobenius_norm(
    hessian: linear_operator.LinearOperator,
    *,
    relative_error: float = 0.05,
    max_products: int = 200,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
    keep_partial: bool = False,
) -> FrobeniusNorm:
    """Estimates the Frobenius norm.

    Arguments and errors are those of `trace.hessian_trace`; `relative_error` is
    that of the norm.
    """
    size = linear_operator.size(hessian)
    relative_error = errors.check_real("relative_error", relative_error, 0.0)
    limit = errors.check_integer("max_products", max_products, 2)
    draw = np.random.default_rng(seed)

    def sample() -> float:
        product = hessian.matvec(probes.rademacher(draw, size))
        return long_vectors.dot(product, product)

    def report(mean: probes.SampleMean) -> None:
        if on_progress is not None:
            norm, error = _root(mean)
            on_progress(progress.Progress(mean.num_samples, limit, norm, error))

    # The squared norm's relative error is twice that of the norm.
    mean = probes.sample_mean(
        sample, 2 * relative_error, limit, report=report, keep_partial=keep_partial
    )
    norm, error = _root(mean)
    differences = data_operator.FINITE_DIFFERENCES
    is_approximate = getattr(hessian, "method", "") == differences
    return FrobeniusNorm(
        value=norm,
        standard_error=error,
        squared=mean.value,
        squared_standard_error=mean.standard_error,
        num_products=mean.num_samples,
        stopped_because=mean.stopped_because,
        method=differences if is_approximate else "products",
        mode=linear_operator.mode(hessian),
    )


def _root(mean: probes.SampleMean) -> tuple[float, float]:
    norm = math.sqrt(mean.value)
    if norm == 0.0:
        return norm, mean.standard_error
    return norm, mean.standard_error / (2.0 * norm)
