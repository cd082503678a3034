"""Draws figure 1 of Jastrzebski et al. (2018): learning curves of equal ratios."""

from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import learning_curves, learning_curves_figure
from bsgen.studies import shown


def show(found: dict[str, learning_curves.Setting]) -> shown.Shown:
    """Draws the cyclic and the constant pair, each of equal ratio, and distances."""
    titles = ["cyclic schedules", "constant settings", "distances"]
    drawn, ((left, middle, right),) = style.panels(titles)
    *cyclic, (_, small), (_, large) = found.items()
    constant = [(rf"$\eta / S$ = {each.ratio}", each) for each in (small, large)]
    for axes, pair in ((left, cyclic), (middle, constant)):
        for color, (label, setting) in zip(style.COLORS, pair, strict=False):
            style.band(axes, setting.accuracies, color, label)
        axes.legend(loc="lower right")
    learning_curves_figure.accuracy_by_epoch((left, middle), found.values())
    (_, cyclic_batch), (_, cyclic_rate) = cyclic
    apart = {
        "cyclic\npair": cyclic_batch.distances(cyclic_rate),
        "its two\nseeds": cyclic_rate.between_seeds(),
        "constant\npair": large.distances(small),
        "its two\nseeds ": small.between_seeds(),
        "cyclic,\nconstant": small.distances(cyclic_rate),
    }
    blue, red, _, grey = style.COLORS
    learning_curves_figure.distances(right, apart, (red, blue, red, blue, grey))
    right.tick_params("x", labelsize=7)
    return shown.Shown(drawn)
