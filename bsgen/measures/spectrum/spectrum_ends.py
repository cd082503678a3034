"""The search for the ends of a symmetric operator's spectrum, by Lanczos' method.

A value has converged when its estimated error (`lanczos.RitzPairs.errors`) is at most
`tolerance` times its modulus, and the last product has moved it by no more: a small
basis, or one that starts near the eigenvector of another eigenvalue, makes the
estimate too small. Eigenvalues below a thousandth of the largest modulus are held to
that thousandth's tolerance, since float32 products know them no better.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bsgen import errors
from bsgen.measures import progress
from bsgen.measures.operators import linear_operator
from bsgen.measures.spectrum import lanczos

_SMALLEST = 1e-3  # of the largest modulus, see above


class State(NamedTuple):
    """What is known after the second product or a later one.

    Attributes:
      pairs: m Ritz pairs.
      goals: [m], the errors that their values may have.
      last: [m - 1], the values one product before.
    """

    pairs: lanczos.RitzPairs
    goals: linear_operator.FloatArray
    last: linear_operator.FloatArray

    def off(self, places: int | npt.NDArray[np.int64]) -> linear_operator.FloatArray:
        """Returns how far the values at some places may still be from eigenvalues."""
        moved = np.abs(self.pairs.values[places] - self.last[places])
        return np.maximum(moved, self.pairs.errors[places])


def search(
    operator: linear_operator.LinearOperator,
    converged: Callable[[State], bool],
    wanted: npt.NDArray[np.int64],
    *,
    tolerance: float = 1e-3,
    max_products: int = 100,
    seed: int = 0,
    block_size: int = 1,
    start: linear_operator.FloatArray | None = None,
    on_progress: progress.OnProgress | None = None,
    keep_partial: bool = False,
) -> tuple[lanczos.RitzPairs, progress.StoppedBecause]:
    """Adds products until the search has `converged`.

    Args:
      operator: symmetric, of size P.
      converged: whether what is known will do.
      wanted: places of eigenvalues in ascending order; the first is reported.
      tolerance: as of `eigenvalues.top_eigenvalue`, like all that follow but two.
      max_products: see there.
      seed: see there.
      block_size: number of start vectors.
      start: [P], in place of the first random start vector.
      on_progress: see there; called with that value and the largest wanted error.
      keep_partial: see there.

    Raises:
      UserError: an argument is out of range.
    """
    tolerance = errors.check_real("tolerance", tolerance, 0.0)
    max_products = errors.check_integer("max_products", max_products, 1)
    size = linear_operator.size(operator)
    draw = np.random.default_rng(seed)
    starts = draw.normal(size=(min(block_size, size), size))
    if start is not None:
        starts[0] = start
    solver = lanczos.Lanczos(operator, starts, max_products)
    pairs = None
    last = np.zeros(0)
    try:
        while True:
            solver.advance()
            pairs = solver.ritz_pairs()
            if on_progress is not None and len(pairs.values) >= len(wanted):
                value = float(pairs.values[wanted[0]])
                error = float(np.max(pairs.errors[wanted]))
                done = len(pairs.values)
                on_progress(progress.Progress(done, max_products, value, error))
            moduli = np.abs(pairs.values)
            goals = tolerance * np.maximum(moduli, _SMALLEST * moduli.max())
            if solver.complete:
                return pairs, progress.COMPLETE
            seen_all = len(last) > 0 and len(moduli) >= len(starts)
            if seen_all and converged(State(pairs, goals, last)):
                return pairs, progress.TOLERANCE
            last = pairs.values
            if len(moduli) == max_products:
                return pairs, progress.MAX_PRODUCTS
            if solver.exhausted:
                solver.restart(draw.normal(size=size))
    except KeyboardInterrupt:
        if pairs is None or not keep_partial:
            raise
        return pairs, progress.interrupted()
