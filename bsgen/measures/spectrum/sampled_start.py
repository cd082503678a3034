"""Where a search for the top eigenvalue starts: at that of a sample of the data.

A Gaussian vector has about 1 / P of its square along the top eigenvector, and the first
products go into raising that share. The Hessian of a small sample has nearly the same
top eigenvector, at a fraction of the cost. What a sample misses is not lost: its Ritz
vector comes from a Gaussian one and has a part along every eigenvector. But that part
may be small, and a loose tolerance met too early; so `spectrum_ends` also waits until
values no longer move.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bsgen.measures.operators import data_operator, linear_operator
from bsgen.measures.spectrum import lanczos

# Together these cost half a product over all examples. Fewer examples than `_FEWEST`
# have top eigenvectors of their own. Our choice.
_STEPS = 8
_SHARE = 1 / 16
_FEWEST = 32


class Start(NamedTuple):
    """A start vector [P], None for a random one; its cost in products over all data."""

    vector: linear_operator.FloatArray | None
    num_products: float


def find(operator: linear_operator.LinearOperator, seed: int) -> Start:
    """Returns the top Ritz vector of a random sample of the operator's examples.

    Args:
      operator: symmetric. Only a `data_operator.DataOperator` over arrays, of enough
        examples, has samples.
      seed: of the sample and of the start there.
    """
    if not isinstance(operator, data_operator.DataOperator):
        return Start(None, 0.0)
    total = operator.num_examples or 0
    count = int(_SHARE * total)
    if count < _FEWEST:
        return Start(None, 0.0)
    draw = np.random.default_rng(seed)
    with operator.on_sample(count, draw):
        start = draw.normal(size=operator.size)
        solver = lanczos.Lanczos(operator, start, _STEPS)
        while not solver.exhausted:
            solver.advance()
    return Start(solver.top_vector(), solver.num_products * count / total)
