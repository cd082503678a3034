"""The critical learning rate of a model, from its measured curvature.

2 (1 + momentum) / max_eigenvalue (Smith, Elsen & De 2020, section 3.1; derivation in
`theory.critical_learning_rate`): above it full-batch descent leaves a minimum of that
curvature.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from bsgen import theory
from bsgen.measures import progress
from bsgen.measures.operators import linear_operator
from bsgen.measures.spectrum import eigenvalues


@dataclasses.dataclass(frozen=True)
class CriticalLearningRate:
    """The learning rate at which full-batch descent becomes unstable.

    Attributes:
      value: the rate; inf where no direction curves upwards.
      error: of `value`, from the estimated error of the eigenvalue.
      momentum: for which it holds.
      max_eigenvalue: from which it follows, with how it was measured.
    """

    value: float
    error: float
    momentum: float
    max_eigenvalue: eigenvalues.Eigenvalue

    @property
    def num_products(self) -> int:
        """Products taken."""
        return self.max_eigenvalue.num_products

    @property
    def stopped_because(self) -> progress.StoppedBecause:
        """See `progress.StoppedBecause`."""
        return self.max_eigenvalue.stopped_because

    @property
    def mode(self) -> str:
        """How the model was measured, see `linear_operator.mode`."""
        return self.max_eigenvalue.mode


def critical_learning_rate(
    hessian: linear_operator.LinearOperator, momentum: float = 0.0, **options: Any
) -> CriticalLearningRate:
    """Measures the critical learning rate for the MEAN loss.

    Args:
      hessian: a `measures.Hessian`, or any symmetric operator.
      momentum: of heavy-ball momentum, at least 0 and below 1.
      **options: those of `eigenvalues.top_eigenvalue`.

    Raises:
      UserError: an argument is wrong, or the loss has no finite second derivative.
    """
    per_curvature = float(theory.critical_learning_rate(1.0, momentum))
    top = eigenvalues.top_eigenvalue(hessian, **options)
    if top.value <= 0.0:
        return CriticalLearningRate(math.inf, math.inf, momentum, top)
    value = per_curvature / top.value
    return CriticalLearningRate(value, value * top.error / top.value, momentum, top)
