"""A symmetric matrix that is known only by its products with vectors."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bsgen import errors

FloatArray = npt.NDArray[np.float64]


class LinearOperator(Protocol):
    """What the measures of a spectrum take: symmetric, of P rows.

    SciPy's operators are of this form, so `scipy.sparse.linalg.aslinearoperator` makes
    one of a matrix; and SciPy's solvers take ours.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """(P, P)."""

    def matvec(self, vector: npt.NDArray[Any], /) -> FloatArray:
        """Returns the product with a vector [P], as [P] in float64."""


def size(operator: LinearOperator) -> int:
    """Returns P.

    Raises:
      UserError: it is a model, or something else that is no square operator.
    """
    shape: tuple[int, ...] = getattr(operator, "shape", ())
    if not hasattr(operator, "matvec") or len(shape) != 2 or shape[0] != shape[1]:
        remedy = "give measures.Hessian(model, loss, data) or another square operator"
        raise errors.UserError("hessian", type(operator).__name__, remedy)
    return int(shape[0])


def mode(operator: LinearOperator) -> str:
    """Returns how the products of a model's operator are computed; "" for others."""
    return getattr(operator, "mode", "")
