"""A symmetric matrix known by its products with vectors only."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class LinearOperator(Protocol):
    """What the solvers of this room take: any object with these two will do.

    Attributes:
      size: P, the number of rows.
    """

    size: int

    def matvec(self, vector: npt.NDArray[Any]) -> FloatArray:
        """Returns the product with a vector [P], as [P] in float64."""
