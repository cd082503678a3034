"""Smith & Le (2017), arXiv 1710.06451, figures 1 to 8 and appendix D.

One module a group of figures that share their runs.
"""

from bsgen.papers.smith_le_2017 import (
    appendix_d,
    evidence,
    gap,
    noise,
    noise_claims,
    sweeps,
)
from bsgen.studies import study

KEY = "smith_le_2017"


STUDIES = (
    study.Study(
        f"{KEY}/fig1",
        "Accuracy of logistic regression against L2 regularisation",
        evidence.runs,
        evidence.judge_figure1,
    ),
    study.Study(
        f"{KEY}/fig2",
        "Cross-entropy and Bayesian evidence against L2 regularisation",
        evidence.runs,
        evidence.judge_figure2,
    ),
    study.Study(
        f"{KEY}/fig3",
        "Small batch against full batch during training",
        gap.figure3_runs,
        gap.judge_figure3,
    ),
    study.Study(
        f"{KEY}/fig4",
        "Test accuracy against batch size",
        sweeps.figure4_runs,
        sweeps.judge_figure4,
    ),
    study.Study(
        f"{KEY}/fig5",
        "Optimum batch size against learning rate",
        sweeps.figure5_runs,
        sweeps.judge_figure5,
    ),
    study.Study(
        f"{KEY}/fig6",
        "Optimum batch size against training set size",
        sweeps.figure6_runs,
        sweeps.judge_figure6,
    ),
    study.Study(
        f"{KEY}/fig7",
        "Optimum batch size against momentum",
        sweeps.figure7_runs,
        sweeps.judge_figure7,
    ),
    study.Study(
        f"{KEY}/fig8",
        "Small batch against full batch with L2 regularisation",
        gap.figure8_runs,
        gap.judge_figure8,
    ),
    study.Study(
        appendix_d.NAME,
        "Tuning batch size, learning rate and momentum by the heuristic of appendix D",
        study.none,
        appendix_d.judge,
        make_measurements=appendix_d.measurements,
    ),
    study.Study(
        f"{KEY}/noise",
        "Covariance of a batch's gradient against batch size",
        study.none,
        noise_claims.judge,
        make_measurements=noise.measurements,
    ),
)
