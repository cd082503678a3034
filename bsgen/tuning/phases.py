"""Phases 1 and 2 of appendix D as far as all procedures share them.

Smith & Le (2017), arXiv 1710.06451, appendix D, steps 1 and 2.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from bsgen.tuning import comparison, outcomes, plans, search, settings


class Scan(NamedTuple):
    """The best batch size at one learning rate.

    Attributes:
      best: None if none trained.
      at_top: whether it is the largest that could be tried.
    """

    best: plans.Measured | None
    at_top: bool


ScanRate = Callable[[float, plans.Measured | None], plans.Steps[Scan]]


def choose_learning_rate(
    state: search.Search,
    rules: comparison.Rules,
    learning_rates: Sequence[float],
    scan: ScanRate,
) -> plans.Steps[plans.Measured | None]:
    """Phase 1: scans batch sizes at falling learning rates while one performs poorly.

    A rate performs poorly if (a) no batch size trains in every repeat, or the best is
    not really above the baseline; or (b) the best batch size is the largest tried,
    which may say that the noise is too high at all of them. As (b) also happens where
    noise does no good at any rate, a rate poor by (b) alone is given up only if the
    next lower one is really better (paired one-sided test).

    Args:
      state: where the decisions go.
      rules: the statistical rules.
      learning_rates: falling.
      scan: measures batch sizes at a rate, given the best of the next higher rate.

    Returns:
      The best of the rate that was kept; None if none trained.
    """
    kept = None
    for rate in learning_rates:
        found, at_top = yield from scan(rate, kept)
        if found is None or not rules.beats_baseline(found):
            _give_up(state, rules, rate, found)
            if kept is None:
                continue
            break
        if kept is not None:
            gain = comparison.loss(found, kept)
            is_better = rules.is_real(gain)
            state.decide(
                1,
                f"learning rate {rate:g} minus the one before: "
                f"{outcomes.plus_minus(gain.mean, gain.standard_error)}, "
                + ("really better: it is taken" if is_better else "not really better"),
                **gain._asdict(),
            )
            if not is_better:
                break
        kept = found
        if not at_top:
            break
        state.decide(
            1,
            f"at learning rate {rate:g} the best batch size is the largest tried, "
            f"{found.setting.batch_size}: the noise may be too high at all of them, "
            "so the next lower learning rate is tried, if there is one",
            batch_size=found.setting.batch_size,
            learning_rate=rate,
        )
    if kept is None:
        text = "no learning rate trains at any batch size: nothing can be recommended"
        state.decide(1, text, learning_rates=list(learning_rates))
        return None
    state.decide(
        1,
        f"best of phase 1: {kept.setting.words()}, with "
        f"{outcomes.mean_words(kept.scores)}",
        best=search.numbers_of([kept])[0],
    )
    return kept


def _give_up(
    state: search.Search,
    rules: comparison.Rules,
    rate: float,
    found: plans.Measured | None,
) -> None:
    reason = "no batch size trains in every repeat"
    if found is not None:
        reason = (
            f"the best score, {outcomes.mean_words(found.scores)}, is not really above "
            f"the constant predictor's {rules.baseline_score:.4g}"
        )
    state.decide(
        1,
        f"learning rate {rate:g} performs poorly: {reason}",
        learning_rate=rate,
        baseline_score=rules.baseline_score,
        best=search.numbers_of([found])[0] if found else None,
    )


class Grown(NamedTuple):
    """The end of phase 2.

    Attributes:
      start: phase 1's best, trained again with this phase's repeats.
      setting: the last one that had not fallen.
      fallen: the one after it, if it was tried; perhaps with fewer repeats.
    """

    start: plans.Measured
    setting: settings.Setting
    fallen: plans.Measured | None


def grow_batch(
    state: search.Search,
    rules: comparison.Rules,
    start: settings.Setting,
    growth: float,
    min_growth: float,
    repeats: Sequence[int],
    looks: Sequence[int] = (),
) -> plans.Steps[Grown]:
    """Phase 2: larger batches with (1 - momentum) ~ 1 / B until the score falls.

    The start was chosen for its high score, so that score is flattered; it is trained
    again with new repeats, which all of this phase uses. A setting has fallen if a
    repeat of it diverged or did not train, or if it is really worse than ANY accepted
    one, start included, at `level` over these tests together: many small losses cannot
    add up unseen, and a setting as good as all of them is rejected with a chance of at
    most `level`. What is not worse is accepted, because ties go to the larger batch.

    A setting may be looked at before all its repeats are there, and be rejected, never
    accepted, early. `level` then holds for all looks together.

    Args:
      state: where the decisions go, and the limit of the hardware.
      rules: the statistical rules.
      start: phase 1's best.
      growth: factor of the batch size; a last, smaller step ends at the limit.
      min_growth: no step is smaller than this; phase 3 covers what is left.
      repeats: those of this phase.
      looks: after how many repeats a setting is looked at, besides after all.
    """
    counts = sorted({*looks, len(repeats)})
    accepted: list[plans.Measured] = []
    current = start
    while True:
        size = min(round(current.batch_size * growth), state.max_batch_size)
        if size < min_growth * current.batch_size or not state.fits(size):
            if not accepted:
                accepted = yield from state.measure([start], repeats)
            state.decide(
                2,
                f"batch size {current.batch_size} is at the limit, "
                f"{state.max_batch_size} examples or the memory: no larger step",
                batch_size=current.batch_size,
                max_batch_size=state.max_batch_size,
            )
            return Grown(accepted[0], current, None)
        for count in counts:
            asked = [(current.scaled(size), repeats[:count])]
            if not accepted:
                asked.insert(0, (start, repeats))
            measured = yield from state.ask(asked)
            if not accepted:
                accepted.append(measured[0])
            candidate = measured[-1]
            # One repeat of several can only show that it does not train.
            num_tests = sum(each > 1 for each in counts) or 1
            is_tested = count > 1 or count == len(repeats)
            text, numbers = _judge(rules, accepted, candidate, is_tested, num_tests)
            if text is not None:
                state.decide(2, text, **numbers)
                return Grown(accepted[0], current, candidate)
        score = outcomes.mean_words(candidate.scores)
        text = f"{candidate.setting.words()}: {score}, not really below any smaller"
        state.decide(2, f"{text} batch: it is accepted", **numbers)
        accepted.append(candidate)
        current = candidate.setting


def _judge(
    rules: comparison.Rules,
    accepted: Sequence[plans.Measured],
    candidate: plans.Measured,
    is_tested: bool,
    num_looks: int,
) -> tuple[str | None, dict[str, Any]]:
    """Returns why a setting is rejected, None if it is not; and the numbers."""
    name = candidate.setting.words()
    numbers: dict[str, Any] = {"candidate": search.numbers_of([candidate])[0]}
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
    score = outcomes.mean_words(candidate.scores)
    for one, loss in zip(references, losses, strict=True):
        if is_tested and rules.is_real(loss, len(references) * num_looks):
            lost = outcomes.plus_minus(loss.mean, loss.standard_error)
            text = (
                f"{name}: {score}, which is {lost} below batch size "
                f"{one.setting.batch_size}: the score has begun to fall"
            )
            return text, numbers
    return None, numbers
