"""Smith & Le (2017), figures 3 and 8: small and full batches during training."""

import numpy as np
import pandas as pd
from matplotlib import figure

from bsgen.figures import style
from bsgen.papers.smith_le_2017 import gap
from bsgen.studies import curves, study

_TITLES = ["test accuracy during training", "test cross-entropy during training"]


def draw_figure3(results: study.Results) -> figure.Figure:
    """Draws small against full batches without regularisation."""
    return _draw(results, results.runs)


def draw_figure8(results: study.Results) -> figure.Figure:
    """Draws small against full batches with lambda = 0.1, and without it dashed."""
    runs = results.runs
    drawn = _draw(results, runs[runs["l2"] > 0])
    plain = _small_and_full(runs[runs["l2"] == 0])
    for axes, metric in zip(drawn.axes, ("accuracy", "cross_entropy"), strict=True):
        for _, rows, color in plain:
            table = curves.by_step(results, rows, f"test_{metric}")
            means = style.over_seeds(table, metric == "cross_entropy")["value"]
            axes.plot(means.index, means, color=color, ls="--", lw=1, alpha=0.8)
        axes.plot([], [], color=style.GREY, ls="--", lw=1, label="without $\\lambda$")
        axes.legend(loc="best")
    return drawn


def _draw(results: study.Results, runs: pd.DataFrame) -> figure.Figure:
    drawn, grid = style.panels(_TITLES)
    for label, rows, color in _small_and_full(runs):
        accuracy = curves.by_step(results, rows, "test_accuracy")
        style.band(grid[0, 0], accuracy, color, label)
        steps = np.exp(np.log(gap.convergence_steps(results, rows)).mean())
        grid[0, 0].axvline(steps, color=color, ls=":", lw=1)
        cross_entropy = curves.by_step(results, rows, "test_cross_entropy")
        style.band(grid[0, 1], cross_entropy, color, label, logarithmic=True)
    accuracies = results.curves["test_accuracy"]
    style.accuracy_axis(grid[0, 0], accuracies.min(), accuracies.max())
    grid[0, 0].set_ylabel("test accuracy")
    grid[0, 1].set(yscale="log", ylabel="mean test cross-entropy (nats)")
    style.plain_numbers(grid[0, 1].yaxis, (1, 2, 5))
    for axes in grid[0]:
        axes.set(xscale="log", xlabel="steps (parameter updates)")
        style.plain_numbers(axes.xaxis)
        axes.legend(loc="best")
    return drawn


def _small_and_full(runs: pd.DataFrame) -> list[tuple[str, pd.DataFrame, str]]:
    """Returns label, runs and colour of both batch sizes."""
    full = runs["batch_size"] == runs["train_size"]
    small, size = runs[~full], runs["train_size"].iloc[0]
    return [
        (f"small batch, B = {small['batch_size'].iloc[0]}", small, style.BLUE),
        (f"full batch, B = N = {size}", runs[full], style.VERMILLION),
    ]
