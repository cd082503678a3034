"""Hoffer et al. (2017), algorithm 1: ghost statistics as such, at one large batch.

Three questions. How large should a ghost be, from less than the small batch to the
large batch itself? How should ghosts move the running averages: "in those commercial
frameworks, the running statistics are usually computed differently [...] by weighting
each update part equally. In our experiments we found it to worsen the generalization
performance" (section 4)? The rule touches inference alone, so the runs of all rules
train alike. And what if inference took other statistics: see `inference_statistics`.

The rules forget at different speeds: of the averages before a step of K ghosts, the
paper's rule keeps 0.9^K and equal weights 0.9. Either is a short memory beside a long
training that ends at a low learning rate, so the same is asked of a sixteenth of it. At
quick scale that is ten updates, as many as equal weights remember.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.papers.hoffer_2017 import (
    algorithm1_figure,
    inference_statistics,
    presets,
    regimes,
)
from bsgen.studies import budgets, claims, estimates, measurement, study, tables


class _Settings(NamedTuple):
    """What a scale tries.

    Attributes:
      ghost_sizes: besides that of the regime and the large batch: divisors of it.
      short_rate: what multiplies the learning rate in the short training.
    """

    ghost_sizes: tuple[int, ...]
    short_rate: float = 1.0


_OF_4096 = (16, 32, 64, 256, 512, 1024, 2048)
_SETTINGS = {
    # Of 1, 2.5, 5 and 10 times the rate, that at which batch normalization does best
    # after the short training, on validation data.
    "quick": _Settings((10, 50, 125, 250), short_rate=10.0),
    "reduced": _Settings((16, 32, 64, 256, 512)),
    "paper": _Settings(_OF_4096),
    "released": _Settings(_OF_4096),
}
# Of `layers.running_averages`.
RULES = config.choices(config.ModelConfig, "running_statistics")
PAPER_RULE, EQUAL_WEIGHTS = "sequential", "mean"
_SHORT = 1 / 16  # of the epochs
_CHANCE = 0.1  # the accuracy of diverged runs; all data have ten classes
_ALONE = "LB, ghosts"


class Ghosts(NamedTuple):
    """Final test accuracies of the runs, one column a seed.

    Attributes:
      results: that it was made from.
      regime: of the runs.
      references: a row a stage without ghosts, and one of large batches with ghosts at
        the small batch's learning rate.
      sizes: a row a size of the ghosts; the last is the large batch.
      rules: a row a rule of the running statistics.
      short_rules: the same, after the short training.
      short_steps: how many updates those runs take.
      curves: of each rule, test accuracy during training by step.
      sources: a row a source of `inference_statistics`.
    """

    results: study.Results
    regime: regimes.Regime
    references: pd.DataFrame
    sizes: pd.DataFrame
    rules: pd.DataFrame
    short_rules: pd.DataFrame
    short_steps: int
    curves: dict[str, pd.DataFrame]
    sources: pd.DataFrame


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the references, and a run for each size and each rule."""
    regime = presets.FIGURES[scale]
    return [
        run
        for seed in regime.task.seeds(num_seeds)
        for run in _labelled(regime, _SETTINGS[scale], seed).values()
    ]


def measurements(scale: str, num_seeds: int | None) -> list[measurement.Measurement]:
    """Returns those of a network with the regime's ghosts for each seed.

    Its run is one more than the table's, which other figures may train without keeping
    the network.
    """
    regime = presets.FIGURES[scale]
    return [
        inference_statistics.of_run(
            dataclasses.replace(
                regime.run(regimes.GBN, seed),
                evaluation_steps=(),
                weight_distance=False,
            )
        )
        for seed in regime.task.seeds(num_seeds)
    ]


def _labelled(
    regime: regimes.Regime, settings: _Settings, seed: int
) -> dict[tuple[str, Any], config.RunConfig]:
    """Returns the runs of a seed by the table that they belong to and their row."""
    large = regime.run(regimes.LB, seed)
    ghosts = regime.run(regimes.GBN, seed)
    shorter = _shorter(regime, settings.short_rate).run(regimes.GBN, seed)
    found: dict[tuple[str, Any], config.RunConfig] = {
        ("references", stage): regime.run(stage, seed)
        for stage in (regimes.SB, regimes.LB, regimes.LR)
    }
    found["references", _ALONE] = dataclasses.replace(large, model=ghosts.model)
    for size in (*settings.ghost_sizes, regime.ghost_batch_size):
        found["sizes", size] = _with_model(ghosts, ghost_batch_size=size)
    for rule in RULES:
        found["rules", rule] = _with_model(ghosts, running_statistics=rule)
        found["short_rules", rule] = _with_model(shorter, running_statistics=rule)
    return found


def _with_model(run: config.RunConfig, **changes: Any) -> config.RunConfig:
    return dataclasses.replace(run, model=dataclasses.replace(run.model, **changes))


def _shorter(regime: regimes.Regime, rate: float) -> regimes.Regime:
    """Returns the regime with its epochs, and where the rate drops, scaled down.

    Args:
      regime: one of epochs with a stepwise schedule.
      rate: what multiplies the learning rate.
    """
    task = regime.task
    schedule, budget = task.optimizer.schedule, task.budget
    if not isinstance(schedule, config.Stepwise) or not isinstance(
        budget, budgets.Epochs
    ):
        raise ValueError("the regime is not one of epochs with a stepwise schedule")
    boundaries = tuple(_SHORT * epoch for epoch in schedule.boundaries)
    optimizer = dataclasses.replace(
        task.optimizer,
        learning_rate=rate * task.optimizer.learning_rate,
        schedule=dataclasses.replace(schedule, boundaries=boundaries),
    )
    return dataclasses.replace(
        regime,
        task=dataclasses.replace(
            task,
            optimizer=optimizer,
            budget=dataclasses.replace(budget, num_epochs=_SHORT * budget.num_epochs),
        ),
    )


