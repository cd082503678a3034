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
eager, compiled, and (at B = 128) compiled into CUDA graphs. All that compile, thirteen
processes, start together and take turns later: "start s" then is several times what it
would be alone. Takes about two minutes on an H200 with 16 cores.
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

_STEPS = flags.DEFINE_integer(
    "steps",
    None,
    "Steps of a turn; by default 4 on a CPU, and 8,192 examples on a GPU.",
    lower_bound=1,
)
_MODELS = ("resnet44", "wrn_16_4")
_SMALL_BATCH, _LARGE_BATCH = 128, 1024
_CPU_STEPS, _GPU_EXAMPLES = 4, 2**13
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
    sizes = (_SMALL_BATCH, _LARGE_BATCH) if on_gpu else (_SMALL_BATCH,)
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
    entries = training_contenders.ON_GPU if found.is_gpu else training_contenders.ON_CPU
    wanted = list(problems(found.is_gpu, _STEPS.value))
    with contextlib.ExitStack() as stack:
        started = _on_gpu if found.is_gpu else _on_cpu
        for problem, contenders in zip(wanted, started(wanted, stack), strict=True):
            results = stopwatch.compare(
                problem, contenders, shared_flags.ROUNDS.value, problem
            )
            size = results[_OURS].start.num_parameters
            title = f"{problem.model}, {size:,} weights, {problem.dtype}"
            title += f", B = {problem.batch_size:,}"
            tables.show(title, _COLUMNS, rows(results, entries))


_Children = dict[str, stopwatch.Child]


def _on_cpu(
    wanted: Sequence[training_problem.Problem], stack: contextlib.ExitStack
) -> list[_Children]:
    """Returns the contenders for each problem: they start on it at their turn."""
    return [_children(training_contenders.ON_CPU, stack)] * len(wanted)


def _on_gpu(
    wanted: Sequence[training_problem.Problem], stack: contextlib.ExitStack
) -> list[_Children]:
    """Returns the contenders for each problem; those that compile have all started."""
    at_their_turn = _children(training_contenders.COMPILE_NOTHING, stack)
    found: list[_Children] = []
    for problem in wanted:
        left_out = set(at_their_turn)
        if problem.batch_size > _SMALL_BATCH:
            left_out |= set(training_contenders.ONLY_SMALL_BATCHES)
        entries = training_contenders.ON_GPU.items()
        own = {name: each for name, each in entries if name not in left_out}
        found.append(_children(own, stack))
        for child in found[-1].values():
            child.begin(problem)
    for child in itertools.chain(*(own.values() for own in found)):
        child.wait()  # so that nothing compiles while something is timed
    return [{**own, **at_their_turn} for own in found]


def _children(
    entries: Mapping[str, stopwatch.Entry], stack: contextlib.ExitStack
) -> _Children:
    package = training_contenders.__name__
    return stack.enter_context(stopwatch.children(package, entries, Stopwatch))


if __name__ == "__main__":
    entry.run(main)
