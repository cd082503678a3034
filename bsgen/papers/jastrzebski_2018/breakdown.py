"""Jastrzebski et al. (2018), figure 5: where the scaling by one factor breaks down.

Learning rate and batch size are both multiplied by beta, for two training set sizes.
"""

import numpy as np
import numpy.typing as npt

from bsgen import config
from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import breakdown_figure, learning_curves, presets
from bsgen.studies import budgets, claims, estimates, study

_Floats = npt.NDArray[np.float64]
TASKS = {
    "quick": presets.on_digits(
        learning_rate=0.1,
        batch_size=10,
        budget=budgets.Epochs(30, num_evaluations=15),
        num_seeds=20,
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
            f"best test accuracy at N = {large}, beta = 1 minus beta = {second}, over "
            "its standard deviation between seeds of beta = 1",
            _standardised_loss(found[large], second),
            (-1, 1),
            "'similar' read as within the standard deviation, which the paper states, "
            "our choice",
        ),
        learning_curves.match_at_different_seeds(
            f"Dynamics are similar up to a limit: beta = {second} as beta = 1, with "
            f"{large} examples",
            found[large][second],
            found[large][1],
            "beta = 1",
        ),
        *(
            claim
            for size in (large, small)
            for claim in _breakdown(found[size], size, last)
        ),
        claims.above(
            "The breakdown is magnified for the smaller data set",
            "mean over beta of the distance of accuracy curves to those of beta = 1, "
            f"over that of two seeds of beta = 1: N = {small} / N = {large}",
            _magnified(found[small], found[large]),
            "both sizes are measured by their own seeds, as with less data seeds lie "
            "further apart, too",
            bound=1,
        ),
    ]


def _breakdown(
    by_beta: dict[int, learning_curves.Setting], size: int, last: int
) -> list[claims.Claim]:
    """Judges the curves at the largest beta, and the best accuracy."""
    at = f"at large beta, with {size} examples"
    return [
        claims.above(
            f"The curves diverge {at}",
            f"distance of accuracy curves of two seeds, one of beta = {last} and one "
            "of beta = 1, over that of two seeds of beta = 1",
            learning_curves.relative_distance(by_beta[last], by_beta[1]),
            "up to 1.25 they would count as the same, our choice",
            bound=learning_curves.SAME,
        ),
        claims.above(
            f"Performance falls {at}",
            f"best test accuracy, beta = 1 minus beta = {last}",
            _loss(by_beta, last),
            "the best of all evaluations hides what happens before, and is a weaker "
            "sign than the curves",
        ),
    ]


def _loss(by_beta: dict[int, learning_curves.Setting], beta: int) -> estimates.Estimate:
    """Returns how much best accuracy is lost from beta = 1 to another beta."""
    return estimates.mean(_best(by_beta[1]) - _best(by_beta[beta]), paired=True)


def _standardised_loss(
    by_beta: dict[int, learning_curves.Setting], beta: int
) -> estimates.Estimate:
    """Returns the same over the standard deviation between seeds of beta = 1."""
    first, other = _best(by_beta[1]), _best(by_beta[beta])

    def standardised(weights: _Floats) -> _Floats:
        mean = weights @ first
        squares = np.square(first - mean[:, np.newaxis])
        with np.errstate(invalid="ignore"):  # one seed has no spread
            # n - 1 in place of n, for n equal weights.
            freedom = 1 - np.sum(np.square(weights), axis=1)
            variance = np.sum(weights * squares, axis=1) / freedom
        known = np.where(variance > 0, variance, np.nan)  # all seeds may be alike
        return (mean - weights @ other) / np.sqrt(known)

    return estimates.jackknife(standardised, len(first))


def _best(setting: learning_curves.Setting) -> _Floats:
    """Returns the best accuracy of each seed; a run that diverged at once guesses."""
    best = setting.runs.set_index("seed")["best_test_accuracy"].astype(float)
    return best.fillna(presets.CHANCE).sort_index().to_numpy()


def _magnified(
    small: dict[int, learning_curves.Setting], large: dict[int, learning_curves.Setting]
) -> estimates.Estimate:
    """Returns the mean relative distance over beta > 1 of one size over another's."""

    def mean(by_beta: dict[int, learning_curves.Setting], weights: _Floats) -> _Floats:
        others = [setting for beta, setting in by_beta.items() if beta > 1]
        return np.mean(
            [
                learning_curves.beside_seeds(each, by_beta[1], weights)
                for each in others
            ],
            axis=0,
        )

    def logarithm(weights: _Floats) -> _Floats:
        return np.log(mean(small, weights) / mean(large, weights))

    num_seeds = len(small[1].accuracies.columns)
    return estimates.exponential(estimates.jackknife(logarithm, num_seeds))


STUDY = study.Study(
    "jastrzebski_2018/fig5",
    "Breakdown of the scaling of learning rate and batch size by one factor",
    caption="Test accuracy during training, mean over seeds, with learning rate and "
    "batch size both multiplied by beta, for (a) the smaller and (b) the larger "
    "training set; in brackets the mean and standard deviation of the best accuracy, "
    "with a star where a run diverged (which guesses from then on), then the distance "
    "of the curves to those of beta = 1, in distances of two seeds of beta = 1. Claims "
    f"below have 95 % t intervals. {style.ACCURACY_AXIS}",
    analyse=analyse,
    judge=judge,
    show=breakdown_figure.show,
    make_runs=runs,
)
