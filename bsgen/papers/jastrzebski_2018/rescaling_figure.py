"""Draws figure 2 of Jastrzebski et al. (2018): rules for the learning rate."""

from typing import TYPE_CHECKING

from bsgen.figures import style
from bsgen.papers.jastrzebski_2018 import learning_curves, learning_curves_figure
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.jastrzebski_2018 import rescaling


def show(panels: "dict[str, rescaling.Panel]") -> shown.Shown:
    """Draws the curves, and how far each rule's lie from the small batch's."""
    titles = ["test accuracy during training", "distance to the small batch"]
    drawn, grid = style.panels(titles, num_rows=len(panels))
    drawn_settings: list[learning_curves.Setting] = []
    for (left, right), (model, panel) in zip(grid, panels.items(), strict=True):
        settings = {"small batch": panel.small, **panel.large}
        drawn_settings += settings.values()
        for color, (name, setting) in zip(style.COLORS, settings.items(), strict=True):
            style.band(left, setting.accuracies, color, f"{name}: {setting.ratio}")
        left.legend(title=rf"{model}, $\eta / S$", loc="lower right")
        apart = {
            **panel.distances,
            "two seeds,\nsmall batch": panel.small.between_seeds(),
        }
        colors = *style.COLORS[1 : 1 + len(panel.large)], style.COLORS[0]
        learning_curves_figure.distances(right, apart, colors)
        right.set_xlabel("rule for the learning rate, and the unit")
    learning_curves_figure.accuracy_by_epoch(grid[:, 0], drawn_settings)
    return shown.Shown(drawn)
