"""Jastrzebski et al. (2018), figure 2: rules for the learning rate of a large batch."""

import pandas as pd

from bsgen import config
from bsgen.papers.jastrzebski_2018 import learning_curves, presets
from bsgen.studies import budgets, claims, study, tasks

SMALL = "small batch"
# How the learning rate grows with the batch size, from the highest rate to the lowest.
RULES = ("linear", "sqrt", "none")
FACTOR = 10  # the large batch size over the small one
_RESNET_DROPS = config.Stepwise((60.0, 100.0, 140.0, 180.0), (1e-1, 1e-2, 1e-3, 1e-4))
_VGG_DROPS = config.Stepwise(
    tuple(25.0 * k for k in range(1, 8)), tuple(0.5**k for k in range(1, 8))
)
# One task a panel, with the small batch.
TASKS = {
    "quick": (
        tasks.Task(
            presets.DIGITS,
            presets.QUICK_MODEL,
            presets.sgd(0.02),
            batch_size=20,
            budget=budgets.Epochs(20, num_evaluations=20),
            num_seeds=presets.NUM_SEEDS["quick"],
        ),
    ),
    # The paper gives the small batch and the drops; the rates, the large batch and, for
    # VGG-11, the epochs are our choice.
    "paper": tuple(
        tasks.Task(
            presets.CIFAR10,
            model,
            config.MomentumConfig(0.05, momentum=0.0, schedule=drops),
            batch_size=50,
            budget=budgets.Epochs(200, num_evaluations=100),
            num_seeds=presets.NUM_SEEDS["paper"],
        )
        for model, drops in (
            (presets.RESNET, _RESNET_DROPS),
            (presets.VGG, _VGG_DROPS),
        )
    ),
}


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the small batch and the large one by every rule, for each seed."""
    return [
        task.run(seed=seed, batch_size=task.batch_size * factor, scaling=rule)
        for task in TASKS[scale]
        for factor, rule in ((1, "none"), *((FACTOR, rule) for rule in RULES))
        for seed in task.seeds(num_seeds)
    ]


def settings(runs: pd.DataFrame) -> dict[str, dict[str, pd.DataFrame]]:
    """Returns, for each network, the runs of the small batch and of every rule."""
    found: dict[str, dict[str, pd.DataFrame]] = {}
    for model, rows in runs.groupby("model", sort=False):
        small = rows["batch_size"] == rows["batch_size"].min()
        rates = rows[~small].groupby("learning_rate")
        # From the highest rate to the lowest, as the rules stand in their table.
        large = [part for _, part in sorted(rates, key=lambda item: -item[0])]
        found[str(model)] = {
            SMALL: rows[small],
            **dict(zip(RULES, large, strict=True)),
        }
    return found


def judge(results: study.Results) -> list[claims.Claim]:
    """Rescaling by the same amount as the batch size gives the closest match."""
    judged = []
    note = learning_curves.note(results.runs)
    for model, by_rule in settings(results.runs).items():
        curves = {
            name: learning_curves.of(results, rows) for name, rows in by_rule.items()
        }
        apart = {
            rule: learning_curves.distances(curves[rule], curves[SMALL])
            for rule in RULES
        }
        judged += [
            claims.above(
                f"{model}: rescaling the learning rate as the batch size matches the "
                f"small batch better than {words}",
                "distance of accuracy curves to the small batch, "
                f"{rule} rule / linear rule",
                learning_curves.ratio(apart[rule], apart["linear"]),
                1,
                note,
            )
            for rule, words in (
                ("sqrt", "by its square root"),
                ("none", "not rescaling it"),
            )
        ]
    return judged
