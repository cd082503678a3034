"""Lanczos' method with full reorthogonalisation, in float64, from products alone.

From b start vectors the products A v build an orthonormal basis V of m vectors with

    A V = V T + R,    T = V^T A V,

where R is zero except in the b columns whose products are not yet in the basis (the
band form of block Lanczos: Ruhe 1979). For an eigenpair (theta, s) of T the Ritz vector
V s has the residual |A V s - theta V s| = |R s|, and some eigenvalue of A lies within
it.

Every product is orthogonalised against the whole basis, twice, so that no copies of
converged eigenvalues appear. This costs 4 m P flops, and the basis 8 m P bytes. One
start vector sees one copy of an eigenvalue of any multiplicity, b vectors up to b.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from bsgen import interrupts
from bsgen.measures.operators import linear_operator
from bsgen.measures.spectrum import long_vectors

FloatArray = linear_operator.FloatArray

# A new direction this small, relative to A, is rounding: the space is exhausted.
_BREAKDOWN = 1e-13
_FIRST_ROWS = 128  # of the basis, which grows as needed


@dataclasses.dataclass(frozen=True)
class RitzPairs:
    """Eigenvalues of T, ascending, as approximations of those of A.

    Attributes:
      values: [m].
      residuals: [m]; for each value, some eigenvalue of A lies within its residual, up
        to the rounding of the products.
      first_weights: [m], squared first components of T's eigenvectors, of sum 1: with
        one start vector the weights of the Gauss quadrature of its spectral measure.
    """

    values: FloatArray
    residuals: FloatArray
    first_weights: FloatArray

    @property
    def errors(self) -> FloatArray:
        """[m], estimated distances of `values` to eigenvalues, at most `residuals`.

        These are residual^2 / gap where that is smaller (Kato and Temple), with the gap
        to the nearest other Ritz value less its residual. They are estimates: an
        eigenvalue that no Ritz value shows yet could be nearer.
        """
        if len(self.values) == 1:
            return self.residuals
        distances = np.abs(self.values[:, np.newaxis] - self.values)
        np.fill_diagonal(distances, np.inf)
        gaps = np.min(distances - self.residuals, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            squared = np.where(gaps > 0, self.residuals**2 / gaps, np.inf)
        return np.minimum(self.residuals, squared)


class Lanczos:
    """Builds the basis, one product at a time.

    Attributes:
      num_products: m, the number of vectors in the basis.
    """

    def __init__(
        self,
        operator: linear_operator.LinearOperator,
        starts: npt.ArrayLike,
        max_products: int,
    ):
        """Takes the start vectors.

        Args:
          operator: symmetric, of size P.
          starts: [b, P], or [P] for one; random, or part of A may stay unseen.
          max_products: at most so many calls of `advance`, at least 1.
        """
        self._operator = operator
        self._size = linear_operator.size(operator)
        self._limit = min(max_products, self._size)
        rows = min(self._limit, _FIRST_ROWS)
        self._basis = np.empty((rows, self._size))
        self._projected = np.zeros((rows, rows))
        # Vectors, orthogonal to the basis, that are still to join it. Each comes with
        # the number of the basis vector whose product left it; -1 for a start vector.
        self._waiting = [(-1, start) for start in np.atleast_2d(starts)]
        self.num_products = 0

    @property
    def exhausted(self) -> bool:
        """Whether the basis is full or A maps its span into itself."""
        full = self.num_products == self._limit
        return full or not self._drop_vanished()

    @property
    def complete(self) -> bool:
        """Whether the basis spans the whole space, so that T has A's spectrum."""
        return self.num_products == self._size

    def restart(self, start: npt.ArrayLike) -> None:
        """Goes on from a new vector [P] when there is nothing left to add."""
        self._waiting.append((-1, np.array(start, dtype=np.float64)))

    def advance(self) -> None:
        """Adds one vector to the basis, at the cost of one product."""
        interrupts.check()
        place = self.num_products
        if place == len(self._basis):
            self._grow()
        vector = self._waiting[0][1].copy()
        # Twice, because dividing by a small norm magnifies what rounding has left.
        for _ in range(2):
            self._orthogonalise(vector, place)
            vector /= long_vectors.norm(vector)
        rest = np.array(self._operator.matvec(vector), dtype=np.float64)
        # Nothing has changed so far, so an interrupted product leaves no trace.
        self._basis[place] = vector
        coefficients = long_vectors.inner(self._basis[: place + 1], rest)
        self._projected[place, : place + 1] = coefficients
        self._projected[: place + 1, place] = coefficients
        self._orthogonalise(rest, place + 1)
        others = [
            (j, w - long_vectors.dot(vector, w) * vector) for j, w in self._waiting[1:]
        ]
        self._waiting = [*others, (place, rest)]
        self.num_products = place + 1

    def ritz_pairs(self) -> RitzPairs:
        """Returns the Ritz pairs of the basis, which needs at least one vector."""
        size = self.num_products
        values, vectors = np.linalg.eigh(self._projected[:size, :size])
        owned = [(owner, rest) for owner, rest in self._waiting if owner >= 0]
        squares = np.zeros(size)
        if owned:
            parts = vectors[[owner for owner, _ in owned]]
            rests = np.array([rest for _, rest in owned])
            gram = np.stack([long_vectors.inner(rests, rest) for rest in rests])
            squares = np.sum(parts * (gram @ parts), axis=0)
        residuals = np.sqrt(np.maximum(squares, 0.0))
        return RitzPairs(values, residuals, vectors[0] ** 2)

    def top_vector(self) -> FloatArray:
        """Returns the unit Ritz vector [P] of the largest Ritz value."""
        size = self.num_products
        _, vectors = np.linalg.eigh(self._projected[:size, :size])
        return long_vectors.combination(vectors[:, -1], self._basis[:size])

    def _grow(self) -> None:
        """Doubles the room, up to the limit."""
        more = min(len(self._basis), self._limit - len(self._basis))
        self._basis = np.pad(self._basis, ((0, more), (0, 0)))
        self._projected = np.pad(self._projected, (0, more))

    def _drop_vanished(self) -> bool:
        """Drops vectors that are rounding; returns whether any is left."""
        scale = np.max(np.abs(self._projected), initial=0.0)
        self._waiting = [
            (owner, vector)
            for owner, vector in self._waiting
            if owner < 0 or long_vectors.norm(vector) > _BREAKDOWN * scale
        ]
        return bool(self._waiting)

    def _orthogonalise(self, vector: FloatArray, size: int) -> None:
        basis = self._basis[:size]
        for _ in range(2):
            vector -= long_vectors.combination(long_vectors.inner(basis, vector), basis)
