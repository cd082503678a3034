"""Hoffer et al. (2017), figure 5: a large batch with an adapted regime, and without.

Besides, what sections 5 and 7 say of longer training, at the same batch size: that the
number of updates closes the gap, and that updates at the high rate go on improving the
final accuracy while the error at that rate does not show it.
"""

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.papers.hoffer_2017 import (
    error_curves,
    error_curves_figure,
    longer_training_figure,
    presets,
    regimes,
)
from bsgen.studies import claims, estimates, study
from bsgen.training import large_batch

# How many times as many updates are taken at the high rate, at the scales that try it.
_FACTORS = {"quick": (2, 4, 8, 16), "reduced": (2, 4, 8)}
_EVALUATIONS = 10  # of equal parts of a longer first phase
# The error before the drop is the mean over so much of the first phase, at its end.
_BEFORE_DROP = 0.2
# An improvement is not observable before the drop if less than this share of it is
# there; our choice.
_OBSERVABLE = 0.5


class Longer(NamedTuple):
    """The small batch, and a large one by how long it trains.

    Attributes:
      small: the small batch.
      unadapted: the large batch, equal epochs.
      adapted: the large batch with all remedies, as many updates as the small one.
      updates_alone: the large batch with as many updates and no other remedy; None at
        scales that do not try it.
      by_factor: the large batch with larger rate and ghosts, by how many times as many
        updates it takes before the rate first drops, rising from 1; likewise empty.
    """

    small: error_curves.Curves
    unadapted: error_curves.Curves
    adapted: error_curves.Curves
    updates_alone: error_curves.Curves | None
    by_factor: dict[int, error_curves.Curves]

    def final_by_factor(self) -> pd.DataFrame:
        """Returns the final errors, one row a factor, one column a seed."""
        return pd.DataFrame({f: c.final_error() for f, c in self.by_factor.items()}).T

    def before_drop(self) -> pd.DataFrame:
        """Returns the mean errors at the end of the first phase, likewise."""
        return pd.DataFrame({f: _before_drop(c) for f, c in self.by_factor.items()}).T


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the runs of `Longer`, for each seed."""
    regime = presets.FIGURES[scale]
    seeds = regime.task.seeds(num_seeds)
    return [run for seed in seeds for run in _of_seed(regime, scale, seed)]


def _of_seed(
    regime: regimes.Regime, scale: str, seed: int
) -> Iterator[config.RunConfig]:
    size = presets.figure_batch_size(regime)
    small = regime.run(regimes.SB, seed)
    yield small
    yield regime.run(regimes.LB, seed, size)
    yield regime.run(regimes.RA, seed, size)
    if factors := _FACTORS.get(scale):
        alone = large_batch.Remedies(scaling="none", adapts_regime=True)
        yield large_batch.adapted(small, size, alone)
        with_ghosts = regime.run(regimes.GBN, seed, size)
        yield with_ghosts
        yield from (_prolonged(with_ghosts, factor) for factor in factors)


def _prolonged(run: config.RunConfig, factor: int) -> config.RunConfig:
    """Returns a run that takes `factor` times as many updates before the first drop."""
    schedule, train_size = run.sgd.schedule, run.data.train_size
    if (
        not isinstance(schedule, config.Stepwise)
        or not train_size
        or not run.batch_size
    ):
        raise ValueError("a regime has drops of the rate at numbers of epochs")
    steps_per_epoch = train_size / run.batch_size
    first = round(steps_per_epoch * schedule.boundaries[0])
    later = (factor - 1) * first  # steps by which all that follows is later
    longer = dataclasses.replace(
        schedule,
        boundaries=tuple(b + later / steps_per_epoch for b in schedule.boundaries),
    )
    parts = np.arange(_EVALUATIONS + 1) / _EVALUATIONS
    steps = [round(part * factor * first) for part in parts]
    steps += [step + later for step in run.evaluation_steps if step > first]
    return dataclasses.replace(
        run,
        optimizer=dataclasses.replace(run.sgd, schedule=longer),
        num_steps=run.num_steps + later,
        evaluation_steps=tuple(steps),
    )


def analyse(results: study.Results) -> Longer:
    """Tells the runs apart."""
    rows = regimes.stages(results.runs, presets.known())
    by_stage = dict(iter(rows.groupby("stage")))
    others = rows[rows["stage"].isna()]
    small, unadapted, adapted = (
        error_curves.of(results, by_stage[stage])
        for stage in (regimes.SB, regimes.LB, regimes.RA)
    )
    if others.empty:
        return Longer(small, unadapted, adapted, None, {})
    has_ghosts = others["normalization"] == "ghost"
    first = by_stage[regimes.GBN]
    prolonged = pd.concat([first, others[has_ghosts]])
    steps = regimes.first_phase_steps(prolonged)
    factors = (steps / steps.loc[first.index].iloc[0]).round().astype(int)
    by_factor = {
        int(factor): error_curves.of(results, own)
        for factor, own in prolonged.groupby(factors)
    }
    alone = error_curves.of(results, others[~has_ghosts])
    return Longer(small, unadapted, adapted, alone, by_factor)


def judge(found: Longer) -> list[claims.Claim]:
    """Adapting the regime helps; updates close the gap, at the high rate above all."""
    size = found.adapted.batch_size
    judged = [
        claims.below(
            "The large batch with an adapted regime ends with a lower error than "
            "without any adaptation",
            f"final test error at batch size {size}, adapted minus not adapted",
            estimates.mean(
                found.adapted.final_error() - found.unadapted.final_error(), paired=True
            ),
        )
    ]
    if found.updates_alone:
        judged.append(_closes_alone(found, found.updates_alone))
    if found.by_factor:
        judged += _at_high_rate(found)
    return judged


def _closes_alone(found: Longer, alone: error_curves.Curves) -> claims.Claim:
    """Judges that the number of updates, not the batch size, makes the gap."""
    large, small = (
        each.runs["final_train_cross_entropy"].astype(float).mean()
        for each in (alone, found.small)
    )
    return claims.below(
        "The gap stems from the number of updates, not from the batch size: a large "
        "batch that only trains for as many ends as good as the small one",
        f"final test error at batch size {alone.batch_size}, as many updates and no "
        "other change, minus the small batch's",
        estimates.mean(alone.final_error() - found.small.final_error(), paired=True),
        f"'as good' read as worse by less than {presets.MARGIN:g}, our choice; the "
        "paper's own runs have a larger rate and ghosts besides, and Keskar et al. "
        f"(2017), whom it quotes, saw the gap remain; training loss {large:.2g} nats, "
        f"small batch {small:.2g}",
        bound=presets.MARGIN,
    )


def _at_high_rate(found: Longer) -> list[claims.Claim]:
    """Judges that more updates before the first drop improve the final accuracy."""
    final, before = found.final_by_factor(), found.before_drop()
    size = found.by_factor[1].batch_size
    doubling = "for each doubling of the updates before the first drop of the rate"
    return [
        claims.below(
            "Training on at the high rate improves the final accuracy",
            f"change of the final test error at batch size {size} {doubling}, 1 to "
            f"{final.index.max()} times as many",
            estimates.mean(_slope(final)),
        ),
        claims.below(
            "Training on at the high rate improves the final accuracy without an "
            "observable change of the error before the drop",
            "the same of the error just before the drop, as a share of that at the end",
            estimates.ratio_of_means(_slope(before), _slope(final)),
            f"not observable: less than {_OBSERVABLE:g} of the improvement, our choice",
            bound=_OBSERVABLE,
        ),
    ]


def _before_drop(curves: error_curves.Curves) -> pd.Series:
    """Returns the mean error over the end of the first phase, by seed."""
    drop, steps = curves.drops[0], curves.errors.index
    return curves.errors[(steps > (1 - _BEFORE_DROP) * drop) & (steps <= drop)].mean()


def _slope(errors: pd.DataFrame) -> np.ndarray:
    """Returns the slopes against log2 of the index, [seeds]."""
    return np.polyfit(np.log2(errors.index.to_numpy(float)), errors, 1)[0]


STUDY = study.Study(
    "hoffer_2017/fig5",
    "A large batch with an adapted regime, and without",
    caption="(a) Test error during training of the small batch and of a large one: "
    "with as many epochs, with a larger learning rate, ghost batch normalization and "
    "as many updates as the small batch, and with as many updates and no other change: "
    f"{error_curves_figure.BAND}. Dotted, in the same colours: where the learning rate "
    "drops. (b) Their final test errors minus the small batch's of the same seed: mean "
    "with its 95 % t interval, and each seed as a dot. Shaded: as good as the small "
    f"batch, worse by less than {presets.MARGIN:g} or better. (c) The large batch with "
    "larger rate and ghosts, when only the phase before the first drop of the rate is "
    "prolonged: error at the end, and before that drop (mean over the last fifth of "
    "the phase), means with their 95 % t intervals.",
    analyse=analyse,
    judge=judge,
    show=longer_training_figure.show,
    make_runs=runs,
    scales=tuple(presets.FIGURES),
)
