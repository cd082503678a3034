"""Speed of training ResNet-44 and WRN-16-4 beside Keras' `fit` and PyTorch.

    python -m benchmarks.train_step

prints images per second at B = 128, ghost batches of 64, on random images of CIFAR's
shape, in float32 and in mixed bfloat16: median, least and most over the rounds, and how
many times as fast this project is (within a round). Keras and PyTorch normalise over
the whole batch, which is less work. PyTorch runs once with a thread a core and once
with one thread, because its threads wait for each other in spinning barriers, which are
slow when another process needs a core. Takes about six minutes on two cores.
"""

import itertools
import time
from collections.abc import Sequence
from typing import NamedTuple

from absl import flags

from benchmarks import (
    shared_flags,
    stopwatch,
    tables,
    training_contenders,
    training_problem,
)
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


class Stopwatch(stopwatch.Stopwatch):
    """Times a contender in images per second."""

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
    """Returns the table of one network and precision.

    Raises:
      RuntimeError: the contenders do not train equal networks.
    """
    sizes = {name: start.num_parameters for name, (start, _) in results.items()}
    if len(set(sizes.values())) > 1:
        raise RuntimeError(f"the networks differ in their parameters: {sizes}")
    columns = ("", "images / s", *tables.SPEEDS, "start s")
    rows = [
        [
            training_contenders.ENTRIES[name].title,
            *tables.speeds(result, results[_OURS]),
            f"{result.start.seconds:.1f}",
        ]
        for name, result in results.items()
    ]
    return tables.text(columns, rows)


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmark."""
    del arguments
    package, entries = training_contenders.__name__, training_contenders.ENTRIES
    with stopwatch.children(package, entries, Stopwatch) as contenders:
        for model, dtype in itertools.product(_MODELS, _DTYPES):
            problem = training_problem.Problem(model, dtype)
            results = stopwatch.compare(
                problem, contenders, shared_flags.ROUNDS.value, _STEPS.value
            )
            size = results[_OURS].start.num_parameters
            print(f"\n{model}, {size:,} weights, {dtype}\n{table(results)}", flush=True)


if __name__ == "__main__":
    entry.run(main)
