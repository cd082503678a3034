"""The truth about settings: a dense grid, and runs that no search has seen."""

import time
from collections.abc import Callable

from benchmarks import recorded_runs, search_verdicts, searches
from bsgen import tuning

_NUM_TRUE_RUNS = 8
_NUM_CANDIDATES = 15  # of the grid, for its best
_HOPELESS = 0.02  # below the best: ten standard errors of a usual spread of five runs


def judge(
    recorder: recorded_runs.Recorder, space: searches.Space
) -> tuple[float, Callable[[tuning.Setting], float]]:
    """Trains the grid; returns its best score and the function that scores settings."""
    begun = time.perf_counter()
    grid = space.grid()
    repeats = range(searches.NUM_RECORDED)
    count = sum(1 for _ in recorder.record(grid, repeats))
    seconds = time.perf_counter() - begun
    print(f"grid of {len(grid)} settings: {count} runs in {seconds:.0f} s", flush=True)
    means = {one: recorder.train(one, repeats).mean for one in grid}
    candidates = sorted(grid, key=lambda one: -means[one])[:_NUM_CANDIDATES]
    truth = recorded_runs.Truth(recorder, _NUM_TRUE_RUNS)
    scores = {one: truth.score(one) for one in candidates}
    winner = max(scores, key=lambda one: scores[one])
    best = scores[winner]
    num_good = sum(mean >= best - search_verdicts.TOLERANCE for mean in means.values())
    print(f"best: {winner.words()}, {best:.4f}; {num_good} settings within tolerance")

    def score(setting: tuning.Setting) -> float:
        rough = means.get(recorded_runs.rounded(setting), best)
        return rough if rough < best - _HOPELESS else truth.score(setting)

    return best, score
