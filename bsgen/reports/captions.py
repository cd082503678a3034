"""A caption for each figure: what is plotted, and the settings, from the tables."""

import pandas as pd

from bsgen.studies import study

_ACCURACY_AXIS = "The accuracy axis is logarithmic in the error rate."
_BY_REGULARISATION = (
    "{what} against the L2 coefficient lambda, on random (a) and informative (b) "
    "labels: mean over seeds with its 95 % t interval, and each seed as a thin line."
)
_DURING_TRAINING = (
    "(a) Test accuracy and (b) test cross-entropy during training, small batches "
    "against the full batch: mean over seeds with its 95 % t interval (in (b) of the "
    "logarithms), and each seed as a thin line. Dotted: 95 % of the final accuracy is "
    f"reached. {_ACCURACY_AXIS}"
)
_BY_BATCH_SIZE = (
    "(a) Test accuracy during training, mean over seeds, coloured by batch size. "
    "(b) Final test accuracy against batch size, mean over seeds with its 95 % t "
    "interval; the green line is the best batch size with its 95 % bootstrap interval "
    f"over seeds and spacing. {_ACCURACY_AXIS}"
)
_PEAKS = (
    "(a) Final test accuracy against batch size, mean over seeds with its 95 % t "
    f"interval; rings mark the best batch size. {_ACCURACY_AXIS} (b) The best batch "
    "size against the {setting}: broad bars reach to the next batch sizes tried (the "
    "paper's error bars), thin ones are 95 % bootstrap intervals over seeds and "
    "spacing. The line is the prediction {rule}, placed through the geometric mean of "
    "the fitted optima; hollow ones are not fitted (best at the edge of its grid, or "
    "badly trained{more})."
)
_CURVES = "mean over seeds with its 95 % t interval, and each seed as a thin line"
_SHOWN = {
    "smith_le_2017/fig1": _BY_REGULARISATION.format(what="Training and test accuracy"),
    "smith_le_2017/fig2": _BY_REGULARISATION.format(
        what="Above, mean cross-entropy on the training and test sets and, below, the "
        "log evidence ratio E, computed on the training set,"
    )
    + " Dots and dotted lines mark the minima of the means.",
    "smith_le_2017/fig3": _DURING_TRAINING,
    "smith_le_2017/fig4": _BY_BATCH_SIZE,
    "smith_le_2017/fig5": _PEAKS.format(
        setting="learning rate", rule="B_opt ∝ learning rate", more=""
    ),
    "smith_le_2017/fig6": _PEAKS.format(
        setting="training set size",
        rule="B_opt ∝ N",
        more=", or in the lower half of N",
    ),
    "smith_le_2017/fig7": _PEAKS.format(
        setting="momentum", rule="B_opt ∝ 1/(1 - m)", more=""
    ),
    "jastrzebski_2018/fig1": "Test accuracy during training of two settings with the "
    "same ratio of learning rate to batch size at every epoch: (a) cyclic batch size "
    "against cyclic learning rate, (b) constant ones. Lines: "
    f"{_CURVES}. {_ACCURACY_AXIS}",
    "jastrzebski_2018/fig2": "(a) Test accuracy during training of a small batch, and "
    "of a large one with the learning rate rescaled as the batch size, as its square "
    f"root, or not at all: {_CURVES}. {_ACCURACY_AXIS} (b) Root mean squared "
    "difference of each large batch's curve from the small batch's: geometric mean "
    "with its 95 % t interval, and each seed as a dot.",
    "jastrzebski_2018/fig5": "Test accuracy during training, mean over seeds, with "
    "learning rate and batch size both multiplied by beta, for (a) the smaller and (b) "
    "the larger training set; in brackets the mean and standard deviation of the best "
    "accuracy, with a star where a run diverged (which guesses from then on). Claims "
    f"below have the 95 % t interval. {_ACCURACY_AXIS}",
    "jastrzebski_2018/fig3": "(a) Largest eigenvalue and (b) Frobenius norm of the "
    "Hessian of the training loss, and (c) test accuracy, of trained networks against "
    "the ratio of learning rate to batch size, coloured by batch size: mean over seeds "
    "(in (a) and (b) of the logarithms) with its 95 % t interval, and each run as a "
    "dot. Runs of one ratio lie on one vertical line.",
    "jastrzebski_2018/fig4": "Above the training loss, below the accuracies, on the "
    "line between the weights of two networks, at alpha = 0 and alpha = 1, where "
    "their learning rate / batch size is written. Both are trained on the same "
    "examples, from the initial weights of two seeds; a thin line is the mean over "
    "both ways to share these out. Thick: mean over such pairs of seeds with its 95 % "
    "t interval, for the losses of the logarithms. Running averages of batch norm are "
    "interpolated, and kept beyond the ends.",
    "jastrzebski_2018/theory": "Mean loss at which simulated SGD settles on quadratic "
    "minima with C = H, for three shapes of the spectrum of H. (a) Small learning "
    "rates, each ratio realised by several learning rates and batch sizes that mostly "
    "hide each other; lines are eta tr(H) / (4 S (1 - m)), eq. 7. (b) Divided by that, "
    "up to the critical learning rate; lines are the exact answer. Bars, where they "
    "exceed the dots: 95 % t interval over independent chains.",
    "smith_le_2017/fig8": f"{_DURING_TRAINING} With lambda = 0.1; dashed: the means "
    "without it, as in figure 3.",
    "smith_le_2017/noise": "(a) Trace of the covariance of a batch's gradient, of the "
    "sum over the training set, in units of the trace of F, that of single examples, "
    "at the initial weights and after 100 steps. At B = N nothing is left without "
    "replacement. (b) The same over eq. 15's N(N/B - 1) and, with replacement, N^2/B; "
    "points of one batch size are moved apart. Both: geometric mean over seeds with "
    "its 95 % t interval.",
    "smith_le_2017/appendix_d": "Independent searches by appendix D, one a colour, "
    "each with data of its own. (a) Mean validation accuracy over the repeats of a "
    "setting, on an axis logarithmic in the error rate and cut off 0.1 below the best, "
    "against its batch size: phase 1 with learning rate and momentum fixed (solid), "
    "phase 2 with 1 - m proportional to 1/B (dashed), phase 3 around the last batch "
    "size that had not fallen (dotted); a ring is what a search recommends. (b) Test "
    "accuracy of phase 1's best and of the recommended setting against the updates of "
    "a training run, both trained with new seeds: mean over them with its 95 % t "
    "interval. A dot within a circle: both are the same setting. Colours are moved "
    "apart sideways, by less than 10 %.",
}


