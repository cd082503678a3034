"""Smith & Le (2017), figures 4 to 7: the optimum batch size and its scaling rules."""

import dataclasses
from typing import Any, NamedTuple

import pandas as pd

from bsgen import config, statistics
from bsgen.papers.smith_le_2017 import presets
from bsgen.studies import claims, optimum, study, tables

_TRAINS = 0.9  # a setting takes part in a scaling fit if it reaches this share of the
# highest accuracy; our choice, so that settings at which nothing trains do not
_LARGE_TRAIN_SIZE = 20_000  # where the paper sees the linear trend of figure 6
_UNTRAINABLE = 10  # "cannot train when B <~ 10", section 4


class Sweep(NamedTuple):
    """The batch sizes tried at one setting.

    Attributes:
      setting: the learning rate, training set size or momentum.
      accuracies: final test accuracy, one row a batch size, one column a seed.
      best: the optimum batch size.
    """

    setting: float
    accuracies: pd.DataFrame
    best: optimum.Optimum


def by_setting(runs: pd.DataFrame, column: str) -> list[Sweep]:
    """Splits a table of runs into its sweeps, by rising value of `column`."""
    sweeps = []
    for number, (setting, rows) in enumerate(runs.groupby(column)):
        accuracies = tables.accuracies(rows, presets.CHANCE)
        sweeps.append(Sweep(setting, accuracies, optimum.find(accuracies, number)))
    return sweeps


