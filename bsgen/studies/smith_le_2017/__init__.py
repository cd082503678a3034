"""Smith & Le (2017), "A Bayesian Perspective on Generalization and SGD", figures 1 to 8.

arXiv 1710.06451. One module a group of figures that share their runs.
"""

import functools

from bsgen.studies import study
from bsgen.studies.smith_le_2017 import evidence, gap, presets, sweeps

KEY = "smith_le_2017"


def _study(number: int, title: str, make_runs, judge) -> study.Study:  # type: ignore[no-untyped-def]
    return study.Study(f"{KEY}/fig{number}", title, make_runs, judge)


STUDIES = (
    _study(
        1,
        "Accuracy of logistic regression against L2 regularisation",
        evidence.runs,
        evidence.judge_figure1,
    ),
    _study(
        2,
        "Cross-entropy and Bayesian evidence against L2 regularisation",
        evidence.runs,
        evidence.judge_figure2,
    ),
    _study(
        3,
        "Small batch against full batch during training",
        gap.figure3_runs,
        gap.judge_figure3,
    ),
    _study(
        4,
        "Test accuracy against batch size",
        sweeps.figure4_runs,
        sweeps.judge_figure4,
    ),
    _study(
        5,
        "Optimum batch size against learning rate",
        sweeps.figure5_runs,
        sweeps.judge_figure5,
    ),
    _study(
        6,
        "Optimum batch size against training set size",
        sweeps.figure6_runs,
        sweeps.judge_figure6,
    ),
    _study(
        7,
        "Optimum batch size against momentum",
        sweeps.figure7_runs,
        sweeps.judge_figure7,
    ),
    _study(
        8,
        "Small batch against full batch with L2 regularisation",
        gap.figure8_runs,
        gap.judge_figure8,
    ),
)
