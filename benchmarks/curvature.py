"""Cost of Hessian-vector products, and of the top eigenvalue to 1 %, beside peers.

    python -m benchmarks.curvature

measures a dense and a convolutional network on the digits, at initialisation and after
training, on all 1000 examples in batches of 250. Printed is the cost of one product in
gradients of the same contender; then, over several random starts, the median number of
products and the seconds until the value is within 1 % of the true one and stays there
(the truth: SciPy's eigsh in float64); then where the contender's own rule stops, at
which true error. So peers are compared at equal true error, whatever their rules. Power
iteration runs to 150 products and may not get there at all. Contenders stand in
processes of their own and take turns. Expected on two cores, in about three minutes: a
product costs at most 3 (dense) or 4 (conv) gradients. Lanczos saves products where the
largest eigenvalue does not stand apart, as at the start of training.
"""

import contextlib
import importlib
import importlib.util
import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from absl import flags

from benchmarks import (
    curvature_contenders,
    curvature_problem,
    shared_flags,
    stopwatch,
)
from launch import entry

flags.adopt_module_key_flags(shared_flags)
_MAX_PRODUCTS = flags.DEFINE_integer("max_products", 150, "Of a search.", lower_bound=2)
_OURS = "bsgen_lanczos"
_GOAL = 0.01  # relative error
_REPEATS = 5  # gradients and products a turn


class Turn(NamedTuple):
    """What one turn showed.

    Attributes:
      gradient: median seconds of a gradient.
      products: by title, median seconds of a product.
      num_products: until the value is within 1 % and stays; inf if it never was.
      seconds: until then.
      own_products: until the contender's own rule would stop; inf if never.
      own_error: true relative error there, or at the last product.
    """

    gradient: float
    products: dict[str, float]
    num_products: float
    seconds: float
    own_products: float
    own_error: float


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
        begun = time.perf_counter()
        history = [
            (time.perf_counter() - begun, value, stops)
            for value, stops in self._contender.search(turn, self._seed)
        ]
        return Turn(gradient, products, *judge(history, self._true_value))


def judge(
    history: Sequence[tuple[float, float, bool]], true_value: float
) -> tuple[float, float, float, float]:
    """Returns the last four fields of a `Turn`.

    Args:
      history: after every product, seconds since the start, the value, and whether the
        contender's rule would stop.
      true_value: above 0.
    """
    errors = [abs(value - true_value) / true_value for _, value, _ in history]
    wrong = [place for place, error in enumerate(errors) if not error <= _GOAL]
    first = wrong[-1] + 1 if wrong else 0
    there = first < len(history)
    stops = [place for place, (_, _, stops) in enumerate(history) if stops]
    return (
        first + 1 if there else math.inf,
        history[first][0] if there else math.inf,
        stops[0] + 1 if stops else math.inf,
        errors[stops[0] if stops else -1],
    )


def table(results: dict[str, stopwatch.Result]) -> str:
    """Returns the lines of one network and state."""
    header = ("products", "ms", "its / ours", "own rule at", "own error")
    lines = ["{:32}{:>10}{:>10}{:>12}{:>13}{:>11}".format("to 1 %", *header)]
    for name, (_, turns) in results.items():
        ratios = [
            own.seconds / ours.seconds
            for ours, own in zip(results[_OURS].rates, turns, strict=True)
        ]
        lines.append(
            f"{curvature_contenders.ENTRIES[name].title:32}"
            f"{statistics.median(turn.num_products for turn in turns):10.0f}"
            f"{1e3 * statistics.median(turn.seconds for turn in turns):10.0f}"
            f"{statistics.median(ratios):12.1f}"
            f"{statistics.median(turn.own_products for turn in turns):13.0f}"
            f"{statistics.median(turn.own_error for turn in turns):11.1%}"
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
        if importlib.util.find_spec(package)
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