def analyse(results: study.Results) -> Ghosts:
    """Returns the accuracies by what the runs compare."""
    finished = results.runs.set_index("key")
    measured = results.measurements
    seeds = sorted(int(seed) for seed in measured["seed"].unique())
    scale, *_ = (
        scale
        for scale, regime in presets.FIGURES.items()
        if scale in _SETTINGS and regime.run(regimes.SB, seeds[0]).key in finished.index
    )
    regime = presets.FIGURES[scale]
    labelled = {
        (*label, seed): run.key
        for seed in seeds
        for label, run in _labelled(regime, _SETTINGS[scale], seed).items()
    }
    final = finished["final_test_accuracy"].astype(float).fillna(_CHANCE)
    accuracies = pd.Series(
        {label: final[key] for label, key in labelled.items()}
    ).unstack()
    references, sizes, rules, short_rules = (
        accuracies.loc[name] for name in ("references", "sizes", "rules", "short_rules")
    )
    sizes.loc[regime.large_batch_size] = references.loc[regimes.LR]
    curves = {
        rule: tables.curve_by_step(
            results,
            results.runs[
                results.runs["key"].isin(
                    [labelled["rules", rule, seed] for seed in seeds]
                )
            ],
            "test_accuracy",
        )
        for rule in RULES
    }
    sources = measured.pivot(index="statistics", columns="seed", values="test_accuracy")
    return Ghosts(
        results,
        regime,
        references.loc[[regimes.SB, regimes.LB, regimes.LR, _ALONE]],
        sizes.sort_index(),
        rules.loc[list(RULES)],
        short_rules.loc[list(RULES)],
        int(finished["num_steps"][labelled["short_rules", PAPER_RULE, seeds[0]]]),
        curves,
        sources.loc[list(inference_statistics.SOURCES)].astype(float).fillna(_CHANCE),
    )


def judge(found: Ghosts) -> list[claims.Claim]:
    """Small ghosts, the paper's rule and the whole training set generalize better."""
    regime = found.regime
    smallest, largest = regime.ghost_batch_size, regime.large_batch_size
    accuracy = "final test accuracy"
    with_ghosts, without = (found.references.loc[row] for row in (_ALONE, regimes.LB))
    population = found.sources.loc[inference_statistics.TRAINING_SET]
    num_ghosts = largest // smallest
    return [
        claims.above(
            "Ghost statistics by themselves reduce the generalization error",
            f"{accuracy} at B = {largest} and the small batch's learning rate, ghosts "
            f"of {smallest} minus batch normalization",
            estimates.mean(with_ghosts - without, paired=True),
        ),
        claims.below(
            "The smaller the ghosts, down to the small batch, the better",
            f"slope of {accuracy} per doubling of the ghosts, from {smallest} to "
            f"B = {largest}",
            estimates.mean(_slopes(found.sizes.loc[smallest:]), paired=True),
            "a least-squares line for each seed",
        ),
        *(
            claims.above(
                f"Running statistics that weight all ghosts equally are worse, {words}",
                f"{accuracy}, by algorithm 1's running averages minus by those of "
                f"equal weights ({num_ghosts} ghosts a step)",
                estimates.mean(
                    rules.loc[PAPER_RULE] - rules.loc[EQUAL_WEIGHTS], paired=True
                ),
            )
            for words, rules in (
                ("after the whole training", found.rules),
                ("after a sixteenth of it", found.short_rules),
            )
        ),
        *(
            claims.above(
                "Inference needs the statistics of the full data, not those of "
                f"{words}",
                f"{accuracy}, by statistics of the training set minus by those of "
                f"{source} of {smallest}",
                estimates.mean(population - found.sources.loc[source], paired=True),
            )
            for words, source in (
                ("one ghost", inference_statistics.TRAINING_GHOST),
                ("the test examples' own ghosts", inference_statistics.TEST_GHOSTS),
            )
        ),
    ]


def _slopes(accuracies: pd.DataFrame) -> pd.Series:
    """Returns the least-squares slope of each column against log2 of the index."""
    doublings = np.log2(accuracies.index.to_numpy(float))
    slopes = np.polyfit(doublings, accuracies.to_numpy(float), 1)[0]
    return pd.Series(slopes, accuracies.columns)


STUDY = study.Study(
    "hoffer_2017/algorithm1",
    "Ghost batch normalization: size of the ghosts, running statistics, inference",
    caption="A large batch with the square-root learning rate, final test accuracies. "
    "(a) By the size of its ghosts, up to the whole batch, which is batch "
    "normalization; lines: the small batch, and the large one at the small one's rate. "
    "(b) During training, by the rule with which the ghosts of a step move the running "
    "statistics; the runs train alike, and inference differs. Of the old averages, the "
    "paper's rule (sequential) keeps 0.9^K in a step of K ghosts, the others 0.9. "
    "Hollow: the end of runs of a sixteenth of the epochs. (c) One trained network, by "
    "where inference takes its statistics from. Mean over seeds with its 95 % t "
    "interval. The paper gives no numbers for any of these.",
    analyse=analyse,
    judge=judge,
    show=algorithm1_figure.show,
    make_runs=runs,
    make_measurements=measurements,
    scales=tuple(_SETTINGS),
)
