"""Speed of GhostBatchNormalization beside Keras, PyTorch and a loop over ghosts.

    python -m benchmarks.ghost_batch_norm

times forward + backward (the gradients of inputs, gamma and beta) in training mode, at
two convolutional shapes and a dense one, float32 and bfloat16, with XLA and in graph
mode, on the GPU if TensorFlow sees one. Steps are chained, on a GPU hundreds of them,
so that their launches do not hide the kernels. The contenders take turns; the table has
median times a step, also as a fraction of Keras' BatchNormalization in the same mode,
to which PyTorch eager counts as graph mode and `torch.compile` (on a GPU) as XLA. The
last column is the time over the memory floor: five passes over the tensor (read and
write forward; read twice and write backward) at the bandwidth of a copy of it on the
device. Expected on two cores, in two to five minutes: at most half of Keras' time at
the convolutional shapes, at most 0.9 at the dense one. On a GPU, in a minute and a
half: never slower than Keras in graph mode; about level under XLA.
"""

import concurrent.futures
import itertools
import math
import os
import statistics
from collections.abc import Mapping, Sequence

from benchmarks import (
    device,
    normalization_contenders,
    normalization_problem,
    shared_flags,
    stopwatch,
    tables,
)
from launch import entry

_SHAPES = ((2048, 32, 32, 16), (1024, 8, 8, 256), (4096, 512))
_DTYPES = ("float32", "bfloat16")
_FLOOR_PASSES = 5
_COLUMNS = ("", "ms", "/ Keras", "/ floor")
_MODES = {"eager": "graph", "compiled": "XLA"}  # of Keras, to compare PyTorch's with


class Stopwatch(stopwatch.Stopwatch):
    """Times a contender in seconds a step."""

    def start(self, problem: normalization_problem.Problem) -> str:
        """Builds the contender and warms it up; returns why it cannot, or nothing."""
        self._num_steps = problem.num_steps
        try:
            self._contender = self._kind(problem)
            self._contender.take_steps()
        except RuntimeError as error:  # such as no compiler for torch.compile
            return str(error).strip().partition("\n")[0] or type(error).__name__
        return ""

    def rate(self, turn: None) -> float:
        """Takes the steps of the problem; returns seconds a step."""
        del turn
        return stopwatch.seconds(self._contender.take_steps) / self._num_steps


def measure(
    problem: normalization_problem.Problem,
    children: Mapping[str, stopwatch.Child],
    rounds: int,
) -> dict[str, list[float]]:
    """Returns seconds a step by title; all contenders take turns.

    Args:
      problem: the work.
      children: PyTorch's contenders, by name.
      rounds: turns of each.
    """
    from benchmarks.normalization_contenders import tensorflow_layers

    functions = tensorflow_layers.functions(problem)
    with concurrent.futures.ThreadPoolExecutor() as pool:  # to compile on all cores
        starts = {
            name: pool.submit(child.start, problem) for name, child in children.items()
        }
        list(pool.map(lambda function: function(), functions.values()))
    turns = {
        title: lambda function=function: stopwatch.seconds(function) / problem.num_steps
        for title, function in functions.items()
    }
    for name, child in children.items():
        title = normalization_contenders.ON_GPU_ENTRIES[name].title
        if reason := starts[name].result():
            print(f"{title} is left out: {reason}", flush=True)
        else:
            turns[title] = lambda child=child: child.rate(None)
    results: dict[str, list[float]] = {title: [] for title in turns}
    for _ in range(rounds):
        for title, turn in turns.items():
            results[title].append(turn())
    return results


def rows(seconds: Mapping[str, Sequence[float]], floor: float) -> list[list[str]]:
    """Returns the rows of the table, one a contender, and one of the memory floor.

    Args:
      seconds: a step, in each round, by title.
      floor: seconds that five passes over the tensor take.
    """
    medians = {title: statistics.median(each) for title, each in seconds.items()}
    cells = []
    for title, median in medians.items():
        mode = title.rpartition(", ")[2]
        ratio = median / medians[f"Keras, {_MODES.get(mode, mode)}"]
        milliseconds = _milliseconds(median)
        cells.append([title, milliseconds, f"{ratio:.2f}", f"{median / floor:.1f}"])
    return [*cells, ["memory floor", _milliseconds(floor)]]


def _milliseconds(seconds: float) -> str:
    found = 1e3 * seconds
    return f"{found:.3g}" if found < 1000 else f"{found:,.0f}"


def _floor(problem: normalization_problem.Problem) -> float:
    item_size = 4 if problem.dtype == "float32" else 2
    num_bytes = math.prod(problem.shape) * item_size
    bandwidth = device.copy_bandwidth(num_bytes, problem.num_steps)
    return _FLOOR_PASSES * num_bytes / bandwidth


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmark."""
    entry.refuse_arguments(arguments, "see --help")
    os.environ.update(device.SHARED_MEMORY)
    found = device.find()
    print(found)
    package = normalization_contenders.__name__
    entries = normalization_contenders.ENTRIES
    if found.is_gpu:
        entries = normalization_contenders.ON_GPU_ENTRIES
    with stopwatch.children(package, entries, Stopwatch) as children:
        for dtype, shape in itertools.product(_DTYPES, _SHAPES):
            problem = normalization_problem.Problem(shape, dtype, found.is_gpu)
            seconds = measure(problem, children, shared_flags.ROUNDS.value)
            title = f"{shape}, {dtype}"
            tables.show(title, _COLUMNS, rows(seconds, _floor(problem)))


if __name__ == "__main__":
    entry.run(main)