def caption(study_name: str, results: study.Results, scale: str) -> str:
    """Returns what the figure of a study shows, and from which runs.

    Args:
      study_name: `PAPERKEY/figN`.
      results: its tables.
      scale: of its runs.
    """
    return f"{_SHOWN[study_name]} {settings(results, scale)}"


def settings(results: study.Results, scale: str) -> str:
    """Returns one sentence: scale, dataset, N, steps, seeds and diverged runs.

    Of a study without runs: scale, number of measurements and their seeds.
    """
    runs, measured = results.runs, results.measurements
    if not len(runs):
        parts = [
            f"{scale.capitalize()} scale: {measured['key'].nunique()} measurements"
        ]
        if "seed" in measured:
            parts.append(f"{measured['seed'].nunique()} seeds")
        return ", ".join(parts) + "."
    datasets = " and ".join(sorted(set(runs["dataset"])))
    parts = [
        f"{scale.capitalize()} scale: {datasets}",
        f"N = {_range(runs['train_size'])}",
    ]
    if set(runs["optimizer"]) == {"newton"}:
        parts.append("exact minimum by Newton's method")
    else:
        parts.append(f"{_range(runs['num_steps'])} steps")
        parts.append(f"learning rate {_range(runs['learning_rate'])}")
        parts.append(f"momentum {_range(runs['momentum'])}")
    num_seeds = runs["seed"].nunique()
    parts.append("1 seed, no intervals" if num_seeds == 1 else f"{num_seeds} seeds")
    diverged = int((runs["status"] == "diverged").sum())
    if diverged:
        parts.append(f"{diverged} of {len(runs)} runs diverged")
    return ", ".join(parts) + "."


def _range(values: pd.Series) -> str:
    ends = f"{values.min():,g}", f"{values.max():,g}"
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
