"""How alike the covariance of gradients and the Hessian are, as numbers.

Jastrzebski et al. (2018), assumption 2, take C = H: the covariance C of one example's
gradient and the Hessian H of the mean loss, at a minimum. For the negative log
likelihood of a correct model both are the Fisher information; a network in training is
not correct. Rademacher probes z estimate the inner product of the two matrices, since
E[(C z) . (H z)] = tr(C H), and with it

    alignment  tr(C H) / (|C|_F |H|_F), the cosine of their angle, 1 where C = scale H;
    scale      tr(C H) / |H|_F^2, which brings scale H closest to C;
    distance   |C - H|_F / |H|_F.

Both matrices meet the same probes, so that the ratios vary little where C and H are
alike. Their standard errors are the jackknife's, over the probes.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from bsgen import errors, interrupts, statistics
from bsgen.measures import progress
from bsgen.measures.operators import linear_operator
from bsgen.measures.spectrum import probes


@dataclasses.dataclass(frozen=True)
class NoiseAlignment:
    """How alike the covariance C of gradients and the Hessian H are.

    Attributes:
      value: the alignment, -1 to 1; nan where C or H is zero.
      standard_error: of `value`; inf for one probe, as all errors.
      scale: the multiple of H closest to C; the paper assumes 1.
      scale_standard_error: of `scale`.
      distance: |C - H|_F / |H|_F; the paper assumes 0.
      distance_standard_error: of `distance`.
      num_products: taken, for each probe one of each matrix.
      stopped_because: see `progress.StoppedBecause`.
      mode: that of the Hessian.
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
    hessian: linear_operator.LinearOperator,
    covariance: linear_operator.LinearOperator,
    *,
    standard_error: float = 0.02,
    max_products: int = 200,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
    keep_partial: bool = False,
) -> NoiseAlignment:
    """Measures how alike the gradients' covariance and the Hessian are.

    Args not named here are those of `eigenvalues.top_eigenvalue`.

    Args:
      hessian: a `measures.Hessian`, or any symmetric operator.
      covariance: a `measures.GradientCovariance` of the same model, loss and data, or
        any symmetric operator of the same size.
      standard_error: of the alignment at which to stop; 0 to take all `max_products`.
      max_products: at least 2, of both matrices together.

    Raises:
      UserError: an argument is wrong, or the loss has no finite second derivative.
    """
    goal = errors.check_real("standard_error", standard_error, 0.0)
    limit = errors.check_integer("max_products", max_products, 2) // 2
    draw = np.random.default_rng(seed)
    rows: list[tuple[float, float, float]] = []
    stopped_because: progress.StoppedBecause = progress.MAX_PRODUCTS
    try:
        while len(rows) < limit:
            probe = probes.rademacher(draw, linear_operator.size(hessian))
            noise, bend = covariance.matvec(probe), hessian.matvec(probe)
            rows.append((float(noise @ bend), float(noise @ noise), float(bend @ bend)))
            value, error = (of_all[0] for of_all in _ratios_with_errors(rows))
            if on_progress is not None:
                done = 2 * len(rows)
                on_progress(progress.Progress(done, 2 * limit, value, error))
            if len(rows) >= probes.MIN_PROBES and error <= goal:
                stopped_because = progress.TOLERANCE
                break
    except KeyboardInterrupt:
        stopped_because = progress.interrupted(keep_partial and rows)
    pairs = zip(*_ratios_with_errors(rows), strict=True)
    alignment, scale, distance = pairs
    return NoiseAlignment(
        *alignment,
        *scale,
        *distance,
        num_products=2 * len(rows),
        stopped_because=stopped_because,
        mode=linear_operator.mode(hessian),
    )


def _ratios_with_errors(
    rows: list[tuple[float, float, float]],
) -> tuple[list[float], list[float]]:
    """Returns alignment, scale and distance, and the standard errors of the three.

    Args:
      rows: for each probe, (C z . H z, |C z|^2, |H z|^2).
    """
    table = np.array(rows)
    count = len(table)
    standard_errors = np.full(3, math.inf)
    with np.errstate(divide="ignore", invalid="ignore"):  # C or H may be zero
        values = _ratios(table.mean(axis=0, keepdims=True))[0]
        if count > 1:
            left_out = _ratios((table.sum(axis=0) - table) / (count - 1))
            standard_errors = statistics.jackknife_error(left_out)
    return values.tolist(), standard_errors.tolist()


def _ratios(means: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns alignment, scale and distance [K, 3] from means [K, 3]."""
    mixed, noise, bend = means.T
    alignment = mixed / np.sqrt(noise * bend)
    scale = mixed / bend
    distance = np.sqrt(np.maximum(noise - 2 * mixed + bend, 0.0) / bend)
    return np.stack([alignment, scale, distance], axis=1)
