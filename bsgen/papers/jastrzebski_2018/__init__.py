"""Jastrzebski et al. (2018), ICANN 2018, LNCS 11141, figures 1 to 5 and eq. 7.

One module a figure.
"""

from bsgen.papers.jastrzebski_2018 import (
    breakdown,
    cycles,
    grid,
    interpolations,
    quadratic_minima,
    rescaling,
    stationary_loss,
)
from bsgen.studies import study

KEY = "jastrzebski_2018"


STUDIES = (
    study.Study(
        f"{KEY}/fig1",
        "Learning curves of equal ratios of learning rate to batch size",
        cycles.runs,
        cycles.judge,
    ),
    study.Study(
        f"{KEY}/fig2",
        "Small batch against large batch under rules for the learning rate",
        rescaling.runs,
        rescaling.judge,
    ),
    study.Study(
        f"{KEY}/fig3",
        "Curvature and accuracy against the ratio of learning rate to batch size",
        grid.runs,
        grid.judge,
        ("quick", "reduced", "paper"),
    ),
    study.Study(
        f"{KEY}/fig4",
        "Loss and accuracy on the line between two trained networks",
        study.none,
        interpolations.judge,
        make_measurements=interpolations.measurements,
    ),
    study.Study(
        f"{KEY}/fig5",
        "Breakdown of the scaling of learning rate and batch size by one factor",
        breakdown.runs,
        breakdown.judge,
    ),
    study.Study(
        f"{KEY}/theory",
        "The loss at which SGD settles on a quadratic, simulated and predicted",
        study.none,
        stationary_loss.judge,
        make_measurements=quadratic_minima.measurements,
    ),
)
