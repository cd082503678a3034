"""Draws figure 6 of Hoffer et al. (2017): a larger rate against noisier gradients."""

from collections.abc import Mapping

import pandas as pd

from bsgen.figures import style
from bsgen.papers.hoffer_2017 import error_curves, error_curves_figure, regimes
from bsgen.studies import shown

_NAMES = {regimes.LR: "sqrt rate", regimes.NOISE: "noise"}
_OTHER = "noise of\nthe rate's steps"


def show(found: Mapping[str, error_curves.Curves]) -> shown.Shown:
    """Draws the learning curves and the final errors beside the plain large batch's.

    Args:
      found: of `multiplicative_noise.analyse`.
    """
    drawn, ((left, right),) = style.panels(
        ["test error during training", "error at the end"]
    )
    small, large = found[regimes.SB], found[regimes.LB]
    colors = dict(zip(found, (style.GREY, *style.COLORS[:3], "black"), strict=False))
    sizes = {regimes.SB: small.batch_size, regimes.LB: large.batch_size}
    for stage, curves in found.items():
        label = f"B = {sizes[stage]:,}" if stage in sizes else _name(stage)
        error_curves_figure.draw(
            left, curves, colors[stage], label.replace("\n", " "), "epochs"
        )
    error_curves_figure.mark_drops(left, large)
    error_curves_figure.error_axis(left, found.values())
    left.legend(loc="upper right")
    plain = large.final_error()
    beside = {
        f"B = {small.batch_size}" if stage == regimes.SB else _name(stage): (
            curves.final_error() - plain
        )
        for stage, curves in found.items()
        if stage != regimes.LB
    }
    others = [color for stage, color in colors.items() if stage != regimes.LB]
    error_curves_figure.differences(right, pd.DataFrame(beside).T, others)
    right.set_ylabel("error minus the plain large batch's")
    return shown.Shown(drawn)


def _name(stage: str) -> str:
    return _NAMES.get(stage, _OTHER)
