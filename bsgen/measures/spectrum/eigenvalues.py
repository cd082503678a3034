"""The outermost eigenvalues of a symmetric operator, of the Hessian above all.

The largest eigenvalue bounds the learning rate (Smith, Elsen & De 2020, section 3.1)
and measures the width of a minimum (Jastrzebski et al. 2018, figure 3). It is not the
eigenvalue of largest modulus, which power iteration finds and which may be negative:
`top_eigenvalue` and `largest_magnitude_eigenvalue` are two measures. How they are
computed and when they stop: `spectrum_ends`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from bsgen import errors, interrupts
from bsgen.measures import progress
from bsgen.measures.operators import linear_operator
from bsgen.measures.spectrum import lanczos, sampled_start, spectrum_ends


@dataclasses.dataclass(frozen=True)
class Eigenvalue:
    """One eigenvalue of an operator H.

    Attributes:
      value: the eigenvalue.
      residual: |H u - value u| of its unit vector u; an eigenvalue lies within it.
      error: estimated distance to an eigenvalue, at most `residual`.
      num_products: products taken.
      stopped_because: see `progress.StoppedBecause`.
      mode: how the model was measured, see `linear_operator.mode`.
      start_products: what the start cost besides, in products, see `sampled_start`.
    """

    value: float
    residual: float
    error: float
    num_products: int
    stopped_because: progress.StoppedBecause
    mode: str = ""
    start_products: float = 0.0


@dataclasses.dataclass(frozen=True)
class ExtremeEigenvalues:
    """Both ends of a spectrum, each from its outermost value inwards.

    Attributes:
      top: [k_top], descending.
      bottom: [k_bottom], ascending.
      top_residuals: [k_top], as `Eigenvalue.residual`.
      bottom_residuals: [k_bottom].
      top_errors: [k_top], as `Eigenvalue.error`.
      bottom_errors: [k_bottom].
      num_products: products taken.
      stopped_because: see `progress.StoppedBecause`.
      mode: how the model was measured, see `linear_operator.mode`.
    """

    top: linear_operator.FloatArray
    bottom: linear_operator.FloatArray
    top_residuals: linear_operator.FloatArray
    bottom_residuals: linear_operator.FloatArray
    top_errors: linear_operator.FloatArray
    bottom_errors: linear_operator.FloatArray
    num_products: int
    stopped_because: progress.StoppedBecause
    mode: str = ""


@interrupts.kept()
def top_eigenvalue(
    hessian: linear_operator.LinearOperator,
    *,
    tolerance: float = 1e-3,
    max_products: int = 100,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
    keep_partial: bool = False,
) -> Eigenvalue:
    """Measures the LARGEST eigenvalue.

    Args:
      hessian: a `measures.Hessian`, or any symmetric operator.
      tolerance: relative error at which to stop, at least 0.
      max_products: at least 1; the basis takes 8 bytes a weight a product.
      seed: of the start. Where data are arrays of 512 examples or more, the start is
        found on a sample of them, at half a product's cost; else it is random.
      on_progress: called after every product.
      keep_partial: whether Ctrl-C returns what is known so far instead of raising.

    Raises:
      UserError: an argument is wrong, or the loss has no finite second derivative.
    """
    errors.check_real("tolerance", tolerance, 0.0)
    errors.check_integer("max_products", max_products, 1)
    start = sampled_start.find(hessian, seed)
    pairs, stopped_because = spectrum_ends.search(
        hessian,
        lambda known: bool(known.off(-1) <= known.goals[-1]),
        np.array([-1]),
        tolerance=tolerance,
        max_products=max_products,
        seed=seed,
        start=start.vector,
        on_progress=on_progress,
        keep_partial=keep_partial,
    )
    return _eigenvalue(hessian, pairs, -1, stopped_because, start.num_products)


@interrupts.kept()
def largest_magnitude_eigenvalue(
    hessian: linear_operator.LinearOperator, **options: Any
) -> Eigenvalue:
    """Measures the eigenvalue of largest MODULUS, with its sign.

    Arguments, result and errors are those of `top_eigenvalue`, but the start is random.
    It stops when the other end of the spectrum is certainly of smaller modulus or as
    exactly known.
    """
    ends = np.array([-1, 0])

    def converged(known: spectrum_ends.State) -> bool:
        values, goals = known.pairs.values, known.goals
        winner, other = ends[np.argsort(-np.abs(values[ends]), kind="stable")]
        if known.off(winner) > goals[winner]:
            return False
        reach = np.abs(values[other]) + known.pairs.residuals[other]
        smaller = bool(reach <= np.abs(values[winner]))
        return smaller or bool(known.pairs.errors[other] <= goals[other])

    pairs, stopped_because = spectrum_ends.search(hessian, converged, ends, **options)
    winner = int(np.argmax(np.abs(pairs.values)))
    return _eigenvalue(hessian, pairs, winner, stopped_because)


@interrupts.kept()
def extreme_eigenvalues(
    hessian: linear_operator.LinearOperator,
    k_top: int,
    k_bottom: int = 0,
    *,
    max_products: int = 200,
    block_size: int | None = None,
    **options: Any,
) -> ExtremeEigenvalues:
    """Measures the `k_top` largest and `k_bottom` smallest eigenvalues.

    Args:
      hessian: a `measures.Hessian`, or any symmetric operator, of P rows.
      k_top: at least 0.
      k_bottom: at least 0; the two sum to at least 1 and at most P.
      max_products: at least k_top + k_bottom.
      block_size: number of start vectors; an eigenvalue of multiplicity r is counted
        min(r, block_size) times. None for the larger of the two k; 1 takes the fewest
        products where all eigenvalues are known to be simple.
      **options: the others of `top_eigenvalue`. All wanted eigenvalues must meet its
        `tolerance`; `on_progress` gets the outermost and the largest wanted error. With
        `keep_partial` there may be fewer values than asked for.

    Raises:
      UserError: an argument is wrong, or the loss has no finite second derivative.
    """
    size = linear_operator.size(hessian)
    k_top = errors.check_integer("k_top", k_top, 0)
    k_bottom = errors.check_integer("k_bottom", k_bottom, 0)
    count = k_top + k_bottom
    if not 1 <= count <= size:
        remedy = f"k_top and k_bottom must sum to 1 to {size}, its dimension"
        raise errors.UserError("k_top", k_top, remedy)
    limit = errors.check_integer("max_products", max_products, count)
    if block_size is None:
        block_size = max(k_top, k_bottom)
    wanted = np.r_[np.arange(-1, -k_top - 1, -1), np.arange(k_bottom)]
    pairs, stopped_because = spectrum_ends.search(
        hessian,
        lambda known: (
            len(known.last) >= count
            and bool(np.all(known.off(wanted) <= known.goals[wanted]))
        ),
        wanted,
        max_products=limit,
        block_size=errors.check_integer("block_size", block_size, 1),
        **options,
    )
    known = min(count, len(pairs.values))
    top = wanted[: min(k_top, known)]
    bottom = wanted[k_top : k_top + known - len(top)]
    return ExtremeEigenvalues(
        top=pairs.values[top],
        bottom=pairs.values[bottom],
        top_residuals=pairs.residuals[top],
        bottom_residuals=pairs.residuals[bottom],
        top_errors=pairs.errors[top],
        bottom_errors=pairs.errors[bottom],
        num_products=len(pairs.values),
        stopped_because=stopped_because,
        mode=linear_operator.mode(hessian),
    )


def _eigenvalue(
    operator: linear_operator.LinearOperator,
    pairs: lanczos.RitzPairs,
    place: int,
    stopped_because: progress.StoppedBecause,
    start_products: float = 0.0,
) -> Eigenvalue:
    return Eigenvalue(
        value=float(pairs.values[place]),
        residual=float(pairs.residuals[place]),
        error=float(pairs.errors[place]),
        num_products=len(pairs.values),
        stopped_because=stopped_because,
        mode=linear_operator.mode(operator),
        start_products=start_products,
    )
