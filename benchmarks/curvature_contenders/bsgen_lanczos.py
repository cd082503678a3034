"""This project: compiled products, Lanczos with its own stopping rule at 1 %."""

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks import curvature_problem
from bsgen import measures
from bsgen.measures.spectrum import lanczos, sampled_start

_TOLERANCE = 0.01


class Contender:
    """See `benchmarks.curvature_contenders`."""

    samples = True
    start_products = 0.0

    def __init__(self, problem: curvature_problem.Problem):
        model = curvature_problem.keras_model(problem.network)
        model.set_weights(problem.weights)
        arguments = (
            model,
            curvature_problem.cross_entropy,
            (problem.inputs, problem.labels),
        )
        self._hessians = {
            title: measures.Hessian(
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
        """Yields Ritz values, with the rule of `measures.top_eigenvalue`."""
        start = sampled_start.Start(None, 0.0)
        if self.samples:
            start = sampled_start.find(self._hessian, seed)
        self.start_products = start.num_products
        vector = start.vector
        if vector is None:
            vector = np.random.default_rng(seed).normal(size=self._hessian.size)
        solver = lanczos.Lanczos(self._hessian, vector, max_products)
        last = np.inf
        for _ in range(max_products):
            solver.advance()
            pairs = solver.ritz_pairs()
            value = float(pairs.values[-1])
            error = max(pairs.errors[-1], abs(value - last))
            yield value, bool(error <= _TOLERANCE * abs(value))
            last = value
