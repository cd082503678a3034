"""What the procedures share of phases 1 and 2 of appendix D.

Smith & Le (2017), arXiv 1710.06451, appendix D, steps 1 and 2.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from bsgen.tuning.procedures import comparison, search_state, settings
from bsgen.tuning.procedures.replay import Measured, Steps
from bsgen.tuning.procedures.search_state import SearchState

ScanRate = Callable[[SearchState, float, Measured | None], Steps[Measured | None]]


def choose_learning_rate(
    state: SearchState,
    learning_rates: Sequence[float],
    repeats: Sequence[int],
    scan: ScanRate,
) -> Steps[Measured | None]:
    """Phase 1: scans batch sizes at falling learning rates until one is refuted.

    "If the model performs poorly, the learning rate may be too high": only a comparison
    with a lower rate can show that, so the next lower rate is always tried. It is taken
    if its best batch size is better (`comparison.Rules.is_better`). It is refuted if
    not, or as soon as it is known not to be better by the tolerance. A rate is skipped
    if nothing trains in every repeat, or nothing is really above the baseline.

    Args:
      state: of the search.
      learning_rates: falling.
      repeats: those of this phase.
      scan: measures batch sizes at a rate, given the best of the next higher rate that
        trains; returns the best, perhaps with fewer repeats; None if none trained.

    Returns:
      The best of the rate that was kept; None if none trained.
    """
    kept: Measured | None = None
    for rate in learning_rates:
        found = yield from scan(state, rate, kept)
        if kept is not None and found is not None:
            kept, found = yield from _complete(state, kept, found, repeats)
        if found is None or not state.rules.beats_baseline(found):
            _skip(state, rate, found)
            if kept is not None:
                break
        elif kept is None:
            kept = found
        elif _is_better(state, kept, found):
            kept = found
        else:
            break
    if kept is None:
        text = "no learning rate trains at any batch size: nothing can be recommended "
        text += "(more epochs or other learning rates may help)"
        state.decide(text, learning_rates=list(learning_rates))
        return None
    state.decide(
        f"best of phase 1: {kept.setting.words()}, "
        f"with {state.rules.words(kept.scores)}",
        best=search_state.numbers_of([kept])[0],
    )
    return kept


def _complete(
    state: SearchState, kept: Measured, found: Measured, repeats: Sequence[int]
) -> Steps[tuple[Measured | None, Measured | None]]:
    """Gives the best of two rates all repeats, unless the lower rate is refuted.

    Returns:
      Both, each None if it has not trained in all repeats.
    """
    if state.rules.is_settled(kept, found):
        return kept, found
    both = [kept.setting, found.setting]
    pair = yield from state.measure(both, repeats, "learning rate")
    trained = [one if state.rules.trained(one) else None for one in pair]
    return trained[0], trained[1]


def _is_better(state: SearchState, kept: Measured, found: Measured) -> bool:
    """Decides between a rate and the next lower one, each at its best batch size."""
    gain = comparison.loss(found, kept)
    settled = state.rules.is_settled(kept, found)
    is_better = not settled and state.rules.is_better(gain)
    verb = "better" if gain.mean > 0 else "worse"
    text = (
        f"learning rate {found.setting.learning_rate:g} is {gain.words()} {verb} than "
        f"{kept.setting.learning_rate:g}, each at its best batch size: "
    )
    if is_better:
        text += "the lower one is taken"
    elif settled:
        text += f"the lower one is not better by {state.rules.tolerance:.3g}"
    else:
        text += "the higher one stays"
    state.decide(text, **gain._asdict())
    return is_better


def _skip(state: SearchState, rate: float, found: Measured | None) -> None:
    reason = "no batch size trains in every repeat"
    if found is not None:
        reason = (
            f"the best, {state.rules.words(found.scores)}, is not really better than "
            "an untrained model or the best constant answer"
        )
    state.decide(
        f"learning rate {rate:g} performs poorly: {reason}",
        learning_rate=rate,
        baseline_score=state.rules.baseline_score,
        best=search_state.numbers_of([found])[0] if found else None,
    )


class Grown(NamedTuple):
    """The end of phase 2.

    Attributes:
      start: phase 1's best, trained again with this phase's repeats.
      setting: the last one whose score had not fallen.
      fallen: the next one, if it was tried; perhaps with fewer repeats.
    """

    start: Measured
    setting: settings.Setting
    fallen: Measured | None


def grow_batch(
    state: SearchState,
    start: settings.Setting,
    growth: float,
    min_growth: float,
    repeats: Sequence[int],
    looks: Sequence[int] = (),
) -> Steps[Grown]:
    """Phase 2: larger batches with (1 - momentum) ~ 1 / B until the score falls.

    The start was chosen for its high score, which luck has inflated, so it is trained
    again with new repeats, those of this phase. A score has fallen if a repeat diverged
    or did not train, or if it is really worse than that of ANY accepted setting, the
    start included, at `level` over these tests together: many small losses cannot add
    up unseen, and a setting as good as all of them is rejected with a probability of at
    most `level`. What is not worse is accepted, as ties go to the larger batch. With
    fewer than `comparison.MIN_TESTED` repeats a mean loss above the tolerance counts as
    well.

    A setting may be rejected early, after some of its repeats, but never accepted
    early. `level` then holds for all looks together.

    Args:
      state: of the search.
      start: phase 1's best.
      growth: factor of the batch size; a last, smaller step ends at the limit.
      min_growth: the smallest factor worth a step; phase 3 covers the rest.
      repeats: those of this phase.
      looks: numbers of repeats after which a setting is judged, besides all of them.
    """
    counts = sorted({*looks, len(repeats)})
    accepted: list[Measured] = []
    current = start
    while True:
        size = min(round(current.batch_size * growth), state.max_batch_size)
        if size < min_growth * current.batch_size or not state.fits(size):
            if not accepted:
                accepted = yield from state.measure([start], repeats, "start")
            state.decide(
                f"batch size {current.batch_size} is at the limit, "
                f"{state.max_batch_size} examples or the memory: no larger step",
                batch_size=current.batch_size,
                max_batch_size=state.max_batch_size,
            )
            return Grown(accepted[0], current, None)
        for count in counts:
            asked = [state.request(current.scaled(size), repeats[:count])]
            if not accepted:
                asked.insert(0, state.request(start, repeats, "start"))
            measured = yield from state.ask(asked)
            if not accepted:
                accepted.append(measured[0])
            candidate = measured[-1]
            # One repeat of several can only show that it does not train.
            num_tests = sum(each > 1 for each in counts) or 1
            is_last = count == len(repeats)
            text, numbers = _judge(state.rules, accepted, candidate, num_tests, is_last)
            if text is not None:
                state.decide(text, **numbers)
                return Grown(accepted[0], current, candidate)
        score = state.rules.words(candidate.scores)
        text = (
            f"{candidate.setting.words()}: {score}, not really worse than any smaller"
        )
        state.decide(f"{text} batch: it is accepted", **numbers)
        accepted.append(candidate)
        current = candidate.setting


def _judge(
    rules: comparison.Rules,
    accepted: Sequence[Measured],
    candidate: Measured,
    num_looks: int,
    is_last: bool,
) -> tuple[str | None, dict[str, Any]]:
    """Returns why a setting is rejected (None if it is not), and the numbers."""
    name = candidate.setting.words()
    numbers: dict[str, Any] = {"candidate": search_state.numbers_of([candidate])[0]}
    if not rules.trained(candidate):
        reason = {"completed": "does not train in every repeat"}.get(
            candidate.status, candidate.status.replace("_", " ")
        )
        return f"{name}: {reason}, so the batch stops growing", numbers
    references = [one for one in accepted if rules.trained(one)]
    losses = [comparison.loss(one, candidate) for one in references]
    numbers["losses"] = [
        {"batch_size": one.setting.batch_size, **loss._asdict()}
        for one, loss in zip(references, losses, strict=True)
    ]
    score = rules.words(candidate.scores)
    for one, loss in zip(references, losses, strict=True):
        if rules.is_worse(loss, len(references) * num_looks, is_last):
            text = (
                f"{name}: {score}, which is {loss.words()} worse than batch size "
                f"{one.setting.batch_size}: the score has begun to fall"
            )
            return text, numbers
    return None, numbers
