"""The optimal learning rate of a sweep, between the rates tried.

It is the top of a parabola through the scores beside the best one. Where training
breaks down at a larger rate beside it, that score says nothing of the top, and would
pull the parabola down by half a step: it then goes through the rates below that one,
at least two of which are below the best.
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
        middles = (scores[own, place] + worst) / 2
        is_near = optimum.window(logs, place)
        is_near[:place] = False
        broken = (scores[own] < middles[:, np.newaxis]) & is_near
        cliffs = np.where(broken.any(axis=1), broken.argmax(axis=1), len(logs))
        for cliff in np.unique(cliffs[cliffs < len(logs)]):
            beside = own[cliffs == cliff]
            tops[beside] = _top_before(cliff, logs, scores[beside], place)
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


def _top_before(cliff: int, logs: _Floats, scores: _Floats, place: int) -> _Floats:
    """Returns the top of the parabola through the rates before training breaks down.

    It is cut off half-way to the neighbour below the best rate, and half-way to the
    rate at which training breaks down; where the scores rise ever faster, the optimum
    lies at the upper of these ends.

    Args:
      cliff: the place of the first rate that breaks down.
      logs: [n], of the rates.
      scores: [m, n].
      place: of the best rate, at least 2.
    """
    distances = logs - logs[place]
    lowest = int(optimum.window(logs, place).argmax())
    used = slice(min(lowest, place - 2), cliff)
    square, linear, _ = np.polyfit(distances[used], scores[:, used].T, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        top = np.where(square < 0, -linear / (2 * square), np.inf)
    ends = distances[place - 1] / 2, (distances[cliff - 1] + distances[cliff]) / 2
    return np.asarray(logs[place] + np.clip(top, *ends))
