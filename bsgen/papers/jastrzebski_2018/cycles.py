"""Jastrzebski et al. (2018), figure 1: equal ratios, constant and cyclic.

A cyclic batch size against a cyclic learning rate of the same ratio, and two constant
settings of one ratio.
"""

from typing import Any

from bsgen import config
from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import cycles_figure, learning_curves, presets
from bsgen.studies import budgets, claims, study

CYCLIC_BATCH, CYCLIC_RATE = "cyclic batch size", "cyclic learning rate"
SMALL, LARGE = "small batch", "large batch"
TASKS = {
    "quick": presets.on_digits(
        learning_rate=0.004,
        batch_size=20,
        budget=budgets.Epochs(20, num_evaluations=20),
    ),
    # The paper gives learning rates and batch sizes; the epochs are our choice.
    "paper": presets.on_cifar10(
        presets.VGG,
        learning_rate=0.001,
        batch_size=128,
        budget=budgets.Epochs(100, num_evaluations=100),
    ),
}
FACTOR = 5  # the larger learning rate and batch size over the smaller
# Epochs of a cycle, half of it at the high ratio, then half at the low; our choice.
PERIODS = {"quick": 4.0, "paper": 10.0}


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the four settings, for each seed."""
    task = TASKS[scale]
    high, large = task.optimizer.learning_rate * FACTOR, task.batch_size * FACTOR
    rise = config.Cyclic((1.0, FACTOR), PERIODS[scale])
    fall = config.Cyclic((FACTOR, 1.0), PERIODS[scale])
    settings: list[dict[str, Any]] = [
        {"learning_rate": high, "batch_size_schedule": rise},
        {"schedule": fall},
        {},
        {"learning_rate": high, "batch_size": large},
    ]
    return [
        task.run(seed=seed, **setting)
        for seed in task.seeds(num_seeds)
        for setting in settings
    ]


def analyse(results: study.Results) -> dict[str, learning_curves.Setting]:
    """Returns the four settings by name."""
    runs = results.runs
    cyclic_batch = runs["batch_size_schedule"].notna()
    cyclic_rate = runs["schedule"].notna()
    constant = ~cyclic_batch & ~cyclic_rate
    small = constant & (runs["batch_size"] == runs["batch_size"].min())
    chosen = {
        CYCLIC_BATCH: cyclic_batch,
        CYCLIC_RATE: cyclic_rate,
        SMALL: small,
        LARGE: constant & ~small,
    }
    return {
        name: learning_curves.setting(results, runs[rows])
        for name, rows in chosen.items()
    }


def judge(found: dict[str, learning_curves.Setting]) -> list[claims.Claim]:
    """Curves of equal ratio match, as two seeds of one setting do."""
    return [
        claim
        for what, setting, reference in (
            ("Cyclic batch size and cyclic learning rate", CYCLIC_BATCH, CYCLIC_RATE),
            ("Constant settings of the same ratio", LARGE, SMALL),
        )
        for claim in learning_curves.match(
            what, found[setting], found[reference], f"the {reference}"
        )
    ]


STUDY = study.Study(
    "jastrzebski_2018/fig1",
    "Learning curves of equal ratios of learning rate to batch size",
    caption="Test accuracy during training of two settings with the same ratio of "
    "learning rate to batch size at every epoch: (a) cyclic batch size against cyclic "
    f"learning rate, (b) constant ones. Lines: {style.BAND}. {style.ACCURACY_AXIS} (c) "
    "Root mean squared difference of curves: of the two settings of a pair at equal "
    "seeds, of two seeds of one setting (the cyclic learning rate, the small batch) "
    "and, a far alternative, of these two settings at equal seeds: geometric mean with "
    "its 95 % t interval, and each seed as a dot.",
    analyse=analyse,
    judge=judge,
    show=cycles_figure.show,
    make_runs=runs,
)
