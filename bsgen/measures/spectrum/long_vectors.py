"""Inner products and sums of long vectors that do not wait for the threads of BLAS.

BLAS spreads even one inner product of 10,000 entries over its threads. Where other work
holds a core, as TensorFlow's own threads do after a product, each call waits some 10 ms
for it: longer than the sum takes, up to some millions of entries.
"""

from __future__ import annotations

import numpy as np

from bsgen.measures.operators.linear_operator import FloatArray

_BLAS_ENTRIES = 2**22  # of all rows together; with more, BLAS is faster after all


def inner(rows: FloatArray, vector: FloatArray) -> FloatArray:
    """Returns the inner products of rows [m, P] with a vector [P], [m]."""
    if rows.size > _BLAS_ENTRIES:
        return rows @ vector
    return np.einsum("ij,j->i", rows, vector)


def combination(coefficients: FloatArray, rows: FloatArray) -> FloatArray:
    """Returns the sum of rows [m, P] times coefficients [m], [P]."""
    if rows.size > _BLAS_ENTRIES:
        return coefficients @ rows
    return np.einsum("i,ij->j", coefficients, rows)


def dot(first: FloatArray, second: FloatArray) -> float:
    """Returns the inner product of two vectors [P]."""
    return float(inner(first[np.newaxis], second)[0])


def norm(vector: FloatArray) -> float:
    """Returns the length of a vector [P]."""
    return float(np.sqrt(dot(vector, vector)))
