"""Speed of the ensemble engine beside JAX, PyTorch and Keras, on the same work.

    make bench
    python -m benchmarks.ensemble --data_dir=DATA_DIR

trains networks of 64-800-10 and 784-800-10 units at N = 1000 and B = 32, 1 and 16 runs
of each, and prints runs x steps per second: median, least and most over the rounds, and
how many times as fast this engine is (within a round). All contenders get the same
data, initial weights and batches; "loss" is the first run's after the warm-up, and
differs by rounding only. Peers that train runs one after the other are timed on one
run. Expected on two cores, in about three minutes: ahead of JAX at 64-800-10 with 16
runs and at 784-800-10 with 1 run, where it is at least 8 and 2.5 times as fast as
Keras' `fit`.
"""

import dataclasses
import time
from collections.abc import Sequence

from absl import flags

from benchmarks import (
    ensemble_contenders,
    ensemble_problem,
    shared_flags,
    stopwatch,
    tables,
)
from launch import entry

flags.adopt_module_key_flags(shared_flags)
_SECONDS = flags.DEFINE_float("seconds", 1.0, "Least length of a turn.", lower_bound=0)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the prepared MNIST (default: random inputs)."
)
_OURS = "bsgen_engine"
_WARM_UP_STEPS = 480
_STEPS_PER_CALL = 240
_RUN_STEPS_PER_CALL = 960  # so that calls of many runs are not longer than those of one


@dataclasses.dataclass(frozen=True)
class Start:
    """What a contender shows before it is timed.

    Attributes:
      seconds: the time of the first call beyond that of a later one: building and
        compiling.
      cross_entropy, accuracy: of the first run on the training set after the warm-up.
    """

    seconds: float
    cross_entropy: float
    accuracy: float


class Stopwatch(stopwatch.Stopwatch):
    """Times a contender in runs x steps per second."""

    def start(self, problem: ensemble_problem.Problem) -> Start:
        """Builds the contender and takes its first steps."""
        self._problem = problem if self._kind.stacked else problem.first_run()
        self._num_steps = min(
            _STEPS_PER_CALL, _RUN_STEPS_PER_CALL // self._problem.num_runs
        )
        self._step = 0
        begun = time.perf_counter()
        self._contender = self._kind(self._problem)
        self._call()
        first_seconds = time.perf_counter() - begun
        while self._step < _WARM_UP_STEPS:
            call_seconds = self._call()
        score = problem.score(self._contender.weights())
        return Start(max(first_seconds - call_seconds, 0.0), *score)

    def rate(self, turn: float) -> float:
        """Trains for at least `turn` seconds more; returns runs x steps per second."""
        first_step = self._step
        elapsed = self._call()
        while elapsed < turn:
            elapsed += self._call()
        return self._problem.num_runs * (self._step - first_step) / elapsed

    def _call(self) -> float:
        return stopwatch.seconds(self._take_steps)

    def _take_steps(self) -> None:
        positions = self._problem.positions(self._step, self._num_steps)
        self._contender.take_steps(positions)
        self._step += self._num_steps


def table(results: dict[str, stopwatch.Result]) -> str:
    """Returns the table of one problem."""
    columns = ("", "runs x steps / s", *tables.SPEEDS, "compile s", "loss", "accuracy")
    rows = [
        [
            ensemble_contenders.ENTRIES[name].title,
            *tables.speeds(result, results[_OURS]),
            f"{result.start.seconds:.1f}",
            f"{result.start.cross_entropy:.4f}",
            f"{result.start.accuracy:.3f}",
        ]
        for name, result in results.items()
    ]
    return tables.text(columns, rows)


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmark."""
    del arguments
    images = "MNIST" if _DATA_DIR.value else "random inputs of MNIST's shape"
    tasks = {
        "64-800-10, digits": ensemble_problem.digits(),
        f"784-800-10, {images}": ensemble_problem.images(_DATA_DIR.value),
    }
    package, entries = ensemble_contenders.__name__, ensemble_contenders.ENTRIES
    with stopwatch.children(package, entries, Stopwatch) as contenders:
        for title, task in tasks.items():
            for num_runs in (1, 16):
                problem = ensemble_problem.make(*task, num_runs)
                results = stopwatch.compare(
                    problem, contenders, shared_flags.ROUNDS.value, _SECONDS.value
                )
                print(f"\n{title}, runs: {num_runs}\n{table(results)}", flush=True)


if __name__ == "__main__":
    entry.run(main)
