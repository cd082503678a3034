"""Jastrzebski et al. (2018), figure 5: where the scaling by one factor breaks down.

Learning rate and batch size are both multiplied by beta, for two training set sizes.
"""

import numpy as np

from bsgen import config
from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import breakdown_figure, learning_curves, presets
from bsgen.studies import budgets, claims, estimates, study

_SIMILAR = 0.01  # "similar final performance", our reading
TASKS = {
    "quick": presets.on_digits(
        learning_rate=0.1, batch_size=10, budget=budgets.Epochs(30, num_evaluations=15)
    ),
    # Learning rate and batch size are the paper's, the rest is our choice.
    "paper": presets.on_cifar10(
        presets.VGG,
        learning_rate=0.1,
        batch_size=50,
        budget=budgets.Epochs(200, num_evaluations=100),
    ),
}
TRAIN_SIZES = {"quick": (250, 1000), "paper": (12_500, 50_000)}
BETAS = {"quick": (1, 2, 4, 8, 16, 25), "paper": (1, 2, 4, 8, 16, 32)}


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns every beta for both sizes and each seed."""
    task = TASKS[scale]
    return [
        task.run(
            seed=seed,
            batch_size=task.batch_size * beta,
            scaling="linear",
            train_size=train_size,
        )
        for train_size in TRAIN_SIZES[scale]
        for beta in BETAS[scale]
        for seed in task.seeds(num_seeds)
    ]


def analyse(results: study.Results) -> dict[int, dict[int, learning_curves.Setting]]:
    """Returns the settings of each training set size by their beta, both rising."""
    smallest = results.runs["batch_size"].min()
    return {
        int(train_size): {
            round(batch_size / smallest): learning_curves.setting(results, rows)
            for batch_size, rows in of_size.groupby("batch_size")
        }
        for train_size, of_size in results.runs.groupby("train_size")
    }


def judge(found: dict[int, dict[int, learning_curves.Setting]]) -> list[claims.Claim]:
    """One factor changes little up to a limit, which is lower for less data."""
    small, large = found
    second, last = list(found[large])[1], list(found[large])[-1]
    return [
        claims.between(
            f"Performance is similar up to a limit: beta = {second} as beta = 1",
            f"best test accuracy at N = {large}, beta = 1 minus beta = {second}",
            _loss(found[large], second),
            (-_SIMILAR, _SIMILAR),
            "'similar' read as within 0.01, our choice",
        ),
        *(
            claims.above(
                f"The scaling breaks down at large beta, with {size} examples",
                f"best test accuracy, beta = 1 minus beta = {last}",
                _loss(found[size], last),
            )
            for size in (large, small)
        ),
        learning_curves.further_apart(
            "The breakdown is magnified for the smaller data set",
            "mean distance of accuracy curves to that of beta = 1, "
            f"N = {small} / N = {large}",
            _mean_distance(found[small]),
            _mean_distance(found[large]),
        ),
    ]


def _loss(by_beta: dict[int, learning_curves.Setting], beta: int) -> estimates.Estimate:
    """Returns how much best accuracy is lost from beta = 1 to another beta."""
    first, other = (
        by_beta[each].runs.set_index("seed")["best_test_accuracy"].astype(float)
        for each in (1, beta)
    )
    lost = first.fillna(presets.CHANCE) - other.fillna(presets.CHANCE)
    return estimates.mean(lost.sort_index(), paired=True)


def _mean_distance(by_beta: dict[int, learning_curves.Setting]) -> np.ndarray:
    """Returns the mean over beta > 1 of the distance to beta = 1, for each seed."""
    others = [setting for beta, setting in by_beta.items() if beta > 1]
    return np.mean([setting.distances(by_beta[1]) for setting in others], axis=0)


STUDY = study.Study(
    "jastrzebski_2018/fig5",
    "Breakdown of the scaling of learning rate and batch size by one factor",
    caption="Test accuracy during training, mean over seeds, with learning rate and "
    "batch size both multiplied by beta, for (a) the smaller and (b) the larger "
    "training set; in brackets the mean and standard deviation of the best accuracy, "
    "with a star where a run diverged (which guesses from then on). Claims below have "
    f"the 95 % t interval. {style.ACCURACY_AXIS}",
    analyse=analyse,
    judge=judge,
    show=breakdown_figure.show,
    make_runs=runs,
)
