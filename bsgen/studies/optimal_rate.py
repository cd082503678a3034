"""The optimal learning rate of a sweep, between the rates tried.

It is the top of a parabola through the scores beside the best one. Where training
breaks down at the next larger rate, that score says nothing of the top, and would pull
the parabola down by half a step: it then goes through the best one and the two below.
"""

import numpy as np
import numpy.typing as npt

from bsgen.studies import optimum
from bsgen.studies.best_runs import Sweep

_Floats = npt.NDArray[np.float64]


def is_inside(found: Sweep) -> bool:
    """Returns whether the best rate lies between others, and is no edge."""
    place = found.values.index.get_indexer([found.best])[0]
    return bool(0 < place < len(found.values) - 1)


def places(found: Sweep, weights: npt.ArrayLike) -> _Floats:
    """Returns the logarithm of the optimal rate.

    Args:
      found: a sweep.
      weights: [draws, seeds], as of `Sweep.means`.

    Returns:
      [draws].
    """
    logs, scores, worst = _logs(found), *_scores(found, weights)
    tops = optimum.tops(logs, scores)
    best = scores.argmax(axis=1)
    for place in np.unique(best[(best > 1) & (best < len(logs) - 1)]):
        own = np.flatnonzero(best == place)
        middle = (scores[own, place] + worst) / 2
        own = own[scores[own, place + 1] < middle]
        if len(own):
            tops[own] = _top_before_breakdown(logs, scores[own], place)
    return tops


def spacing_error(found: Sweep) -> float:
    """Returns the standard deviation of a place that the spacing of the rates makes."""
    place = found.values.index.get_indexer([found.best])[0]
    return optimum.spacing_error(_logs(found), int(place))


def _logs(found: Sweep) -> _Floats:
    return np.log(found.values.index.to_numpy(float))


def _scores(found: Sweep, weights: npt.ArrayLike) -> tuple[_Floats, float]:
    """Returns finite scores, [draws, rates], and that of training that broke down."""
    scores = found.selection.scores(found.means(weights))
    finite = scores[np.isfinite(scores)]
    lowest = float(finite.min(initial=np.inf)) if len(finite) else 0.0
    worst = float(found.selection.scores(found.selection.worst))
    worst = worst if np.isfinite(worst) else lowest
    # A loss that is infinite is worse than any other, by more than these differ.
    beyond = 2 * worst - float(finite.max(initial=worst)) - 1
    return np.where(np.isfinite(scores), scores, beyond), worst


def _top_before_breakdown(logs: _Floats, scores: _Floats, place: int) -> _Floats:
    """Returns the top of the parabola through the best rate and the two below it.

    It is cut off half-way to the neighbours of the best rate; where the scores rise
    ever faster, the optimum lies at the upper of these ends.
    """
    distances = logs - logs[place]
    used = slice(place - 2, place + 1)
    square, linear, _ = np.polyfit(distances[used], scores[:, used].T, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        top = np.where(square < 0, -linear / (2 * square), np.inf)
    ends = distances[place - 1] / 2, distances[place + 1] / 2
    return np.asarray(logs[place] + np.clip(top, *ends))
