"""Draws figure 10 of Smith, Elsen & De (2020): the autoencoder at many budgets."""

from typing import TYPE_CHECKING

from matplotlib import axes as mpl_axes

from bsgen.figures import style
from bsgen.papers.smith_elsen_de_2020 import epoch_budgets_figure
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.smith_elsen_de_2020 import early_stopping

_COLORS = style.VERMILLION, style.BLUE  # of the larger rate, and of the smaller one


def show(found: "early_stopping.Found") -> shown.Shown:
    """Draws what is reached, the optimal rates, and two rates at the longest budget."""
    test, train = found.budgets.test, found.budgets.train
    titles = [f"optimum {test.metric.name}", f"optimum {train.metric.name}"]
    drawn, grid = style.panels(titles, num_rows=2)
    epoch_budgets_figure.draw_reached(grid[0, 0], test, style.BLUE)
    epoch_budgets_figure.draw_reached(grid[0, 1], train, style.VERMILLION, scale="log")
    rates, curves = grid[1]
    rates.set_title("(c) optimal rates")
    epoch_budgets_figure.draw_both_rates(rates, found.budgets)
    curves.set_title(f"(d) a budget of {test.budgets[-1]:g} epochs")
    _draw_curves(curves, found)
    style.legend_above(drawn, rates, grid[0, 0])
    return shown.Shown(drawn, epoch_budgets_figure.table(found.budgets))


def _draw_curves(axes: mpl_axes.Axes, found: "early_stopping.Found") -> None:
    for each, color in zip(found.curves, _COLORS, strict=True):
        label = rf"$\epsilon / (1 - m)$ = {each.rate:.3g}"
        style.band(axes, each.test, color, label, logarithmic=True)
    axes.axvline(found.curves[0].first_decay, color=style.GREY, ls=":", lw=1, zorder=0)
    axes.set(xlabel="epochs", ylabel="test MSE during training", yscale="log")
    style.plain_numbers(axes.yaxis, (1, 2, 5))
    axes.legend()
