"""Cost of Hessian-vector products, and of the top eigenvalue to 1 %, beside peers.

    python -m benchmarks.curvature

measures a dense and a convolutional network on the digits, at initialisation and after
training, on all 1000 examples in batches of 250. Over several starts it prints medians
and quartiles of

- the products, and the milliseconds, until the value is within 1 % of the true one and
  stays there, and how many times longer than ours that took (median within a round);
  the true value is SciPy's eigsh in float64;
- the products until the value stays within the error at which power iteration stops by
  its own rule (the naive contender's median);
- the products at which the contender's own rule stops, and the largest true error there
  of all rounds;

and then the cost of one product, in gradients of the same contender. Finding a start on
a sample counts as the products over all examples that it costs. A power iteration that
does not get there counts as infinite. Expected on two cores, in four minutes: at most
half the products of power iteration, except where the largest eigenvalue is far from
the others, and at most 3 (dense) or 4 (conv) gradients a product. PyTorch on two
threads takes most of the time when another process needs a core; --contenders can leave
it out.
"""

import itertools
import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from absl import flags

from benchmarks import (
    curvature_contenders,
    curvature_problem,
    shared_flags,
    stopwatch,
    tables,
)
from launch import entry

_MAX_PRODUCTS = flags.DEFINE_integer("max_products", 60, "Of a search.", lower_bound=2)
_CONTENDERS = flags.DEFINE_list(
    "contenders",
    list(curvature_contenders.ENTRIES),
    "Contenders to time; ours and the naive one must be among them.",
)
_OURS, _POWER = "bsgen_lanczos", "naive_tensorflow"
_GOAL = 0.01  # relative error
_REPEATS = 5  # gradients and products a turn


class Turn(NamedTuple):
    """What one turn showed.

    Attributes:
      gradient: median seconds of a gradient.
      products: by title, median seconds of a product.
      start_products: what the start of the search cost, in products.
      seconds: after every product of the search, since its beginning.
      errors: after every product, true relative errors.
      own_steps: products until the contender's own rule would stop; None if never.
    """

    gradient: float
    products: dict[str, float]
    start_products: float
    seconds: list[float]
    errors: list[float]
    own_steps: int | None

    def reached(self, error: float) -> tuple[float, float]:
        """Returns products and seconds until an error is met for good, or infinity."""
        wrong = [place for place, e in enumerate(self.errors) if not e <= error]
        first = wrong[-1] + 1 if wrong else 0
        if first == len(self.errors):
            return math.inf, math.inf
        return first + 1 + self.start_products, self.seconds[first]

    @property
    def own_products(self) -> float:
        """Products until the contender's own rule would stop."""
        if self.own_steps is None:
            return math.inf
        return self.own_steps + self.start_products

    @property
    def own_error(self) -> float:
        """The true relative error there, or at the last product."""
        return self.errors[-1 if self.own_steps is None else self.own_steps - 1]


class Stopwatch(stopwatch.Stopwatch):
    """Times products of a contender, and its search."""

    def start(self, problem: curvature_problem.Problem) -> None:
        """Builds the contender, and compiles what it compiles."""
        self._true_value = problem.true_value
        self._contender = self._kind(problem)
        self._seed = 0
        self.rate(2)

    def rate(self, turn: int) -> Turn:
        """Times gradient and products, and a search of `turn` products."""
        gradient = _seconds(self._contender.gradient)
        products = {
            title: _seconds(function)
            for title, function in self._contender.products().items()
        }
        self._seed += 1
        seconds, errors, stops = [], [], []
        begun = time.perf_counter()
        for value, would_stop in self._contender.search(turn, self._seed):
            seconds.append(time.perf_counter() - begun)
            errors.append(abs(value - self._true_value) / self._true_value)
            stops.append(would_stop)
        own_steps = stops.index(True) + 1 if True in stops else None
        price = self._contender.start_products
        return Turn(gradient, products, price, seconds, errors, own_steps)


def table(results: dict[str, stopwatch.Result]) -> str:
    """Returns the two tables of one network and state: searches, and products."""
    power = results[_POWER].rates
    power_error = statistics.median(turn.own_error for turn in power)
    to_power = f"to {power_error:.2%}"
    columns = ("to 1 %", "products", "ms", "its / ours", to_power, "own rule", "error")
    searches = [
        [
            curvature_contenders.ENTRIES[name].title,
            _spread([turn.reached(_GOAL)[0] for turn in turns]),
            _spread([1e3 * turn.reached(_GOAL)[1] for turn in turns], 0),
            f"{_slower(turns, results[_OURS].rates):.1f}",
            _spread([turn.reached(power_error)[0] for turn in turns]),
            _spread([turn.own_products for turn in turns]),
            f"{max(turn.own_error for turn in turns):.1%}",
        ]
        for name, (_, turns) in results.items()
    ]
    products = [
        [
            f"{curvature_contenders.ENTRIES[name].title}, {title}",
            f"{statistics.median(t.products[title] / t.gradient for t in turns):.1f}",
            f"{1e3 * statistics.median(t.products[title] for t in turns):.1f}",
        ]
        for name, (_, turns) in results.items()
        for title in turns[0].products
    ]
    costs = tables.text(("one product", "gradients", "ms"), products)
    return f"{tables.text(columns, searches)}\n{costs}"


def _slower(turns: Sequence[Turn], ours: Sequence[Turn]) -> float:
    """Returns how many times our seconds a search took, the median over rounds."""
    return statistics.median(
        own.reached(_GOAL)[1] / our.reached(_GOAL)[1]
        for our, own in zip(ours, turns, strict=True)
    )


def _spread(values: Sequence[float], digits: int = 1) -> str:
    """Returns "median (lower quartile to upper quartile)"."""
    # The nearest of the values, since some may be infinite.
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), method="nearest")
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def _seconds(function: Callable[[], object]) -> float:
    return statistics.median(stopwatch.seconds(function) for _ in range(_REPEATS))


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmark."""
    del arguments
    package = curvature_contenders.__name__
    entries = {
        name: each
        for name, each in curvature_contenders.ENTRIES.items()
        if name in _CONTENDERS.value
    }
    with stopwatch.children(package, entries, Stopwatch) as contenders:
        for network, trained in itertools.product(
            curvature_problem.NETWORKS, (False, True)
        ):
            problem = curvature_problem.make(network, trained)
            results = stopwatch.compare(
                problem, contenders, shared_flags.ROUNDS.value, _MAX_PRODUCTS.value
            )
            size = sum(weight.size for weight in problem.weights)
            state = "trained" if trained else "at initialisation"
            head = f"{network}, {size:,} weights, {state}"
            print(f"\n{head}: {problem.true_value:.4g}\n{table(results)}", flush=True)


if __name__ == "__main__":
    entry.run(main)
