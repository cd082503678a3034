"""Smith & Le (2017), figures 1 and 2: accuracy, cross-entropy and Bayesian evidence.

Logistic regression on the toy task of section 3, at the exact minimum of its convex
cost, so that no noise of training is in these figures; seeds draw the task anew.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.figures import style
from bsgen.papers.smith_le_2017 import evidence_figure
from bsgen.studies import claims, estimates, study

_RANDOM, _INFORMATIVE = "gaussian_random", "gaussian_informative"
_TRAIN_SIZE = 200
# lambda, for the sum over the training set: four a decade. The range is our choice.
_REGULARISATION = np.geomspace(1e-4, 1e4, 33)
_NUM_SEEDS = 20
_MEMORISED = 0.99
_CHANCE_LEVEL = (0.48, 0.52)  # "at chance", our reading: within 2 points of one half
_SAME_PLACE = 0.5  # decades within which two minima count as "the same"; our choice


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns both tasks at every regularisation coefficient, for both figures."""
    return [
        config.RunConfig(
            data=config.DataConfig(task, _TRAIN_SIZE, scaling="none", subset_seed=seed),
            model=config.ModelConfig("logistic_regression", hidden_units=()),
            optimizer=config.NewtonConfig(l2=float(coefficient / _TRAIN_SIZE)),
            num_steps=200,
            seed=seed,
        )
        for task in (_RANDOM, _INFORMATIVE)
        for seed in range(num_seeds or _NUM_SEEDS)
        for coefficient in _REGULARISATION
    ]


class Curves(NamedTuple):
    """Final metrics of one task: one row a coefficient lambda, one column a seed."""

    train_accuracy: pd.DataFrame
    test_accuracy: pd.DataFrame
    train_cross_entropy: pd.DataFrame
    test_cross_entropy: pd.DataFrame
    log_evidence_ratio: pd.DataFrame


class Evidence(NamedTuple):
    """Both tasks."""

    random: Curves
    informative: Curves


def analyse(results: study.Results) -> Evidence:
    """Tabulates the metrics of both tasks against lambda."""
    return Evidence(_curves(results, _RANDOM), _curves(results, _INFORMATIVE))


def _curves(results: study.Results, task: str) -> Curves:
    rows = results.runs[results.runs["dataset"] == task]
    # lambda counts for the sum over the training set.
    rows = rows.assign(coefficient=(rows["l2"] * rows["train_size"]).round(12))
    return Curves(
        *(
            rows.pivot(index="coefficient", columns="seed", values=f"final_{metric}")
            .astype(float)
            .sort_index()
            for metric in Curves._fields
        )
    )


def judge_figure1(found: Evidence) -> list[claims.Claim]:
    """Weak regularisation memorises random labels, generalises on informative ones."""
    train, test = found.random.train_accuracy, found.random.test_accuracy
    informative = found.informative.test_accuracy
    weakest = train.index[0]
    note = f"at lambda = {weakest:g}"
    best_gain = test.max(axis=0) - test.loc[weakest]
    return [
        claims.above(
            "Weakly regularised logistic regression memorises random labels",
            "training accuracy on random labels",
            estimates.mean(train.loc[weakest]),
            note,
            bound=_MEMORISED,
        ),
        claims.between(
            "It cannot generalise from random labels",
            "test accuracy on random labels",
            estimates.mean(test.loc[weakest]),
            _CHANCE_LEVEL,
            note,
        ),
        claims.above(
            "Weakly regularised logistic regression generalises on informative labels",
            "test accuracy on informative labels (chance is 0.5)",
            estimates.mean(informative.loc[weakest]),
            note,
            bound=0.5,
        ),
        claims.below(
            "On random labels more regularisation brings no improvement",
            "highest test accuracy over lambda minus that at the smallest lambda",
            estimates.mean(best_gain),
            note + "; the highest of 33 is biased upwards",
            bound=_CHANCE_LEVEL[1] - 0.5,
        ),
    ]


def judge_figure2(found: Evidence) -> list[claims.Claim]:
    """The evidence tells random labels from informative ones, and the best lambda."""
    random = found.random.log_evidence_ratio
    evidence = found.informative.log_evidence_ratio
    test = found.informative.test_cross_entropy
    distance = np.log10(evidence.idxmin()) - np.log10(test.idxmin())
    correlation = [evidence[s].corr(test[s], method="spearman") for s in evidence]
    return [
        claims.above(
            "On random labels the evidence is always against the model",
            "lowest log evidence ratio E over lambda, random labels",
            estimates.mean(random.min()),
        ),
        claims.below(
            "On informative labels the evidence favours the well regularised model",
            "lowest log evidence ratio E over lambda, informative labels",
            estimates.mean(evidence.min()),
        ),
        claims.above(
            "On informative labels the evidence is against the weakly regularised "
            "model",
            f"log evidence ratio E at lambda = {evidence.index[0]:g}, informative "
            "labels",
            estimates.mean(evidence.iloc[0]),
        ),
        claims.between(
            "Evidence and test cross-entropy have their minima at the same lambda",
            "decades of lambda between the minimum of E and of the test cross-entropy",
            estimates.mean(distance),
            (-_SAME_PLACE, _SAME_PLACE),
            "'the same' read as within half a decade, our choice",
        ),
        claims.above(
            "Evidence and test cross-entropy are strongly correlated",
            "Spearman rank correlation of E and test cross-entropy over lambda, "
            "informative labels",
            estimates.median(correlation),
            "'strongly' read as above 0.5, our choice",
            bound=0.5,
        ),
    ]


_CAPTION = (
    "{} against the L2 coefficient lambda, on random (a) and informative (b) labels: "
    f"{style.BAND}."
)
STUDIES = (
    study.Study(
        "smith_le_2017/fig1",
        "Accuracy of logistic regression against L2 regularisation",
        caption=_CAPTION.format("Training and test accuracy"),
        analyse=analyse,
        judge=judge_figure1,
        show=evidence_figure.show_figure1,
        make_runs=runs,
    ),
    study.Study(
        "smith_le_2017/fig2",
        "Cross-entropy and Bayesian evidence against L2 regularisation",
        caption=_CAPTION.format(
            "Above, mean cross-entropy on the training and test sets and, below, the "
            "log evidence ratio E, computed on the training set,"
        )
        + " Dots and dotted lines mark the minima of the means.",
        analyse=analyse,
        judge=judge_figure2,
        show=evidence_figure.show_figure2,
        make_runs=runs,
    ),
)
