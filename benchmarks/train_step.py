"""Speed of training ResNet-44 and WRN-16-4 beside Keras' `fit` and PyTorch.

    python -m benchmarks.train_step

prints images per second at B = 128, ghost batches of 64, on random images of CIFAR's
shape, in float32 and in mixed bfloat16: median, least and most of several rounds, and
how many times as fast as each peer this project is (within a round). Contenders stand
in processes of their own and take turns in every round, so that a busy machine slows
all alike. Keras and PyTorch normalise over the whole batch, which is less work.
PyTorch is shown with a thread a core and with one thread, because its threads wait for
each other in spinning barriers, which cost much when other work has a core. On two
cores it takes about six minutes.
"""

import contextlib
import importlib
import importlib.util
import statistics
import time
from collections.abc import Sequence
from typing import NamedTuple

from absl import flags

from benchmarks import shared_flags, stopwatch, training_contenders, training_problem
from launch import entry

flags.adopt_module_key_flags(shared_flags)
_STEPS = flags.DEFINE_integer("steps", 4, "Steps of a turn.", lower_bound=1)
_MODELS = ("resnet44", "wrn_16_4")
_DTYPES = ("float32", "bfloat16")
_WARM_UP_STEPS = 2
_OURS = "bsgen_ghosts"


class Start(NamedTuple):
    """What a contender shows first: seconds to build and compile, and its size."""

    seconds: float
    num_parameters: int


class Stopwatch:
    """Starts and times a contender; see `stopwatch.Child`."""

    def __init__(self, name: str):
        module = importlib.import_module(f"{training_contenders.__name__}.{name}")
        self._kind = module.Contender

    def start(self, problem: training_problem.Problem) -> Start:
        """Builds the contender and takes its first steps."""
        begun = time.perf_counter()
        self._problem = problem
        self._step = 0
        self._contender = self._kind(problem)
        self.rate(_WARM_UP_STEPS)
        return Start(time.perf_counter() - begun, self._contender.num_parameters())

    def rate(self, turn: int) -> float:
        """Takes `turn` steps; returns images per second."""
        positions = self._problem.positions(self._step, turn)
        begun = time.perf_counter()
        self._contender.take_steps(positions)
        self._step += turn
        return positions.size / (time.perf_counter() - begun)


def table(results: dict[str, stopwatch.Result]) -> str:
    """Returns the lines of one network and precision.

    Raises:
      RuntimeError: the contenders do not train equal networks.
    """
    sizes = {name: start.num_parameters for name, (start, _) in results.items()}
    if len(set(sizes.values())) > 1:
        raise RuntimeError(f"the networks differ in their parameters: {sizes}")
    header = ("images / s", "least-most", "ours / it", "least-most", "start s")
    lines = ["{:32}{:>11}{:>15}{:>11}{:>13}{:>9}".format("", *header)]
    for name, (start, rates) in results.items():
        ratios = [
            ours / own for ours, own in zip(results[_OURS].rates, rates, strict=True)
        ]
        lines.append(
            f"{training_contenders.ENTRIES[name].title:32}"
            f"{statistics.median(rates):11,.0f}"
            f"{f'{min(rates):,.0f}-{max(rates):,.0f}':>15}"
            f"{statistics.median(ratios):11.2f}"
            f"{f'{min(ratios):.2f}-{max(ratios):.2f}':>13}"
            f"{start.seconds:9.1f}"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmark."""
    del arguments
    names = [
        name
        for name, (_, package) in training_contenders.ENTRIES.items()
        if importlib.util.find_spec(package)
    ]
    for model in _MODELS:
        for dtype in _DTYPES:
            with contextlib.ExitStack() as stack:
                children = {
                    name: stack.enter_context(stopwatch.Child(name, Stopwatch))
                    for name in names
                }
                results = stopwatch.compare(
                    training_problem.Problem(model, dtype),
                    children,
                    shared_flags.ROUNDS.value,
                    _STEPS.value,
                )
            size = results[_OURS].start.num_parameters
            print(f"\n{model}, {size:,} weights, {dtype}\n{table(results)}", flush=True)


if __name__ == "__main__":
    entry.run(main)
