"""Speed of training ResNet-44 and WRN-16-4 beside Keras' `fit` and PyTorch.

    python -m benchmarks.train_step

prints images per second with ghost batches of 64, on random images of CIFAR's shape:
median, least and most over the rounds, and how many times as fast this project is
(within a round). Keras and PyTorch normalise over the whole batch, which is less work.

On a CPU: B = 128, in float32 and in mixed bfloat16. PyTorch runs once with a thread a
core and once with one thread, because its threads wait for each other in spinning
barriers, which are slow when another process needs a core. Takes about six minutes on
two cores.

With a GPU everyone uses it: B = 128 and 1024, in mixed bfloat16, and PyTorch runs
eager, compiled, and compiled into CUDA graphs. All start together, and take turns once
all have compiled: "start s" then is several times what it would be alone. Takes about
two minutes on an H200 with 16 cores.
"""

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from absl import flags

from benchmarks import (
    device,
    shared_flags,
    stopwatch,
    tables,
    training_contenders,
    training_problem,
)
from launch import entry

flags.adopt_module_key_flags(shared_flags)
_STEPS = flags.DEFINE_integer(
    "steps",
    None,
    "Steps of a turn; by default 4 on a CPU, and 16,384 examples on a GPU.",
    lower_bound=1,
)
_MODELS = ("resnet44", "wrn_16_4")
_CPU_STEPS, _GPU_EXAMPLES = 4, 2**14
_OURS = "bsgen_ghosts"
_COLUMNS = ("", "images / s", *tables.SPEEDS, "start s")


class Start(NamedTuple):
    """What a contender shows first: seconds to build and compile, and its size."""

    seconds: float
    num_parameters: int


class Stopwatch(stopwatch.Stopwatch):
    """Times a contender in images per second."""

    def start(self, problem: training_problem.Problem) -> Start:
        """Builds the contender and takes its first steps."""
        begun = time.perf_counter()
        self._step = 0
        self._contender = self._kind(problem)
        self.rate(problem)
        return Start(time.perf_counter() - begun, self._contender.num_parameters())

    def rate(self, problem: training_problem.Problem) -> float:
        """Takes the steps of a turn; returns images per second."""
        positions = problem.positions(self._step)
        begun = time.perf_counter()
        self._contender.take_steps(positions)
        self._step += len(positions)
        return positions.size / (time.perf_counter() - begun)


def problems(on_gpu: bool, num_steps: int | None) -> Iterator[training_problem.Problem]:
    """Yields what is timed on a GPU, or on a CPU.

    Args:
      on_gpu: whether there is a GPU.
      num_steps: of a turn; None for as many as suit the device.
    """
    sizes = (128, 1024) if on_gpu else (128,)
    dtypes = ("bfloat16",) if on_gpu else ("float32", "bfloat16")
    for model, dtype, size in itertools.product(_MODELS, dtypes, sizes):
        steps = num_steps or (_GPU_EXAMPLES // size if on_gpu else _CPU_STEPS)
        yield training_problem.Problem(model, dtype, size, steps)


def rows(
    results: dict[str, stopwatch.Result], entries: Mapping[str, stopwatch.Entry]
) -> list[list[str]]:
    """Returns the rows of one problem's table.

    Raises:
      RuntimeError: the contenders do not train equal networks.
    """
    sizes = {name: start.num_parameters for name, (start, _) in results.items()}
    if len(set(sizes.values())) > 1:
        raise RuntimeError(f"the networks differ in their parameters: {sizes}")
    return [
        [
            entries[name].title,
            *tables.speeds(result, results[_OURS]),
            f"{result.start.seconds:.1f}",
        ]
        for name, result in results.items()
    ]


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmark."""
    del arguments
    found = device.find()
    print(f"On {found}")
    entries = training_contenders.entries(found.is_gpu)
    wanted = list(problems(found.is_gpu, _STEPS.value))
    with contextlib.ExitStack() as stack:

        def started() -> dict[str, stopwatch.Child]:
            package = training_contenders.__name__
            return stack.enter_context(stopwatch.children(package, entries, Stopwatch))

        if found.is_gpu:
            contenders = [started() for _ in wanted]
            for problem, own in zip(wanted, contenders, strict=True):
                for child in own.values():
                    child.begin(problem)
        else:
            contenders = [started()] * len(wanted)
        for problem, own in zip(wanted, contenders, strict=True):
            results = stopwatch.compare(
                problem, own, shared_flags.ROUNDS.value, problem
            )
            size = results[_OURS].start.num_parameters
            title = f"{problem.model}, {size:,} weights, {problem.dtype}"
            title += f", B = {problem.batch_size:,}"
            tables.show(title, _COLUMNS, rows(results, entries))


if __name__ == "__main__":
    entry.run(main)
