"""The recommendation at the end of a search, with its evidence and its cost."""

from collections.abc import Iterable, Sequence
from typing import Any

from bsgen.tuning.procedures import (
    comparison,
    finals,
    outcomes,
    recommendations,
    replay,
    settings,
)
from bsgen.tuning.procedures.replay import Measured


def from_choice(
    choice: finals.Choice, results: replay.Results, rules: comparison.Rules
) -> recommendations.Recommendation:
    """Returns the recommendation of a procedure.

    Args:
      choice: its end.
      results: the outcome of each setting, with all its repeats.
      rules: the statistical rules.
    """
    lost = comparison.loss(*choice.compared[::-1]) if choice.compared else None
    before = results[choice.start].steps_per_repeat
    after = results[choice.chosen.setting].steps_per_repeat
    return recommendations.Recommendation(
        **_score(choice.chosen),
        next_larger=_next_larger(choice, rules),
        start=choice.start,
        loss=lost.mean if lost else None,
        loss_standard_error=lost.standard_error if lost else None,
        update_factor=before / after if before and after else None,
        **_cost(results.values()),
        metric=rules.metric,
        lower_is_better=rules.lower_is_better,
        baseline=_baseline(choice, results, rules),
    )


def from_best(
    done: Sequence[tuple[settings.Request, outcomes.Outcome]], rules: comparison.Rules
) -> recommendations.Recommendation | None:
    """Returns the trial with the highest mean score as a recommendation.

    Args:
      done: finished trials, of any oracle.
      rules: the statistical rules.

    Returns:
      None if no trial trained in all its repeats.
    """
    measured = [
        Measured(request.setting, outcome.of([*outcome.scores]), outcome.status)
        for request, outcome in done
    ]
    trained = [one for one in measured if rules.trained(one)]
    if not trained:
        return None
    best = max(trained, key=lambda one: one.mean)
    return recommendations.Recommendation(
        **_score(best),
        next_larger=None,
        start=best.setting,
        loss=None,
        loss_standard_error=None,
        update_factor=None,
        **_cost(outcome for _, outcome in done),
        metric=rules.metric,
        lower_is_better=rules.lower_is_better,
    )


def _score(chosen: Measured) -> dict[str, Any]:
    return {
        "setting": chosen.setting,
        "score": chosen.mean,
        "standard_error": outcomes.standard_error(chosen.scores),
        "num_repeats": len(chosen.scores),
    }


def _cost(results: Iterable[outcomes.Outcome]) -> dict[str, Any]:
    results = [*results]
    return {
        "num_steps": sum(one.num_steps for one in results),
        "num_examples": sum(one.num_examples for one in results),
        "seconds": sum(one.seconds for one in results),
        "num_runs": sum(len(one.scores) for one in results),
    }


def _next_larger(
    choice: finals.Choice, rules: comparison.Rules
) -> recommendations.NextLarger | None:
    if choice.next_larger is None:
        return None
    chosen, larger = choice.next_larger
    status = larger.status
    if status == "completed" and not rules.trained(larger):
        status = "untrained"
    if status != "completed":
        return recommendations.NextLarger(larger.setting, status, None, None)
    lost = comparison.loss(chosen, larger)
    return recommendations.NextLarger(
        larger.setting, status, lost.mean, lost.standard_error
    )


def _baseline(
    choice: finals.Choice, results: replay.Results, rules: comparison.Rules
) -> recommendations.Baseline | None:
    if choice.baseline is None:
        return None
    chosen, own = choice.baseline
    if own.status != "completed":
        return recommendations.Baseline(own.setting, own.status)
    if results[own.setting].status == "diverged":  # its scores are made up
        return recommendations.Baseline(own.setting, "untrained")
    lost = comparison.loss(chosen, own)
    return recommendations.Baseline(
        own.setting,
        own.status,
        own.mean,
        outcomes.standard_error(own.scores),
        lost.mean,
        lost.standard_error,
        rules.is_better(comparison.loss(own, chosen)),
    )
