"""Speed of the ensemble engine beside JAX, PyTorch and Keras, on the same work.

    make bench
    python -m benchmarks.ensemble --data_dir=DATA_DIR

trains networks of 64-800-10 and 784-800-10 units at N = 1000 and B = 32, and prints
runs x steps per second: median, least and most over the rounds, and how many times as
fast this engine is (within a round). On a CPU 1 and 16 runs are trained at once, on a
GPU 1, 8, 64 and 256. Ours is `bsgen.training.ensemble.train` as users call it, with the
drawing of the batches and as many steps a call as it chooses; on a GPU peers take as
many. All contenders get the same data, and run 0 starts from the same weights and sees
the same batches (but in JAX's second line, which draws them on the device): "loss" is
its own after equally many steps, and differs by rounding only. Peers that train runs
one after the other are timed on one run, on a GPU only beside one run of ours. There
all contenders compile at the same time.

"/ floor" is, on a GPU, the time over that of the passes over memory which a step cannot
do without: the forward pass reads the weights, the update reads and writes weights and
accumulators. Few runs fit in the card's cache, so only the number at many runs says
much.

Expected on two cores, in about four minutes: ahead of JAX at 64-800-10 with 16 runs and
at 784-800-10 with 1 run, where it is at least 8 and 2.5 times as fast as Keras' `fit`.
"""

import dataclasses
import itertools
import statistics
import time
from collections.abc import Iterator, Sequence

from absl import flags

from benchmarks import (
    device,
    ensemble_contenders,
    ensemble_problem,
    shared_flags,
    stopwatch,
    tables,
)
from launch import entry

_SECONDS = flags.DEFINE_float("seconds", 0.5, "Least length of a turn.", lower_bound=0)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the prepared MNIST (default: random images)."
)
_RUNS = flags.DEFINE_list(
    "runs", None, "Numbers of runs at once (default: 1,16 or, on a GPU, 1,8,64,256)."
)
_OURS = "bsgen_engine"
_FLOOR_PASSES = 5  # over the weights
COLUMNS = (
    *("", "runs x steps / s", *tables.SPEEDS, "/ floor"),
    *("steps a call", "first call s", "loss", "accuracy"),
)


@dataclasses.dataclass(frozen=True)
class Scale:
    """How much is trained.

    Attributes:
      num_runs: each number of runs that are trained at once.
      num_calls: calls of the engine's program in a training.
      run_steps_per_call: most runs x steps that a peer takes in a call.
    """

    num_runs: Sequence[int]
    num_calls: int
    run_steps_per_call: int


# What the engine takes in a call: at most so many steps, and so many positions.
_STEPS_PER_CALL = 1000
_POSITIONS_PER_CALL = 2**22 // ensemble_problem.BATCH_SIZE
_CPU = Scale((1, 16), num_calls=2, run_steps_per_call=4000)
_GPU = Scale((1, 256, 64, 8), num_calls=3, run_steps_per_call=_POSITIONS_PER_CALL)


@dataclasses.dataclass(frozen=True)
class Start:
    """What a contender shows before it is timed.

    Attributes:
      seconds: until the end of the first call: building, compiling and its steps.
      steps_per_call: steps in a call of its compiled function.
      cross_entropy, accuracy: of the first run on the training set at its end.
    """

    seconds: float
    steps_per_call: int
    cross_entropy: float
    accuracy: float


class Stopwatch(stopwatch.Stopwatch):
    """Times a contender in runs x steps per second."""

    def start(self, problem: ensemble_problem.Problem) -> Start:
        """Builds the contender and takes as many steps as a run has."""
        begun = time.perf_counter()
        self._contender = self._kind(problem)
        while self._contender.num_steps < problem.run.num_steps:
            self._contender.call()
        return Start(
            self._contender.first_call_ended - begun,
            self._contender.steps_per_call,
            *self._contender.score(),
        )

    def rate(self, turn: float) -> float:
        """Trains for at least `turn` seconds more; returns runs x steps per second."""
        run_steps, elapsed = self._contender.call()
        while elapsed < turn:
            more, seconds = self._contender.call()
            run_steps += more
            elapsed += seconds
        return run_steps / elapsed


def floor(problem: ensemble_problem.Problem, bandwidth: float) -> float:
    """Returns the runs x steps per second that the passes over memory allow."""
    num_bytes = sum(weight.nbytes for weight in problem.first_weights)
    return bandwidth / (_FLOOR_PASSES * num_bytes)


def rows(
    results: dict[str, stopwatch.Result], most: float | None
) -> list[tuple[str, ...]]:
    """Returns the rows of a table with `COLUMNS`.

    Args:
      results: by contender.
      most: runs x steps per second at the memory floor; None where it says nothing.
    """
    return [
        (
            ensemble_contenders.ENTRIES[name].title,
            *tables.speeds(result, results[_OURS]),
            f"{most / statistics.median(result.rates):.1f}" if most else "-",
            f"{result.start.steps_per_call}",
            f"{result.start.seconds:.1f}",
            f"{result.start.cross_entropy:.3g}",
            f"{result.start.accuracy:.3f}",
        )
        for name, result in results.items()
    ]


def _problems(is_gpu: bool) -> Iterator[tuple[str, ensemble_problem.Problem]]:
    scale = _GPU if is_gpu else _CPU
    all_runs = map(int, _RUNS.value) if _RUNS.value else scale.num_runs
    images = "MNIST" if _DATA_DIR.value else "random images"
    tasks = {
        f"784-800-10, {images}": ensemble_problem.images(_DATA_DIR.value),
        "64-800-10, digits": ensemble_problem.digits(),
    }
    for (title, settings), num_runs in itertools.product(tasks.items(), all_runs):
        engine_steps = min(_STEPS_PER_CALL, _POSITIONS_PER_CALL // num_runs)
        problem = ensemble_problem.make(
            settings,
            num_runs,
            num_steps=scale.num_calls * engine_steps,
            steps_per_call=min(engine_steps, scale.run_steps_per_call // num_runs),
            data_dir=_DATA_DIR.value,
        )
        yield f"{title}, runs: {num_runs}", problem


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmark."""
    del arguments
    package, entries = ensemble_contenders.__name__, ensemble_contenders.ENTRIES
    with stopwatch.children(package, entries, Stopwatch) as contenders:
        found = device.find()
        print(found, flush=True)
        entry.load_tensorflow()
        device.leave_to_children()
        for title, problem in _problems(found.is_gpu):
            chosen = dict(contenders)
            if found.is_gpu:
                for name in (
                    ensemble_contenders.ONE_BY_ONE if problem.num_runs > 1 else ()
                ):
                    chosen.pop(name, None)
                for child in chosen.values():
                    child.begin(problem)
            results = stopwatch.compare(
                problem, chosen, shared_flags.ROUNDS.value, _SECONDS.value
            )
            most = floor(problem, found.bandwidth) if found.is_gpu else None
            tables.show(title, COLUMNS, rows(results, most))


if __name__ == "__main__":
    entry.run(main)
