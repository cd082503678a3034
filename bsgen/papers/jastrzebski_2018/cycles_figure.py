"""Draws figure 1 of Jastrzebski et al. (2018): learning curves of equal ratios."""

from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import learning_curves, learning_curves_figure
from bsgen.studies import shown


def show(found: dict[str, learning_curves.Setting]) -> shown.Shown:
    """Draws the cyclic pair and the constant pair, each of equal ratio."""
    drawn, ((left, right),) = style.panels(["cyclic schedules", "constant settings"])
    *cyclic, (_, small), (_, large) = found.items()
    constant = [(rf"$\eta / S$ = {each.ratio}", each) for each in (small, large)]
    for axes, pair in ((left, cyclic), (right, constant)):
        for color, (label, setting) in zip(style.COLORS, pair, strict=False):
            style.band(axes, setting.accuracies, color, label)
        axes.legend(loc="lower right")
    learning_curves_figure.accuracy_by_epoch((left, right), found.values())
    return shown.Shown(drawn)
