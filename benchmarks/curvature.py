"""Cost of Hessian-vector products, and of the top eigenvalue to 1 %, beside peers.

    python -m benchmarks.curvature

measures a dense and a convolutional network on the digits, at initialisation and after
training, on all 1000 examples in batches of 250. Over several starts it prints medians
and quartiles of

- the products until the value is within 1 % of the true one and stays there, and the
  milliseconds until then (the truth: SciPy's eigsh in float64), and how many times
  longer it took than ours (median within a round);
- the products until it stays within the error that power iteration has where its own
  rule stops it, the median of the naive contender's;
- where the contender's own rule stops, at which true error (the largest of all rounds);

and then the cost of one product, in gradients of the same contender. Finding a start
on a sample counts as the products over all examples that it costs. A power iteration
that does not get there counts as infinite. Contenders stand in processes of their own
and take turns. Expected on two cores, in four minutes: at most half the products of
power iteration but where the largest eigenvalue stands far apart, and at most 3 (dense)
or 4 (conv) gradients a product. PyTorch on two threads takes most of the time where
other work has a core; --contenders leaves it out.
"""

import contextlib
import importlib
import importlib.util
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
)
from launch import entry

flags.adopt_module_key_flags(shared_flags)
_MAX_PRODUCTS = flags.DEFINE_integer("max_products", 60, "Of a search.", lower_bound=2)
_CONTENDERS = flags.DEFINE_list(
    "contenders",
    list(curvature_contenders.ENTRIES),
    "Those that take part, ours and the naive one among them.",
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


class Stopwatch:
    """Starts and times a contender; see `stopwatch.Child`."""

    def __init__(self, name: str):
        module = importlib.import_module(f"{curvature_contenders.__name__}.{name}")
        self._kind = module.Contender

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
    """Returns the lines of one network and state."""
    power = results[_POWER].rates
    power_error = statistics.median(turn.own_error for turn in power)
    header = ("products", "ms", "its / ours", f"to {power_error:.2%}", "own rule")
    lines = ["{:24}{:>17}{:>20}{:>11}{:>17}{:>17}".format("to 1 %", *header)]
    for name, (_, turns) in results.items():
        ratios = [
            own.reached(_GOAL)[1] / ours.reached(_GOAL)[1]
            for ours, own in zip(results[_OURS].rates, turns, strict=True)
        ]
        products, seconds = zip(*(turn.reached(_GOAL) for turn in turns), strict=True)
        lines.append(
            f"{curvature_contenders.ENTRIES[name].title:24}"
            f"{_spread(products):>17}"
            f"{_spread([1e3 * each for each in seconds], 0):>20}"
            f"{statistics.median(ratios):11.1f}"
            f"{_spread([turn.reached(power_error)[0] for turn in turns]):>17}"
            f"{_spread([turn.own_products for turn in turns]):>17}"
            f", {max(turn.own_error for turn in turns):.1%}"
        )
    lines.append(f"{'one product':46}{'gradients':>10}{'ms':>10}")
    for name, (_, turns) in results.items():
        for title in turns[0].products:
            costs = [turn.products[title] / turn.gradient for turn in turns]
            milliseconds = 1e3 * statistics.median(t.products[title] for t in turns)
            label = f"{curvature_contenders.ENTRIES[name].title}, {title}"
            lines.append(
                f"{label:46}{statistics.median(costs):10.1f}{milliseconds:10.1f}"
            )
    return "\n".join(lines)


def _spread(values: Sequence[float], digits: int = 1) -> str:
    """Returns "median (lower quartile to upper quartile)"."""
    # The nearest of the values, since some may be infinite.
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75), method="nearest")
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def _seconds(function: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_REPEATS):
        begun = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmark."""
    del arguments
    names = [
        name
        for name, (_, package) in curvature_contenders.ENTRIES.items()
        if name in _CONTENDERS.value and importlib.util.find_spec(package)
    ]
    for network in curvature_problem.NETWORKS:
        for trained in (False, True):
            problem = curvature_problem.make(network, trained)
            with contextlib.ExitStack() as stack:
                children = {
                    name: stack.enter_context(stopwatch.Child(name, Stopwatch))
                    for name in names
                }
                results = stopwatch.compare(
                    problem,
                    children,
                    shared_flags.ROUNDS.value,
                    _MAX_PRODUCTS.value,
                )
            size = sum(weight.size for weight in problem.weights)
            state = "trained" if trained else "at initialisation"
            head = f"{network}, {size:,} weights, {state}"
            print(f"\n{head}: {problem.true_value:.4g}\n{table(results)}", flush=True)


if __name__ == "__main__":
    entry.run(main)
