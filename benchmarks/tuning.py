"""What a search spends until its best setting is good: ours beside keras-tuner's.

    make bench
    python -m benchmarks.tuning --data_dir=DATA_DIR

tunes batch size, learning rate and momentum of a network of 800 hidden units on the
digits (800 examples) and, with --data_dir, on 1000 images of MNIST, by appendix D, its
guided variant, and keras-tuner's RandomSearch, Hyperband and BayesianOptimization, each
several times with different seeds.

After every trial the setting with the highest mean validation score so far is judged by
runs that no search has used. It is good if their mean is within 0.003 (in a second
table, 0.01) of that of the best setting of a dense grid, which is judged in the same
way. The tables give medians (quartiles) over the searches of the steps and examples
spent until it is good for the first time, and until it stays good; a search that never
gets there counts as infinite. "short" is how far the setting chosen at the end is below
the best. keras-tuner's searches train one run a setting, ours repeats; what the guided
variant measures is counted.

Every run is kept in --output_dir, so a second call is faster: eight minutes of
processor time, mostly the guided variant's measures and BayesianOptimization's own
work. The first takes about twenty minutes for the digits on two idle cores; MNIST's
grid alone took 21 minutes on busy ones.
"""

import pathlib
import time
from collections.abc import Sequence

from absl import flags

from launch import entry

_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the prepared MNIST (default: digits only)."
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "results/bench/tuning", "Where runs are kept."
)
_NUM_SEARCHES = flags.DEFINE_integer(
    "searches", 10, "Searches of each kind.", lower_bound=1
)
_NUM_EPOCHS = 20
_NUM_TRIALS = 30
_LEARNING_RATES = (0.01, 0.03162, 0.1, 0.3162, 1.0, 3.162, 10.0)
_MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.98)


def _compare(dataset: str, sizes: tuple[int, int], hidden_units: int) -> None:
    from benchmarks.search_comparison import (
        courses,
        dense_grid,
        recorded_runs,
        verdicts,
    )
    from bsgen import config, tuning

    train_size, validation_size = sizes
    space = courses.Space(
        tuning.logarithmic_batch_sizes(8, 512),
        _LEARNING_RATES,
        _MOMENTA,
        _NUM_EPOCHS,
        _NUM_TRIALS,
    )
    run = config.RunConfig(
        data=config.DataConfig(dataset, train_size, validation_size),
        model=config.ModelConfig(hidden_units=(hidden_units,)),
    )
    folder = pathlib.Path(_OUTPUT_DIR.value) / dataset
    recorder = recorded_runs.Recorder(run, _NUM_EPOCHS, folder, _DATA_DIR.value)
    best, score = dense_grid.judge(recorder, space)
    finished: dict[str, list[courses.Course]] = {}
    for kind, search in courses.SEARCHES.items():
        begun = time.perf_counter()
        numbers = range(_NUM_SEARCHES.value)
        finished[kind] = [search(recorder, space, number) for number in numbers]
        print(f"{kind}: {time.perf_counter() - begun:.0f} s", flush=True)
    for tolerance in verdicts.TOLERANCES:
        results = {
            kind: [verdicts.reached(course, best, score, tolerance) for course in found]
            for kind, found in finished.items()
        }
        print(f"\n{dataset}, within {tolerance}")
        print(verdicts.table(results, tolerance))
        print(verdicts.goal(results), flush=True)


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmark."""
    del arguments
    entry.load_tensorflow()
    _compare("digits", (800, 400), 800)
    if _DATA_DIR.value:
        _compare("mnist", (1000, 2000), 800)


if __name__ == "__main__":
    entry.run(main)
