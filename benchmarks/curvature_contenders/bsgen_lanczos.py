"""This project: compiled products, Lanczos with its own stopping rule at 1 %."""

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks import curvature_problem
from bsgen.measures import lanczos, products

_TOLERANCE = 0.01


class Contender:
    """See `benchmarks.curvature_contenders`."""

    def __init__(self, problem: curvature_problem.Problem):
        model = curvature_problem.keras_model(problem.network)
        model.set_weights(problem.weights)
        arguments = (
            model,
            curvature_problem.cross_entropy,
            (problem.inputs, problem.labels),
        )
        self._hessians = {
            title: products.Hessian(
                *arguments, batch_size=problem.batch_size, method=method
            )
            for title, method in (
                ("forward over reverse", "forward_over_reverse"),
                ("reverse over reverse", "reverse_over_reverse"),
            )
        }
        self._hessian = self._hessians["forward over reverse"]

    def gradient(self) -> None:
        """Takes the gradient."""
        self._hessian.gradient()

    def products(self) -> dict[str, Callable[[], object]]:
        """Returns the two ways."""
        vector = np.random.default_rng(0).normal(size=self._hessian.size)
        return {
            title: lambda hessian=hessian: hessian.matvec(vector)
            for title, hessian in self._hessians.items()
        }

    def search(self, max_products: int, seed: int) -> Iterator[tuple[float, bool]]:
        """Yields Ritz values, as `spectrum_ends.extremes_of` computes them."""
        start = np.random.default_rng(seed).normal(size=self._hessian.size)
        solver = lanczos.Lanczos(self._hessian, start, max_products)
        for _ in range(max_products):
            solver.advance()
            pairs = solver.ritz_pairs()
            value = float(pairs.values[-1])
            yield value, bool(pairs.errors[-1] <= _TOLERANCE * abs(value))
