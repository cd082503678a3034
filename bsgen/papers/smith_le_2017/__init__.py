"""Smith & Le (2017), arXiv 1710.06451, figures 1 to 8 and appendix D.

One module a group of figures that share their runs.
"""

from collections.abc import Callable

from matplotlib import figure

from bsgen.papers.smith_le_2017 import (
    appendix_d,
    appendix_d_figure,
    evidence,
    evidence_figure,
    gap,
    gap_figure,
    noise,
    noise_claims,
    noise_figure,
    sweeps,
    sweeps_figure,
)
from bsgen.studies import shown, study

KEY = "smith_le_2017"


def _figure(
    draw: Callable[[study.Results], figure.Figure],
) -> Callable[[study.Results], shown.Shown]:
    return lambda results: shown.Shown(draw(results))


STUDIES = (
    study.Study(
        f"{KEY}/fig1",
        "Accuracy of logistic regression against L2 regularisation",
        caption="Training and test accuracy against the L2 coefficient lambda, on "
        "random (a) and informative (b) labels: mean over seeds with its 95 % t "
        "interval, and each seed as a thin line.",
        analyse=study.as_recorded,
        judge=evidence.judge_figure1,
        show=_figure(evidence_figure.draw_figure1),
        make_runs=evidence.runs,
    ),
    study.Study(
        f"{KEY}/fig2",
        "Cross-entropy and Bayesian evidence against L2 regularisation",
        caption="Above, mean cross-entropy on the training and test sets and, below, "
        "the log evidence ratio E, computed on the training set, against the L2 "
        "coefficient lambda, on random (a) and informative (b) labels: mean over "
        "seeds with its 95 % t interval, and each seed as a thin line. Dots and "
        "dotted lines mark the minima of the means.",
        analyse=study.as_recorded,
        judge=evidence.judge_figure2,
        show=_figure(evidence_figure.draw_figure2),
        make_runs=evidence.runs,
    ),
    study.Study(
        f"{KEY}/fig3",
        "Small batch against full batch during training",
        caption="(a) Test accuracy and (b) test cross-entropy during training, small "
        "batches against the full batch: mean over seeds with its 95 % t interval (in "
        "(b) of the logarithms), and each seed as a thin line. Dotted: 95 % of the "
        "final accuracy is reached. The accuracy axis is logarithmic in the error "
        "rate.",
        analyse=study.as_recorded,
        judge=gap.judge_figure3,
        show=_figure(gap_figure.draw_figure3),
        make_runs=gap.figure3_runs,
    ),
    study.Study(
        f"{KEY}/fig4",
        "Test accuracy against batch size",
        caption="(a) Test accuracy during training, mean over seeds, coloured by "
        "batch size. (b) Final test accuracy against batch size, mean over seeds with "
        "its 95 % t interval; the green line is the best batch size with its 95 % "
        "bootstrap interval over seeds and spacing. The accuracy axis is logarithmic "
        "in the error rate.",
        analyse=study.as_recorded,
        judge=sweeps.judge_figure4,
        show=_figure(sweeps_figure.draw_figure4),
        make_runs=sweeps.figure4_runs,
    ),
    study.Study(
        f"{KEY}/fig5",
        "Optimum batch size against learning rate",
        caption="(a) Final test accuracy against batch size, mean over seeds with its "
        "95 % t interval; rings mark the best batch size. The accuracy axis is "
        "logarithmic in the error rate. (b) The best batch size against the learning "
        "rate: broad bars reach to the next batch sizes tried (the paper's error "
        "bars), thin ones are 95 % bootstrap intervals over seeds and spacing. The "
        "line is the prediction B_opt ∝ learning rate, placed through the geometric "
        "mean of the fitted optima; hollow ones are not fitted (best at the edge of "
        "its grid, or badly trained).",
        analyse=study.as_recorded,
        judge=sweeps.judge_figure5,
        show=_figure(sweeps_figure.draw_figure5),
        make_runs=sweeps.figure5_runs,
    ),
    study.Study(
        f"{KEY}/fig6",
        "Optimum batch size against training set size",
        caption="(a) Final test accuracy against batch size, mean over seeds with its "
        "95 % t interval; rings mark the best batch size. The accuracy axis is "
        "logarithmic in the error rate. (b) The best batch size against the training "
        "set size: broad bars reach to the next batch sizes tried (the paper's error "
        "bars), thin ones are 95 % bootstrap intervals over seeds and spacing. The "
        "line is the prediction B_opt ∝ N, placed through the geometric mean of the "
        "fitted optima; hollow ones are not fitted (best at the edge of its grid, or "
        "badly trained, or in the lower half of N).",
        analyse=study.as_recorded,
        judge=sweeps.judge_figure6,
        show=_figure(sweeps_figure.draw_figure6),
        make_runs=sweeps.figure6_runs,
    ),
    study.Study(
        f"{KEY}/fig7",
        "Optimum batch size against momentum",
        caption="(a) Final test accuracy against batch size, mean over seeds with its "
        "95 % t interval; rings mark the best batch size. The accuracy axis is "
        "logarithmic in the error rate. (b) The best batch size against the momentum: "
        "broad bars reach to the next batch sizes tried (the paper's error bars), "
        "thin ones are 95 % bootstrap intervals over seeds and spacing. The line is "
        "the prediction B_opt ∝ 1/(1 - m), placed through the geometric mean of the "
        "fitted optima; hollow ones are not fitted (best at the edge of its grid, or "
        "badly trained).",
        analyse=study.as_recorded,
        judge=sweeps.judge_figure7,
        show=_figure(sweeps_figure.draw_figure7),
        make_runs=sweeps.figure7_runs,
    ),
    study.Study(
        f"{KEY}/fig8",
        "Small batch against full batch with L2 regularisation",
        caption="(a) Test accuracy and (b) test cross-entropy during training, small "
        "batches against the full batch: mean over seeds with its 95 % t interval (in "
        "(b) of the logarithms), and each seed as a thin line. Dotted: 95 % of the "
        "final accuracy is reached. The accuracy axis is logarithmic in the error "
        "rate. With lambda = 0.1; dashed: the means without it, as in figure 3.",
        analyse=study.as_recorded,
        judge=gap.judge_figure8,
        show=_figure(gap_figure.draw_figure8),
        make_runs=gap.figure8_runs,
    ),
    study.Study(
        appendix_d.NAME,
        "Tuning batch size, learning rate and momentum by the heuristic of appendix D",
        caption="Independent searches by appendix D, one a colour, each with data of "
        "its own. (a) Mean validation accuracy over the repeats of a setting, on an "
        "axis logarithmic in the error rate and cut off 0.1 below the best, against "
        "its batch size: phase 1 with learning rate and momentum fixed (solid), phase "
        "2 with 1 - m proportional to 1/B (dashed), phase 3 around the last batch "
        "size that had not fallen (dotted); a ring is what a search recommends. (b) "
        "Test accuracy of phase 1's best and of the recommended setting against the "
        "updates of a training run, both trained with new seeds: mean over them with "
        "its 95 % t interval. A dot within a circle: both are the same setting. "
        "Colours are moved apart sideways, by less than 10 %.",
        analyse=study.as_recorded,
        judge=appendix_d.judge,
        show=_figure(appendix_d_figure.draw),
        make_measurements=appendix_d.measurements,
    ),
    study.Study(
        f"{KEY}/noise",
        "Covariance of a batch's gradient against batch size",
        caption="(a) Trace of the covariance of a batch's gradient, of the sum over "
        "the training set, in units of the trace of F, that of single examples, at "
        "the initial weights and after 100 steps. At B = N nothing is left without "
        "replacement. (b) The same over eq. 15's N(N/B - 1) and, with replacement, "
        "N^2/B; points of one batch size are moved apart. Both: geometric mean over "
        "seeds with its 95 % t interval.",
        analyse=study.as_recorded,
        judge=noise_claims.judge,
        show=_figure(noise_figure.draw),
        make_measurements=noise.measurements,
    ),
)
