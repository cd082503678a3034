"""Speed of the ensemble engine beside JAX, PyTorch and Keras, on the same work.

    make bench
    python -m benchmarks.ensemble --data_dir=DATA_DIR

trains networks of 64-800-10 and 784-800-10 units at N = 1000 and B = 32, 1 and 16 runs
of each, and prints runs x steps per second: median, least and most of several rounds,
and how many times as fast as each peer this engine is. Contenders stand in processes of
their own and take turns in every round, so that a busy machine slows all alike. All see
the same data, first weights and batches; "loss" is that of the first run after the
warm-up, and differs by rounding alone. Peers that train runs one after the other are
timed on one run. Expected on two cores, in about three minutes: ahead of JAX at
64-800-10 with 16 runs and at 784-800-10 with 1 run; there at least 8 and 2.5 times as
fast as Keras' `fit`.
"""

import contextlib
import importlib.util
import statistics
from collections.abc import Sequence

from absl import flags

from benchmarks import contenders, shared_flags, stopwatch
from benchmarks import problem as problem_lib
from launch import entry

flags.adopt_module_key_flags(shared_flags)
_SECONDS = flags.DEFINE_float("seconds", 1.0, "Least length of a turn.", lower_bound=0)
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Where MNIST lies prepared (default: random inputs of its shape)."
)
_OURS = "bsgen_engine"


def table(results: dict[str, stopwatch.Result]) -> str:
    """Returns the lines of one problem; ratios are taken within each round."""
    header = ("runs x steps / s", "least-most", "ours / it", "least-most")
    lines = [f"{'':34}{header[0]:>17}{header[1]:>15}{header[2]:>11}{header[3]:>13}"]
    lines[0] += f"{'compile s':>11}{'loss':>9}{'accuracy':>10}"
    for name, (start, rates) in results.items():
        ratios = [
            ours / own for ours, own in zip(results[_OURS].rates, rates, strict=True)
        ]
        lines.append(
            f"{contenders.ENTRIES[name].title:34}"
            f"{statistics.median(rates):17,.0f}"
            f"{f'{min(rates):,.0f}-{max(rates):,.0f}':>15}"
            f"{statistics.median(ratios):11.2f}"
            f"{f'{min(ratios):.2f}-{max(ratios):.2f}':>13}"
            f"{start.seconds:11.1f}{start.cross_entropy:9.4f}{start.accuracy:10.3f}"
        )
    return "\n".join(lines)


def _installed() -> list[str]:
    """Returns the contenders that can run, and prints a line for each other one."""
    names = []
    for name, (title, package) in contenders.ENTRIES.items():
        if importlib.util.find_spec(package):
            names.append(name)
        else:
            print(f"{title} is left out: pip install '.[bench]', or make bench")
    return names


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmark."""
    del arguments
    images = "MNIST" if _DATA_DIR.value else "random inputs of MNIST's shape"
    tasks = {
        "64-800-10, digits": problem_lib.digits(),
        f"784-800-10, {images}": problem_lib.images(_DATA_DIR.value),
    }
    with contextlib.ExitStack() as stack:
        children = {
            name: stack.enter_context(stopwatch.Child(name)) for name in _installed()
        }
        for title, task in tasks.items():
            for num_runs in (1, 16):
                problem = problem_lib.make(*task, num_runs)
                results = stopwatch.compare(
                    problem, children, shared_flags.ROUNDS.value, _SECONDS.value
                )
                print(f"\n{title}, runs: {num_runs}\n{table(results)}", flush=True)


if __name__ == "__main__":
    entry.run(main)
