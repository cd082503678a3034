"""Jastrzebski et al. (2018), ICANN 2018, LNCS 11141, figures 1 to 5 and eq. 7.

One module a figure.
"""

from collections.abc import Callable

from matplotlib import figure

from bsgen.papers.jastrzebski_2018 import (
    breakdown,
    cycles,
    grid,
    grid_figure,
    interpolations,
    interpolations_figure,
    learning_curves_figure,
    quadratic_minima,
    rescaling,
    stationary_loss,
    stationary_loss_figure,
)
from bsgen.studies import shown, study

KEY = "jastrzebski_2018"


def _figure(
    draw: Callable[[study.Results], figure.Figure],
) -> Callable[[study.Results], shown.Shown]:
    return lambda results: shown.Shown(draw(results))


STUDIES = (
    study.Study(
        f"{KEY}/fig1",
        "Learning curves of equal ratios of learning rate to batch size",
        caption="Test accuracy during training of two settings with the same ratio of "
        "learning rate to batch size at every epoch: (a) cyclic batch size against "
        "cyclic learning rate, (b) constant ones. Lines: mean over seeds with its 95 "
        "% t interval, and each seed as a thin line. The accuracy axis is logarithmic "
        "in the error rate.",
        analyse=study.as_recorded,
        judge=cycles.judge,
        show=_figure(learning_curves_figure.draw_figure1),
        make_runs=cycles.runs,
    ),
    study.Study(
        f"{KEY}/fig2",
        "Small batch against large batch under rules for the learning rate",
        caption="(a) Test accuracy during training of a small batch, and of a large "
        "one with the learning rate rescaled as the batch size, as its square root, "
        "or not at all: mean over seeds with its 95 % t interval, and each seed as a "
        "thin line. The accuracy axis is logarithmic in the error rate. (b) Root mean "
        "squared difference of each large batch's curve from the small batch's: "
        "geometric mean with its 95 % t interval, and each seed as a dot.",
        analyse=study.as_recorded,
        judge=rescaling.judge,
        show=_figure(learning_curves_figure.draw_figure2),
        make_runs=rescaling.runs,
    ),
    study.Study(
        f"{KEY}/fig3",
        "Curvature and accuracy against the ratio of learning rate to batch size",
        caption="(a) Largest eigenvalue and (b) Frobenius norm of the Hessian of the "
        "training loss, and (c) test accuracy, of trained networks against the ratio "
        "of learning rate to batch size, coloured by batch size: mean over seeds (in "
        "(a) and (b) of the logarithms) with its 95 % t interval, and each run as a "
        "dot. Runs of one ratio lie on one vertical line.",
        analyse=study.as_recorded,
        judge=grid.judge,
        show=_figure(grid_figure.draw),
        make_runs=grid.runs,
        scales=("quick", "reduced", "paper"),
    ),
    study.Study(
        f"{KEY}/fig4",
        "Loss and accuracy on the line between two trained networks",
        caption="Above the training loss, below the accuracies, on the line between "
        "the weights of two networks, at alpha = 0 and alpha = 1, where their "
        "learning rate / batch size is written. Both are trained on the same "
        "examples, from the initial weights of two seeds; a thin line is the mean "
        "over both ways to share these out. Thick: mean over such pairs of seeds with "
        "its 95 % t interval, for the losses of the logarithms. Running averages of "
        "batch norm are interpolated, and kept beyond the ends.",
        analyse=study.as_recorded,
        judge=interpolations.judge,
        show=_figure(interpolations_figure.draw),
        make_measurements=interpolations.measurements,
    ),
    study.Study(
        f"{KEY}/fig5",
        "Breakdown of the scaling of learning rate and batch size by one factor",
        caption="Test accuracy during training, mean over seeds, with learning rate "
        "and batch size both multiplied by beta, for (a) the smaller and (b) the "
        "larger training set; in brackets the mean and standard deviation of the best "
        "accuracy, with a star where a run diverged (which guesses from then on). "
        "Claims below have the 95 % t interval. The accuracy axis is logarithmic in "
        "the error rate.",
        analyse=study.as_recorded,
        judge=breakdown.judge,
        show=_figure(learning_curves_figure.draw_figure5),
        make_runs=breakdown.runs,
    ),
    study.Study(
        f"{KEY}/theory",
        "The loss at which SGD settles on a quadratic, simulated and predicted",
        caption="Mean loss at which simulated SGD settles on quadratic minima with C "
        "= H, for three shapes of the spectrum of H. (a) Small learning rates, each "
        "ratio realised by several learning rates and batch sizes that mostly hide "
        "each other; lines are eta tr(H) / (4 S (1 - m)), eq. 7. (b) Divided by that, "
        "up to the critical learning rate; lines are the exact answer. Bars, where "
        "they exceed the dots: 95 % t interval over independent chains.",
        analyse=study.as_recorded,
        judge=stationary_loss.judge,
        show=_figure(stationary_loss_figure.draw),
        make_measurements=quadratic_minima.measurements,
    ),
)
