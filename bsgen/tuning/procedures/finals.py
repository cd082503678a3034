"""The end of a search: the best of phase 3 against all that was measured.

Smith & Le (2017), arXiv 1710.06451, appendix D, ends with phase 3. But phase 1 may have
passed over a better setting, and phase 2 accepts what is not really worse, so the best
of phase 3 need not be the best that was seen.

The highest of many noisy means is inflated by luck. So two settings are compared in the
repeats that both have, paired by seed: the best of phase 3, which the later repeats
chose, also gets those of phase 1, and what looks better there gets the later ones. All
finalists then have the same repeats, about half of which did not choose them.
"""

from collections.abc import Sequence
from typing import NamedTuple

from bsgen.tuning.procedures import comparison, search_state, settings
from bsgen.tuning.procedures.replay import Measured, Steps
from bsgen.tuning.procedures.search_state import SearchState


class Choice(NamedTuple):
    """How a procedure ends. Each pair has the repeats that both got.

    Attributes:
      chosen: with all its repeats.
      start: phase 1's best.
      compared: the choice and `start` in the later repeats, which did not choose
        `start`; None if one of them failed there.
      next_larger: the choice and the next larger batch that phase 2 or 3 tried; None if
        there was none.
      baseline: the choice and the user's own optimizer; None without one.
    """

    chosen: Measured
    start: settings.Setting
    compared: tuple[Measured, Measured] | None
    next_larger: tuple[Measured, Measured] | None
    baseline: tuple[Measured, Measured] | None


def choose(
    state: SearchState, first: Measured | None, everything: Sequence[int]
) -> Steps[Measured | None]:
    """Lets the best of phase 3 compete with everything that was measured.

    The leader gets all repeats. Whatever is better in the repeats that both have
    (`comparison.Rules.is_better`) gets all repeats, too, and takes the lead if it is
    still better. This goes on until nothing is better.

    Args:
      state: of the search.
      first: the leader of the first round; None if phase 3 found none.
      everything: the repeats of finalists.

    Returns:
      The last leader, with all repeats; None if no setting has trained in all of its
      repeats.
    """
    leader = first.setting if first else None
    while True:
        known = yield from _known(state)
        trained = {
            one: found for one, found in known.items() if state.rules.trained(found)
        }
        if leader not in trained:
            leader = _fallback(state, trained)
            if leader is None:
                text = "nothing trains in every repeat: nothing can be recommended "
                text += "(more epochs or other learning rates may help)"
                state.decide(text)
                return None
        (found,) = yield from state.measure([leader], everything)
        if not state.rules.trained(found):
            continue
        challengers = yield from _challengers(state, leader, trained)
        if not challengers:
            state.decide(
                f"compared with all that was measured, seed by seed: nothing is better "
                f"than {leader.words()} by {state.rules.tolerance:.3g} or beyond "
                "chance",
                best=search_state.numbers_of([found])[0],
            )
            return found
        leader = yield from _round(state, leader, challengers, everything)


def compare(
    state: SearchState,
    chosen: Measured,
    start: settings.Setting,
    own: settings.AsCompiled | None,
    later: Sequence[int],
) -> Steps[Choice]:
    """Pairs the choice with phase 1's best, the next larger batch and the baseline.

    Args:
      state: of the search.
      chosen: the choice.
      start: phase 1's best.
      own: the user's own optimizer, if there is one; it gets the choice's repeats.
      later: the repeats after phase 1.
    """
    ours, theirs = yield from state.measure([chosen.setting, start], later)
    are_trained = state.rules.trained(ours) and state.rules.trained(theirs)
    larger = [
        one.setting
        for one in state.asked
        if one.phase in (2, 3)
        and isinstance(one.setting, settings.Setting)
        and one.setting.batch_size > chosen.setting.batch_size
        # Where momentum has grown since, `start` was not tried as a larger batch.
        and (one.setting != start or start.momentum == chosen.setting.momentum)
    ]
    next_larger = baseline = None
    if larger:
        one = min(larger, key=lambda one: one.batch_size)
        asked = [i for i in state.repeats(one) if i in later]
        first, second = yield from state.measure([chosen.setting, one], asked)
        next_larger = first, second
    if own is not None:
        repeats = state.repeats(chosen.setting)
        yield from state.measure([own], repeats, "own optimizer")
        baseline = yield from _pair(state, chosen.setting, own)
    compared = (ours, theirs) if are_trained else None
    return Choice(chosen, start, compared, next_larger, baseline)


def _pair(
    state: SearchState, one: settings.Trainable, other: settings.Trainable
) -> Steps[tuple[Measured, Measured]]:
    """Returns two settings in the repeats that were requested of both."""
    shared = sorted({*state.repeats(one)}.intersection(state.repeats(other)))
    first, second = yield from state.measure([one, other], shared)
    return first, second


def _known(state: SearchState) -> Steps[dict[settings.Setting, Measured]]:
    """Returns every setting of the search with all its repeats."""
    ours = dict.fromkeys(
        one.setting for one in state.asked if isinstance(one.setting, settings.Setting)
    )
    measured = yield from state.ask(
        [state.request(one, state.repeats(one)) for one in ours]
    )
    return dict(zip(ours, measured, strict=True))


def _fallback(
    state: SearchState, trained: dict[settings.Setting, Measured]
) -> settings.Setting | None:
    """Returns the best setting of those with the most repeats."""
    most = max((len(found.scores) for found in trained.values()), default=0)
    best = state.rules.best(
        [one for one in trained.values() if len(one.scores) == most]
    )
    if best is None:
        return None
    state.decide(
        f"the best of phase 3 does not train in every repeat; the best of those with "
        f"the most repeats is {best.setting.words()}",
        best=search_state.numbers_of([best])[0],
    )
    return best.setting


def _challengers(
    state: SearchState,
    leader: settings.Setting,
    trained: dict[settings.Setting, Measured],
) -> Steps[list[settings.Setting]]:
    """Returns what is better than the leader in the repeats that both have."""
    others = [one for one in trained if one != leader]
    better = []
    for one in others:
        ours, theirs = yield from _pair(state, leader, one)
        if state.rules.is_better(comparison.loss(theirs, ours), len(others)):
            better.append(one)
    return better


def _round(
    state: SearchState,
    leader: settings.Setting,
    challengers: Sequence[settings.Setting],
    everything: Sequence[int],
) -> Steps[settings.Setting]:
    """Gives the leader and its challengers all repeats; returns the new leader."""
    num_runs = sum(
        len({*everything}.difference(state.repeats(one))) for one in challengers
    )
    text = f"{len(challengers)} of all measured settings may be better than "
    text += f"{leader.words()}: they are compared over {len(everything)} repeats"
    state.decide(f"{text} each, which takes {num_runs} more", num_runs=num_runs)
    measured = yield from state.measure([leader, *challengers], everything)
    ours, *theirs = measured
    numbers = {"measured": search_state.numbers_of(measured)}
    better = [
        one
        for one in theirs
        if state.rules.is_better(comparison.loss(one, ours), len(theirs))
    ]
    best = state.rules.best(better)
    if best is None:
        text = f"none of them is: {leader.words()} stays"
        state.decide(text, **numbers)
        return leader
    gain = comparison.loss(best, ours)
    state.decide(
        f"{best.setting.words()} is {gain.words()} better, and is taken instead",
        **numbers,
    )
    return best.setting
