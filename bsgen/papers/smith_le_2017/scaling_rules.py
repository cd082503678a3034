"""Smith & Le (2017), figures 5 to 7: how the optimum batch size scales.

B_opt is predicted to be proportional to the learning rate, to the size of the training
set and to 1 / (1 - momentum).
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bsgen import config
from bsgen.figures import style
from bsgen.papers.smith_le_2017 import scaling_rules_figure, sweeps
from bsgen.papers.smith_le_2017.scaled_settings import (
    LEARNING_RATE,
    MOMENTUM,
    TRAIN_SIZE,
    Rule,
)
from bsgen.studies import claims, estimates, optimum, study

_AS_PREDICTED = (0.75, 1.25)  # nearer to the exponent 1 than to 1/2; our choice
_LARGE_TRAIN_SIZE = 20_000  # where the paper sees the linear trend of figure 6


_CAVEAT = (
    " That size scales as the optimum does, some three or four times below the "
    "parabola's top, so that this figure alone cannot tell whether noise or stability "
    "sets the optimum."
)


class Fit(NamedTuple):
    """How batch sizes scale over some of the settings.

    Attributes:
      label: which settings.
      settings: those that are fitted.
      exponent: of B_opt against what the rule predicts, mean over seeds.
      at_best: the same, if any number of seeds agreed.
      shared: the same, of the parabolas through the curves' means over seeds.
      breakdown: the exponent of the batch size below which training breaks down, of
        those settings at which it does so on every seed.
    """

    label: str
    settings: list[float]
    exponent: estimates.Estimate
    at_best: estimates.Estimate
    shared: float
    breakdown: estimates.Estimate


class Scaling(NamedTuple):
    """The optima at each setting, and how they scale.

    Attributes:
      rule: which setting is varied.
      sweeps: one a setting, in rising order.
      claimed: those that the rule is claimed for.
      fit: of those of the claimed that can be fitted.
      fits: this one, and one of all sweeps where more than those are claimed.
    """

    rule: Rule
    sweeps: list[sweeps.Sweep]
    claimed: list[sweeps.Sweep]
    fits: list[Fit]

    @property
    def fit(self) -> Fit:
        """The fit that is judged."""
        return self.fits[0]


def runs(scale: str, num_seeds: int | None, rule: Rule) -> list[config.RunConfig]:
    """Returns a sweep of the batch size at each setting."""
    return [
        run
        for setting in rule.settings[scale]
        for run in sweeps.runs(
            scale,
            num_seeds,
            rule.num_steps.get(scale),
            rule.between.get(scale, ()),
            **{rule.column: setting},
        )
    ]


def analyse(results: study.Results, rule: Rule) -> Scaling:
    """Finds the optimum at each setting and fits the exponents.

    Of training set sizes the larger half is claimed: 20,000 and more at paper scale,
    as the paper has it.
    """
    found = sweeps.by_setting(results, rule.column)
    if rule is not TRAIN_SIZE:
        return Scaling(rule, found, found, [_fit("", found, rule)])
    claimed = found[len(found) // 2 :]
    label = f"N ≥ {claimed[0].setting:,}"
    both = [_fit(label, claimed, rule), _fit("all N", found, rule)]
    return Scaling(rule, found, claimed, both)


def _fit(label: str, swept: list[sweeps.Sweep], rule: Rule) -> Fit:
    used = sweeps.fitted(swept)
    predicted = [rule.predicted(sweep.setting) for sweep in used]
    broken = [sweep for sweep in used if np.isfinite(sweep.breakdown.logs).all()]
    places = [sweep.best.place for sweep in used]
    shared = [sweep.best.shared_log for sweep in used]
    return Fit(
        label,
        [sweep.setting for sweep in used],
        optimum.exponent(predicted, places),
        optimum.exponent(predicted, [place.of_many_seeds() for place in places]),
        float(optimum.slope(predicted, shared)) if len(used) > 1 else math.nan,
        optimum.exponent(
            [rule.predicted(sweep.setting) for sweep in broken],
            [sweep.breakdown for sweep in broken],
        ),
    )


def judge_learning_rates(found: Scaling) -> list[claims.Claim]:
    """B_opt grows with the learning rate; a learning rate too large loses accuracy."""
    last = found.sweeps[-1]
    highest = max(found.sweeps, key=lambda sweep: sweep.best.accuracy)
    return [
        _scaling(
            "B_opt is proportional to the learning rate", "learning rate", found, True
        ),
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
    return [_scaling("B_opt is proportional to 1/(1 - m)", "1/(1 - m)", found, True)]


def _scaling(
    claim: str, variable: str, found: Scaling, caveat: bool = False
) -> claims.Claim:
    """Judges an exponent of 1 against no scaling, the square root and the square.

    The square root, or the square, is what "learning rate ~ sqrt(batch size)" of Hoffer
    et al. (2017) would give, as it is read from the one or the other side.
    """
    fit = found.fit
    notes = [f"{len(fit.settings)} of {len(found.claimed)} settings fitted"]
    if math.isfinite(fit.shared):
        notes.append(f"the curves' means give {fit.shared:.2f}")
    if caveat and (words := _caveat(found)):
        notes.append(words)
    judged, at_best = (
        claims.scales_as(
            claim,
            f"exponent of B_opt against {variable}",
            estimate,
            1,
            _AS_PREDICTED,
            (0, 0.5, 2),
            "; ".join(notes),
        )
        for estimate in (fit.exponent, fit.at_best)
    )
    if judged.measured is not None and at_best.verdict == claims.UNDECIDED:
        reason = "the batch sizes tried are too far apart, whatever the number of seeds"
        return claims.left_open(judged, reason)
    return judged


def _caveat(found: Scaling) -> str:
    """Says that the batch size at which training breaks down scales alike."""
    breakdown, (lowest, highest) = found.fit.breakdown.interval(), _ratios(found)
    if not math.isfinite(breakdown.value):
        return ""
    return (
        f"B_opt is {lowest:.1f} to {highest:.1f} times the size below which training "
        f"breaks down, whose exponent is {breakdown.value:.2f} "
        f"[{breakdown.lower:.2f}, {breakdown.upper:.2f}]: this figure cannot tell "
        "noise from stability"
    )


def _ratios(found: Scaling) -> tuple[float, float]:
    """Returns B_opt over the size of breakdown, lowest and highest of the fitted."""
    ratios = [
        float(np.exp(np.mean(sweep.best.place.logs - sweep.breakdown.logs)))
        for sweep in found.sweeps
        if sweep.setting in found.fit.settings
    ]
    ratios = list(filter(math.isfinite, ratios))
    return min(ratios, default=math.nan), max(ratios, default=math.nan)


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
        f"95 % t interval; rings mark the best batch size. {style.ACCURACY_AXIS} Marks "
        "on the upper edge are batch sizes that are planned and not trained. (b) The "
        f"optimum batch size against the {rule.name}: the top of a parabola through "
        "the accuracies beside the best one, geometric mean over seeds; thin bars are "
        "its 95 % interval, broad ones reach from the best batch size tried to the "
        f"next (the paper's error bars). The line is the prediction {prediction}, "
        "placed through the geometric mean of the fitted optima; hollow ones are not "
        f"fitted (best at the edge of its grid, or badly trained{not_fitted}). "
        "Triangles: the batch size below which training breaks down, where the "
        "accuracy is half-way between chance and the best."
        f"{_CAVEAT if rule is not TRAIN_SIZE else ''}",
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
