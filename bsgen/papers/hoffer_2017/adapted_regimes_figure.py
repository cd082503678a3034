"""Draws figure 3 of Hoffer et al. (2017): adapted large batches, the small batch."""

from typing import TYPE_CHECKING

from bsgen.figures import style
from bsgen.papers.hoffer_2017 import error_curves_figure
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.hoffer_2017 import adapted_regimes

_TITLES = ["test error during training", "error at the end", "fall at the first drop"]


def show(found: "adapted_regimes.Adapted") -> shown.Shown:
    """Draws curves, final errors beside the small batch's, and falls at the drop."""
    drawn, ((left, middle, right),) = style.panels(_TITLES)
    colors = error_curves_figure.batch_size_colors(found.large)
    small = found.small
    label = f"small batch, {small.batch_size:,}"
    error_curves_figure.draw(left, small, style.VERMILLION, label, "share")
    for size, each in found.large.items():
        error_curves_figure.draw(left, each, colors[size], f"{size:,}", "share")
    error_curves_figure.mark_drops(left, small, "share")
    error_curves_figure.error_axis(left, [small, *found.large.values()], "share")
    left.legend(title="batch size $B$", loc="upper right")
    error_curves_figure.differences(middle, found.differences(), colors.values())
    error_curves_figure.shade_as_good(middle)
    middle.set_ylabel("test error minus the small batch's")
    error_curves_figure.differences(right, found.extra_falls(), colors.values())
    for axes in (middle, right):
        axes.set_xlabel("batch size $B$")
    right.set_ylabel("fall of the test error minus that before")
    return shown.Shown(drawn)
