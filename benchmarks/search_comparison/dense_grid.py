"""The true scores of settings: a dense grid, and runs that no search has used."""

import time
from collections.abc import Callable

from benchmarks.search_comparison import (
    courses,
    recorded_runs,
    verdicts,
)
from bsgen import tuning

_NUM_TRUE_RUNS = 8
_FIRST_TRUE, _FIRST_SELECTING = 100, 200  # their numbers
_NUM_CANDIDATES = 15  # of the grid, for its best
_HOPELESS = 0.02  # below the best: ten standard errors of five runs, usually


def judge(
    recorder: recorded_runs.Recorder, space: courses.Space
) -> tuple[float, Callable[[tuning.Setting], float]]:
    """Trains the grid; returns its best score and the function that scores settings."""
    begun = time.perf_counter()
    grid = space.grid()
    repeats = range(courses.NUM_RECORDED)
    count = sum(1 for _ in recorder.record(grid, repeats))
    seconds = time.perf_counter() - begun
    print(f"grid of {len(grid)} settings: {count} runs in {seconds:.0f} s", flush=True)
    means = {one: recorder.train(one, repeats).mean for one in grid}
    candidates = sorted(grid, key=lambda one: -means[one])[:_NUM_CANDIDATES]
    selection = recorded_runs.Truth(recorder, _FIRST_SELECTING, _NUM_TRUE_RUNS)
    winner = max(candidates, key=selection.score)
    # Judged by runs that did not choose it: the highest of many means is too high.
    truth = recorded_runs.Truth(recorder, _FIRST_TRUE, _NUM_TRUE_RUNS)
    best = truth.score(winner)
    print(f"best: {winner.words()}, {best:.4f}")
    for tolerance in verdicts.TOLERANCES:
        num_good = sum(mean >= best - tolerance for mean in means.values())
        print(f"{num_good} settings within {tolerance}", flush=True)

    def score(setting: tuning.Setting) -> float:
        rough = means.get(recorded_runs.rounded(setting), best)
        return rough if rough < best - _HOPELESS else truth.score(setting)

    return best, score