def of_large_sets(sweeps: list[Sweep]) -> list[Sweep]:
    """Returns the larger half of the sizes of figure 6, where a trend is claimed."""
    return sweeps[len(sweeps) // 2 :]


def fitted(sweeps: list[Sweep]) -> list[Sweep]:
    """Returns the sweeps that a scaling fit uses.

    Left out are optima at an edge of their grid (the true one may lie outside) and
    settings at which even the best batch size trains badly.
    """
    highest = max(sweep.best.accuracy for sweep in sweeps)
    return [
        sweep
        for sweep in sweeps
        if not sweep.best.at_edge and sweep.best.accuracy >= _TRAINS * highest
    ]


def figure4_runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns batch sizes from 1 to N at learning rate 1, momentum 0.9."""
    preset = presets.PRESETS[scale]
    return [
        presets.run(preset, batch_size, seed)
        for batch_size in presets.batch_sizes(preset, preset.train_size)
        for seed in range(num_seeds or preset.num_seeds)
    ]


def figure5_runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the sweep at each learning rate, num_steps / learning rate steps long."""
    rates = presets.PRESETS[scale].learning_rates
    return _runs(scale, num_seeds, [{"learning_rate": rate} for rate in rates])


def figure6_runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the sweep at each training set size."""
    sizes = presets.PRESETS[scale].train_sizes
    return _runs(scale, num_seeds, [{"train_size": size} for size in sizes])


def figure7_runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the sweep at each momentum coefficient."""
    momenta = presets.PRESETS[scale].momenta
    return _runs(scale, num_seeds, [{"momentum": momentum} for momentum in momenta])


def _runs(
    scale: str, num_seeds: int | None, settings: list[dict[str, Any]]
) -> list[config.RunConfig]:
    """Returns one sweep a setting, which are keyword arguments of `presets.run`."""
    preset = presets.PRESETS[scale]
    return [
        presets.run(preset, batch_size, seed, **setting)
        for setting in settings
        for batch_size in presets.batch_sizes(
            preset,
            setting.get("train_size", preset.train_size),
            round(preset.num_steps / setting.get("learning_rate", 1)),
        )
        for seed in range(num_seeds or preset.num_seeds)
    ]


def judge_figure4(results: study.Results) -> list[claims.Claim]:
    """An optimum batch size exists, and very small batches cannot train."""
    accuracies = tables.accuracies(results.runs, presets.CHANCE)
    note = _paired_note(accuracies)
    small = max(size for size in accuracies.index if size <= _UNTRAINABLE)
    return [
        claims.above(
            "There is an optimum batch size: it beats the full batch",
            "test accuracy at the optimum minus at the full batch",
            optimum.advantage(accuracies, over=accuracies.index.max()),
            0,
            note,
        ),
        claims.above(
            "There is an optimum batch size: it beats the smallest batch",
            "test accuracy at the optimum minus at batch size 1",
            optimum.advantage(accuracies, over=accuracies.index.min()),
            0,
            note,
        ),
        claims.below(
            "The model cannot train when B is below about 10",
            f"test accuracy at batch size {small}",
            statistics.mean_interval(accuracies.loc[small]),
            0.5,
            statistics.t_interval_note(accuracies.shape[1])
            + "; 'cannot train' read as accuracy below 0.5, our choice",
        ),
    ]


def judge_figure5(results: study.Results) -> list[claims.Claim]:
    """B_opt grows with the learning rate; a learning rate too large loses accuracy."""
    sweeps = by_setting(results.runs, "learning_rate")
    last, highest = sweeps[-1], max(sweeps, key=lambda sweep: sweep.best.accuracy)
    loss = (
        last.accuracies.loc[last.best.batch_size]
        - highest.accuracies.loc[highest.best.batch_size]
    )
    return [
        _scaling("B_opt is proportional to the learning rate", "learning rate", sweeps),
        claims.below(
            "The accuracy falls when the learning rate is too large",
            f"best test accuracy at learning rate {last.setting:g} minus at "
            f"{highest.setting:g}",
            statistics.mean_interval(loss),
            0,
            _paired_note(last.accuracies),
        ),
    ]


def judge_figure6(results: study.Results) -> list[claims.Claim]:
    """B_opt grows with the training set, where that is large; so does the accuracy.

    "Large" is the upper half of the sizes: 20,000 and more at paper scale, as the paper
    has it.
    """
    sweeps = by_setting(results.runs, "train_size")
    large = of_large_sets(sweeps)
    scaling = _scaling(
        "B_opt is proportional to the training set size when that is large (the paper: "
        "from N = 20,000 on)",
        f"training set size, from {large[0].setting} on",
        large,
    )
    if large[0].setting < _LARGE_TRAIN_SIZE:
        scaling = dataclasses.replace(
            scaling,
            verdict=claims.UNDECIDED,
            note=f"{scaling.note}; not tested: this scale stays far below N = 20,000",
        )
    first, last = sweeps[0], sweeps[-1]
    gain = (
        last.accuracies.loc[last.best.batch_size]
        - first.accuracies.loc[first.best.batch_size]
    )
    return [
        scaling,
        claims.above(
            "The model improves as the training set grows",
            f"best test accuracy at N = {last.setting} minus at N = {first.setting}",
            statistics.mean_interval(gain),
            0,
            _paired_note(last.accuracies),
        ),
    ]


def judge_figure7(results: study.Results) -> list[claims.Claim]:
    """B_opt grows as 1 / (1 - momentum)."""
    sweeps = [
        sweep._replace(setting=1 / (1 - sweep.setting))
        for sweep in by_setting(results.runs, "momentum")
    ]
    return [_scaling("B_opt is proportional to 1/(1 - m)", "1/(1 - m)", sweeps)]


def _scaling(claim: str, variable: str, sweeps: list[Sweep]) -> claims.Claim:
    """Judges an exponent of 1 against no scaling (0) and the square (2).

    The square is what the rule "learning rate ~ sqrt(batch size)" of Hoffer et al.
    (2017) would give.
    """
    used = fitted(sweeps)
    exponent = optimum.exponent(
        [sweep.setting for sweep in used], [sweep.best for sweep in used]
    )
    num_seeds = sweeps[0].accuracies.shape[1]
    return claims.equals(
        claim,
        f"exponent of B_opt against {variable}",
        exponent,
        1,
        (0, 2),
        f"95 % bootstrap over {num_seeds} seeds and the spacing of the batch sizes; "
        f"{len(used)} of {len(sweeps)} settings fitted",
    )


def _paired_note(accuracies: pd.DataFrame) -> str:
    return statistics.t_interval_note(accuracies.shape[1], paired=True)
