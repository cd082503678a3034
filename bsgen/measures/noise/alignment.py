"""How far the covariance of gradients is the Hessian, as a number.

Jastrzebski et al. (2018), assumption 2, take C = H: the covariance C of one example's
gradient and the Hessian H of the mean loss, at a minimum. For the negative log
likelihood of a model that is right both are the Fisher information; a network in
training is not. With the inner product tr(C H) of matrices, from Rademacher probes z
with E[(C z) . (H z)] = tr(C H), measured are

    alignment  tr(C H) / (|C|_F |H|_F), the cosine of their angle, 1 where C = scale H;
    scale      tr(C H) / |H|_F^2, that which brings scale H closest to C;
    distance   |C - H|_F / |H|_F.

Probes are shared, so that where C and H are alike the ratios vary little. Each ratio of
means has the standard error of the jackknife over probes.
"""

import dataclasses
import math
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from bsgen import errors, interrupts, statistics
from bsgen.measures import progress
from bsgen.measures.objective import compiled_loss
from bsgen.measures.operators import (
    curvature,
    gradient_covariance,
    linear_operator,
)
from bsgen.measures.spectrum import probes


@dataclasses.dataclass(frozen=True)
class NoiseAlignment:
    """How alike the covariance C of gradients and the Hessian H are.

    Attributes:
      value: the alignment, -1 to 1; nan where C or H is zero.
      standard_error: of `value`; inf for one probe, as all errors.
      scale: that of H which comes closest to C; the paper assumes 1.
      scale_standard_error: of it.
      distance: |C - H|_F / |H|_F; the paper assumes 0.
      distance_standard_error: of it.
      num_products: taken, of each matrix one a probe.
      stopped_because: see `progress.StoppedBecause`.
      mode: "inference"; how H was differentiated where that is not exact.
    """

    value: float
    standard_error: float
    scale: float
    scale_standard_error: float
    distance: float
    distance_standard_error: float
    num_products: int
    stopped_because: progress.StoppedBecause
    mode: str = ""


@interrupts.kept()
def noise_alignment(
    model: keras.Model,
    loss: compiled_loss.Loss,
    data: Any,
    *,
    loss_weights: Any = None,
    regularization: bool = True,
    standard_error: float = 0.02,
    max_products: int = 200,
    batch_size: int = 256,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
) -> NoiseAlignment:
    """Measures how alike the gradients' covariance and the MEAN loss's Hessian are.

    Args:
      model: a built model.
      loss: whatever `compile` takes as one; None for the model's own.
      data: (inputs, targets) or (inputs, targets, sample weights), arrays, or a
        tf.data.Dataset of such batches.
      loss_weights: as for `compile`.
      regularization: whether the losses that the model adds are counted, those of its
        layers' regularisers above all.
      standard_error: of the alignment at which to stop; 0 to take all `max_products`.
      max_products: at least 2, of both matrices together.
      batch_size: examples a call, for arrays.
      seed: of the probes.
      on_progress: is told after every probe.

    Returns:
      Alignment, scale and distance.

    Raises:
      UserError: an argument is wrong, or the loss has no second derivative or no finite
        one.
      KeyboardInterrupt: before the first probe; later ones end the measure.
    """
    covariance = gradient_covariance.GradientCovariance(
        model,
        loss,
        data,
        loss_weights=loss_weights,
        regularization=regularization,
        batch_size=batch_size,
    )
    hessian = curvature.Hessian(
        model,
        loss,
        data,
        loss_weights=loss_weights,
        regularization=regularization,
        batch_size=batch_size,
    )
    found = noise_alignment_of(
        covariance, hessian, standard_error, max_products, seed, on_progress
    )
    return dataclasses.replace(found, mode=hessian.mode)


def noise_alignment_of(
    covariance: linear_operator.LinearOperator,
    curvature: linear_operator.LinearOperator,
    standard_error: float = 0.02,
    max_products: int = 200,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
) -> NoiseAlignment:
    """Does what `noise_alignment` does for any two symmetric operators of one size.

    Raises:
      UserError: an argument is out of range.
    """
    goal = errors.check_real("standard_error", standard_error, 0.0)
    limit = errors.check_integer("max_products", max_products, 2) // 2
    draw = np.random.default_rng(seed)
    rows: list[tuple[float, float, float]] = []
    stopped_because: progress.StoppedBecause = progress.MAX_PRODUCTS
    try:
        while len(rows) < limit:
            probe = probes.rademacher(draw, curvature.size)
            noise, bend = covariance.matvec(probe), curvature.matvec(probe)
            rows.append((float(noise @ bend), float(noise @ noise), float(bend @ bend)))
            found = _from_rows(rows, progress.TOLERANCE)
            if on_progress is not None:
                done, most = found.num_products, 2 * limit
                error = found.standard_error
                on_progress(progress.Progress(done, most, found.value, error))
            if len(rows) >= probes.MIN_PROBES and found.standard_error <= goal:
                return found
    except KeyboardInterrupt:
        if not rows:
            raise
        stopped_because = progress.interrupted()
    return _from_rows(rows, stopped_because)


def _from_rows(
    rows: list[tuple[float, float, float]], stopped_because: progress.StoppedBecause
) -> NoiseAlignment:
    """Returns the ratios of means over probes of (C z . H z, |C z|^2, |H z|^2)."""
    table = np.array(rows)
    count = len(table)
    standard_errors = np.full(3, math.inf)
    with np.errstate(divide="ignore", invalid="ignore"):  # C or H may be zero
        values = _ratios(table.mean(axis=0, keepdims=True))[0]
        if count > 1:
            left_out = _ratios((table.sum(axis=0) - table) / (count - 1))
            standard_errors = statistics.jackknife_error(left_out)
    pairs = zip(values.tolist(), standard_errors.tolist(), strict=True)
    alignment, scale, distance = pairs
    return NoiseAlignment(
        *alignment,
        *scale,
        *distance,
        num_products=2 * count,
        stopped_because=stopped_because,
    )


def _ratios(means: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns alignment, scale and distance [K, 3] from means [K, 3]."""
    mixed, noise, bend = means.T
    alignment = mixed / np.sqrt(noise * bend)
    scale = mixed / bend
    distance = np.sqrt(np.maximum(noise - 2 * mixed + bend, 0.0) / bend)
    return np.stack([alignment, scale, distance], axis=1)
