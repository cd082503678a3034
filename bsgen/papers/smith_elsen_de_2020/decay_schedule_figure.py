"""Draws figure 4 of Smith, Elsen & De (2020): the learning rate during training."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import axes as mpl_axes
from matplotlib import ticker

from bsgen.figures import style
from bsgen.studies import shown

if TYPE_CHECKING:
    from bsgen.papers.smith_elsen_de_2020 import decay_schedule


def show(found: "decay_schedule.Schedules") -> shown.Shown:
    """Draws the rate against epochs and steps; lists where it changes."""
    drawn, ((left, right),) = style.panels(["by epochs", "by steps"])
    in_epochs, in_steps = (
        dict(
            list(
                found.stretches[found.stretches["budget"] == budget].groupby(
                    "batch_size"
                )
            )
        )
        for budget in ("epochs", "steps")
    )
    paper = min(in_epochs)
    _draw(left, in_epochs[paper], "epoch", color=style.sequential(0.0))
    half = in_epochs[paper]["epoch"].iloc[1]
    left.axvline(half, color=style.GREY, ls=":", lw=1, zorder=0)
    left.set(xlabel="epochs")
    for place, (size, plan) in enumerate(in_epochs.items()):
        color = style.sequential(place / max(1, len(in_epochs) - 1))
        _draw(right, plan, "first_step", color=color, label=f"200 epochs, B = {size:,}")
    sizes = " to ".join(f"{size:,}" for size in (min(in_steps), max(in_steps)))
    label = f"equal steps, B = {sizes}"
    for plan in in_steps.values():
        looks = {"color": style.VERMILLION, "ls": ":", "lw": 2.5, "label": label}
        _draw(right, plan, "first_step", **looks)
        label = "_"
    right.set(xlabel="steps (parameter updates)")
    right.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
    style.legend_above(drawn, right)
    for axes in (left, right):
        axes.set_yscale("log", base=2)
        axes.set(ylabel="learning rate / its first value", xlim=(0, None))
    return shown.Shown(drawn, _table(in_epochs[paper]))


def _draw(axes: mpl_axes.Axes, plan: pd.DataFrame, column: str, **looks: Any) -> None:
    """Draws a plan as steps, up to its end."""
    share = plan["first_step"] / plan["num_steps"]
    end = plan["num_steps"].iloc[0]
    if column == "epoch":
        end = plan["epoch"].iloc[-1] / share.iloc[-1]
    axes.step(
        [*plan[column], end],
        [*plan["factor"], plan["factor"].iloc[-1]],
        where="post",
        **looks,
    )


def _table(plan: pd.DataFrame) -> pd.DataFrame:
    """Lists the numbers of section 6 and appendix B.1 beside the plan's."""
    from bsgen.papers.smith_elsen_de_2020 import decay_schedule as paper

    steps = plan["first_step"].to_numpy()
    last = plan["factor"].iloc[-1]
    rows = [
        (
            "steps in 200 epochs of batches of 1024",
            plan["num_steps"].iloc[0],
            paper.STEPS,
        ),
        ("steps before the first decay", steps[1], paper.FIRST_DECAY),
        ("steps between two decays, fewest", np.diff(steps[1:]).min(), paper.BETWEEN),
        ("steps between two decays, most", np.diff(steps[1:]).max(), paper.BETWEEN),
        ("decays", len(plan) - 1, paper.NUM_DECAYS),
        ("last rate over the first one", last, 2.0**-paper.NUM_DECAYS),
    ]
    return pd.DataFrame(rows, columns=["schedule", "ours", "paper"])
