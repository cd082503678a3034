"""Smith & Le (2017), figures 5 to 7: how the optimum batch size scales.

B_opt is predicted to be proportional to the learning rate, to the size of the training
set and to 1 / (1 - momentum).
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from bsgen import config
from bsgen.figures import style
from bsgen.papers.smith_le_2017 import scaling_rules_figure, sweeps
from bsgen.studies import claims, estimates, optimum, study

_AS_PREDICTED = (0.75, 1.25)  # nearer to the exponent 1 than to 1/2; our choice
_LARGE_TRAIN_SIZE = 20_000  # where the paper sees the linear trend of figure 6


class Rule(NamedTuple):
    """What the optimum batch size is predicted to be proportional to.

    Attributes:
      column: of the table of runs: the setting that is varied.
      name, symbol: of that setting, for axes.
      predicted: the setting to B_opt, up to a constant factor.
      settings: tried at each scale.
    """

    column: str
    name: str
    symbol: str
    predicted: Callable[[Any], Any]
    settings: Mapping[str, Sequence[float]]


_MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98)
LEARNING_RATE = Rule(
    "learning_rate",
    "learning rate",
    "$\\epsilon$",
    lambda rate: rate,
    {
        "quick": (0.1, 0.3, 1.0, 3.0, 10.0),
        # The paper says "two orders of magnitude"; the values are our choice.
        "paper": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    },
)
TRAIN_SIZE = Rule(
    "train_size",
    "training set size",
    "$N$",
    lambda size: size,
    {
        "quick": (125, 250, 500, 1000),
        "paper": (1000, 3000, 10_000, 20_000, 30_000, 45_000, 60_000),
    },
)
MOMENTUM = Rule(
    "momentum",
    "momentum",
    "$m$",
    lambda momentum: 1 / (1 - momentum),
    {"quick": _MOMENTA, "paper": _MOMENTA},
)


class Scaling(NamedTuple):
    """The optima at each setting, and how they scale.

    Attributes:
      rule: which setting is varied.
      sweeps: one a setting, in rising order.
      claimed: those that the rule is claimed for.
      fitted: those of the claimed that are fitted.
      exponent: of B_opt against what the rule predicts.
    """

    rule: Rule
    sweeps: list[sweeps.Sweep]
    claimed: list[sweeps.Sweep]
    fitted: list[sweeps.Sweep]
    exponent: estimates.Estimate


def runs(scale: str, num_seeds: int | None, rule: Rule) -> list[config.RunConfig]:
    """Returns a sweep of the batch size at each setting."""
    return [
        run
        for setting in rule.settings[scale]
        for run in sweeps.runs(scale, num_seeds, **{rule.column: setting})
    ]


def analyse(results: study.Results, rule: Rule) -> Scaling:
    """Finds the optimum at each setting and fits the exponent.

    Of training set sizes the larger half is claimed: 20,000 and more at paper scale,
    as the paper has it.
    """
    found = sweeps.by_setting(results, rule.column)
    claimed = found[len(found) // 2 :] if rule is TRAIN_SIZE else found
    fitted = sweeps.fitted(claimed)
    exponent = optimum.exponent(
        [rule.predicted(sweep.setting) for sweep in fitted],
        [sweep.accuracies for sweep in fitted],
    )
    return Scaling(rule, found, claimed, fitted, exponent)


def judge_learning_rates(found: Scaling) -> list[claims.Claim]:
    """B_opt grows with the learning rate; a learning rate too large loses accuracy."""
    last = found.sweeps[-1]
    highest = max(found.sweeps, key=lambda sweep: sweep.best.accuracy)
    return [
        _scaling("B_opt is proportional to the learning rate", "learning rate", found),
        claims.below(
            "The accuracy falls when the learning rate is too large",
            f"best test accuracy at learning rate {last.setting:g} minus at "
            f"{highest.setting:g}",
            _difference(last, highest),
        ),
    ]


def judge_train_sizes(found: Scaling) -> list[claims.Claim]:
    """B_opt grows with the training set, where that is large; so does the accuracy."""
    smallest = found.claimed[0].setting
    scaling = _scaling(
        "B_opt is proportional to the training set size when that is large (the paper: "
        "from N = 20,000 on)",
        f"training set size, from {smallest} on",
        found,
    )
    if smallest < _LARGE_TRAIN_SIZE:
        reason = "not tested at this scale: it stays far below N = 20,000"
        scaling = claims.left_open(scaling, reason)
    first, last = found.sweeps[0], found.sweeps[-1]
    return [
        scaling,
        claims.above(
            "The model improves as the training set grows",
            f"best test accuracy at N = {last.setting} minus at N = {first.setting}",
            _difference(last, first),
        ),
    ]


def judge_momenta(found: Scaling) -> list[claims.Claim]:
    """B_opt grows as 1 / (1 - momentum)."""
    return [_scaling("B_opt is proportional to 1/(1 - m)", "1/(1 - m)", found)]


def _scaling(claim: str, variable: str, found: Scaling) -> claims.Claim:
    """Judges an exponent of 1 against no scaling, the square root and the square.

    The square is what the rule "learning rate ~ sqrt(batch size)" of Hoffer et al.
    (2017) would give.
    """
    return claims.scales_as(
        claim,
        f"exponent of B_opt against {variable}",
        found.exponent,
        1,
        _AS_PREDICTED,
        (0, 0.5, 2),
        f"{len(found.fitted)} of {len(found.claimed)} settings fitted",
    )


def _difference(sweep: sweeps.Sweep, other: sweeps.Sweep) -> estimates.Estimate:
    """Returns by how much the accuracy at one optimum exceeds that at another."""
    first, second = (s.accuracies.loc[s.best.batch_size] for s in (sweep, other))
    return estimates.mean(first - second, paired=True)


def _study(
    name: str,
    rule: Rule,
    judge: Callable[[Scaling], list[claims.Claim]],
    prediction: str,
    not_fitted: str = "",
) -> study.Study:
    return study.Study(
        name,
        f"Optimum batch size against {rule.name}",
        caption="(a) Final test accuracy against batch size, mean over seeds with its "
        f"95 % t interval; rings mark the best batch size. {style.ACCURACY_AXIS} (b) "
        f"The best batch size against the {rule.name}: broad bars reach to the next "
        "batch sizes tried (the paper's error bars), thin ones are 95 % bootstrap "
        f"intervals over seeds and spacing. The line is the prediction {prediction}, "
        "placed through the geometric mean of the fitted optima; hollow ones are not "
        "fitted (best at the edge of its grid, badly trained, or not finished"
        f"{not_fitted}).",
        analyse=functools.partial(analyse, rule=rule),
        judge=judge,
        show=scaling_rules_figure.show,
        make_runs=functools.partial(runs, rule=rule),
        shows_parts=True,
    )


_LOWER_HALF = ", or in the lower half of N"
STUDIES = (
    _study(
        "smith_le_2017/fig5",
        LEARNING_RATE,
        judge_learning_rates,
        "B_opt ∝ learning rate",
    ),
    _study(
        "smith_le_2017/fig6", TRAIN_SIZE, judge_train_sizes, "B_opt ∝ N", _LOWER_HALF
    ),
    _study("smith_le_2017/fig7", MOMENTUM, judge_momenta, "B_opt ∝ 1/(1 - m)"),
)
