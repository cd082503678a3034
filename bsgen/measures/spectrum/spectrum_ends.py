"""The ends of a symmetric operator's spectrum, by Lanczos' method.

An answer has converged when its estimated error (`lanczos.RitzPairs.errors`) is at most
`tolerance` times its modulus, and the last product has moved it by no more: a small
basis, or one that starts near the eigenvector of another eigenvalue, makes the
estimate too small. Eigenvalues below a thousandth of the largest modulus are held to
that thousandth's tolerance, as float32 products know them no better.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from bsgen import errors
from bsgen.measures import progress
from bsgen.measures.operators import linear_operator
from bsgen.measures.spectrum import lanczos

_SMALLEST = 1e-3  # of the largest modulus, see above
# Of the Ritz pairs, the errors that they may have, and the values one product before.
_Converged = Callable[
    [lanczos.RitzPairs, linear_operator.FloatArray, linear_operator.FloatArray], bool
]


@dataclasses.dataclass(frozen=True)
class Eigenvalue:
    """One eigenvalue of the Hessian of the mean loss.

    Attributes:
      value: the eigenvalue.
      residual: |H u - value u| of its unit vector u; an eigenvalue lies within it.
      error: estimated distance to an eigenvalue, at most `residual`.
      num_products: Hessian-vector products taken.
      stopped_because: see `progress.StoppedBecause`.
      mode: "inference" or "training", how batch norm was measured; "" for an operator
        without data.
      start_products: products besides, in all, that the start cost, see
        `sampled_start`.
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
      mode: "inference" or "training"; "" for an operator without data.
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


def extremes_of(
    operator: linear_operator.LinearOperator,
    k_top: int,
    k_bottom: int = 0,
    tolerance: float = 1e-3,
    max_products: int = 200,
    block_size: int | None = None,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
    start: linear_operator.FloatArray | None = None,
) -> ExtremeEigenvalues:
    """Does what `eigenvalues.extreme_eigenvalues` does, for any operator.

    `start` [P] takes the place of the first random start vector.

    Raises:
      UserError: an argument is out of range.
    """
    k_top = errors.check_integer("k_top", k_top, 0)
    k_bottom = errors.check_integer("k_bottom", k_bottom, 0)
    count = k_top + k_bottom
    if not 1 <= count <= operator.size:
        remedy = f"k_top and k_bottom must sum to 1 to {operator.size}, its dimension"
        raise errors.UserError("k_top", k_top, remedy)
    limit = errors.check_integer("max_products", max_products, count)
    if block_size is None:
        block_size = max(k_top, k_bottom)
    block_size = errors.check_integer("block_size", block_size, 1)
    wanted = np.r_[np.arange(-1, -k_top - 1, -1), np.arange(k_bottom)]

    def converged(
        pairs: lanczos.RitzPairs,
        goals: linear_operator.FloatArray,
        last: linear_operator.FloatArray,
    ) -> bool:
        if len(last) < count:
            return False
        moved = np.abs(pairs.values[wanted] - last[wanted])
        largest = np.maximum(moved, pairs.errors[wanted])
        return bool(np.all(largest <= goals[wanted]))

    begin = _Start(operator, block_size, seed, start)
    pairs, stopped_because = _solve(
        begin, converged, wanted, tolerance, limit, on_progress
    )
    # An interrupted run may know fewer than were asked for.
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
    )


def largest_magnitude_of(
    operator: linear_operator.LinearOperator,
    tolerance: float = 1e-3,
    max_products: int = 100,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
) -> Eigenvalue:
    """Does what `eigenvalues.largest_magnitude_eigenvalue` does, for any operator.

    Raises:
      UserError: an argument is out of range.
    """
    limit = errors.check_integer("max_products", max_products, 1)
    ends = np.array([-1, 0])

    def converged(
        pairs: lanczos.RitzPairs,
        goals: linear_operator.FloatArray,
        last: linear_operator.FloatArray,
    ) -> bool:
        if not len(last):
            return False
        winner, other = ends[np.argsort(-np.abs(pairs.values[ends]), kind="stable")]
        moved = abs(pairs.values[winner] - last[winner])
        if max(moved, pairs.errors[winner]) > goals[winner]:
            return False
        reach = np.abs(pairs.values[other]) + pairs.residuals[other]
        smaller = bool(reach <= np.abs(pairs.values[winner]))
        return smaller or bool(pairs.errors[other] <= goals[other])

    start = _Start(operator, 1, seed)
    pairs, stopped_because = _solve(
        start, converged, ends, tolerance, limit, on_progress
    )
    winner = int(np.argmax(np.abs(pairs.values)))
    return Eigenvalue(
        value=float(pairs.values[winner]),
        residual=float(pairs.residuals[winner]),
        error=float(pairs.errors[winner]),
        num_products=len(pairs.values),
        stopped_because=stopped_because,
    )


@dataclasses.dataclass(frozen=True)
class _Start:
    operator: linear_operator.LinearOperator
    block_size: int
    seed: int
    vector: linear_operator.FloatArray | None = None


def _solve(
    start: _Start,
    converged: _Converged,
    wanted: npt.NDArray[np.int64],
    tolerance: float,
    limit: int,
    on_progress: progress.OnProgress | None,
) -> tuple[lanczos.RitzPairs, progress.StoppedBecause]:
    """Runs until `converged`."""
    tolerance = errors.check_real("tolerance", tolerance, 0.0)
    size = start.operator.size
    draw = np.random.default_rng(start.seed)
    vectors = draw.normal(size=(min(start.block_size, size), size))
    if start.vector is not None:
        vectors[0] = start.vector
    solver = lanczos.Lanczos(start.operator, vectors, limit)
    pairs = None
    last = np.zeros(0)
    try:
        while True:
            solver.advance()
            pairs = solver.ritz_pairs()
            _report(on_progress, pairs, wanted, limit)
            moduli = np.abs(pairs.values)
            goals = tolerance * np.maximum(moduli, _SMALLEST * moduli.max())
            if solver.complete:
                return pairs, progress.COMPLETE
            if len(moduli) >= len(vectors) and converged(pairs, goals, last):
                return pairs, progress.TOLERANCE
            last = pairs.values
            if len(moduli) == limit:
                return pairs, progress.MAX_PRODUCTS
            if solver.exhausted:
                solver.restart(draw.normal(size=size))
    except KeyboardInterrupt:
        if pairs is None:
            raise
        return pairs, progress.interrupted()


def _report(
    on_progress: progress.OnProgress | None,
    pairs: lanczos.RitzPairs,
    wanted: npt.NDArray[np.int64],
    limit: int,
) -> None:
    if on_progress is None or len(pairs.values) < len(wanted):
        return
    value = float(pairs.values[wanted[0]])
    error = float(np.max(pairs.errors[wanted]))
    on_progress(progress.Progress(len(pairs.values), limit, value, error))
