"""Jastrzebski et al. (2018), figure 4: the width of minima on lines between networks.

The paper reads the widths off the picture; here they are those of `theory.basin_width`:
distances of weights, to where the training loss has risen by a fixed amount.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen import theory
from bsgen.papers.jastrzebski_2018 import interpolations_figure, lines
from bsgen.studies import claims, estimates, study

_RISE = 0.1  # nats; our choice
_SAME = 1.25  # widths count as the same within this factor; our choice


class Panel(NamedTuple):
    """All lines between two settings.

    Attributes:
      letter: of the panel.
      model: name of the network.
      first, second: learning rate and batch size at alpha = 0 and at alpha = 1.
      lines: rows of the table of measurements.
      widths: one row per line with its `seed`, whether it is `crossed`, and the widths
        of the basins around its ends, `first` and `second`; NaN where a network
        diverged or the line ends within the basin.
      first_epochs: for how long the network at alpha = 0 trained, where it was stopped
        at about the other's training loss.
    """

    letter: str
    model: str
    first: tuple[float, int]
    second: tuple[float, int]
    lines: pd.DataFrame
    widths: pd.DataFrame
    first_epochs: int | None = None

    @property
    def same_ratio(self) -> bool:
        """Whether both were trained at one ratio of learning rate to batch size."""
        (rate, size), (other_rate, other_size) = self.first, self.second
        return bool(np.isclose(rate / size, other_rate / other_size))


def analyse(results: study.Results) -> list[Panel]:
    """Returns the panels in the order of their letters."""
    return [
        _panel(str(letter), rows)
        for letter, rows in results.measurements.groupby("panel")
    ]


def _panel(letter: str, rows: pd.DataFrame) -> Panel:
    settings = rows.iloc[0]
    epochs = settings.get("first_epochs")  # no column where no pair has any
    widths = [
        (*names, *_widths(line.sort_values("alpha")))
        for names, line in rows.groupby(["seed", "crossed"], sort=False)
    ]
    return Panel(
        letter,
        settings["model"],
        (settings["learning_rate"], settings["batch_size"]),
        (settings["other_learning_rate"], settings["other_batch_size"]),
        rows,
        pd.DataFrame(widths, columns=["seed", "crossed", "first", "second"]),
        None if pd.isna(epochs) else int(epochs),
    )


def _widths(line: pd.DataFrame) -> tuple[float, float]:
    """Returns the width of the basin around each end of a line."""
    alphas, losses, distances = (
        line[name].to_numpy(float)
        for name in ("alpha", "train_cross_entropy", "distance")
    )
    first, second = (
        distances[0] * theory.basin_width(alphas, losses, end, _RISE)
        for end in (0.0, 1.0)
    )
    return first, second


def judge(panels: list[Panel]) -> list[claims.Claim]:
    """A higher ratio gives a wider basin, the same ratio the same width."""
    return [_judge(panel) for panel in panels]


def _judge(panel: Panel) -> claims.Claim:
    judged = _judge_ratio(panel, _width_ratio(panel.widths))
    unknown = panel.widths[["first", "second"]].isna().any(axis=1)
    if not unknown.any():
        return judged
    # Those that are left would be the narrower ones.
    reason = (
        f"{unknown.sum()} of {len(unknown)} lines have no width, as a network diverged "
        "or the line ends within the basin"
    )
    return claims.left_open(judged, reason)


def _judge_ratio(panel: Panel, ratio: estimates.Estimate) -> claims.Claim:
    (rate, size), (other_rate, other_size) = panel.first, panel.second
    quantity = (
        f"width of the basin of {rate:g} / {size} over that of {other_rate:g} / "
        f"{other_size}"
    )
    first, second = (_loss_at(panel, end) for end in (0, 1))
    note = (
        "each seed is the mean of two crossed lines; the edge is where the training "
        f"loss is {_RISE:g} higher than at the network's own place, where it is "
        f"{first:.2g} and {second:.2g} (the paper argues with minima of equal loss)"
    )
    start = f"({panel.letter}) {panel.model}: "
    if panel.same_ratio:
        claim = start + "the same ratio gives the same width"
        note += f"; 'the same' read as within a factor of {_SAME:g}, our choice"
        lower, upper = ratio.interval()[1:]
        if lower > 1 or upper < 1:
            note += ": the widths are not equal, as the interval leaves out 1"
        return claims.between(claim, quantity, ratio, (1 / _SAME, _SAME), note)
    how = "a smaller batch size" if rate == other_rate else "a higher rate"
    claim = f"{start}a higher ratio, by {how}, gives a wider minimum"
    if panel.first_epochs:
        claim += " at equal training loss"
        note += f"; {rate:g} / {size} trains for {panel.first_epochs} epochs only"
    return claims.above(claim, quantity, ratio, note, bound=1)


def _loss_at(panel: Panel, end: float) -> float:
    """Returns the geometric mean of the training losses at one end of the lines."""
    rows = panel.lines[np.isclose(panel.lines["alpha"], end)]
    return float(np.exp(np.log(rows["train_cross_entropy"].astype(float)).mean()))


def _width_ratio(widths: pd.DataFrame) -> estimates.Estimate:
    """Returns first over second; that of a seed is the geometric mean of its two."""
    logs = np.log(widths["first"]) - np.log(widths["second"])
    # pandas would leave out what is not known.
    by_seed = logs.groupby(widths["seed"]).agg(lambda two: two.to_numpy().mean())
    return estimates.geometric_mean(by_seed)


STUDY = study.Study(
    "jastrzebski_2018/fig4",
    "Loss and accuracy on the line between two trained networks",
    caption="Above the training loss, below the accuracies, on the line between the "
    "weights of two networks, at alpha = 0 and alpha = 1, where their learning rate / "
    "batch size is written. Both are trained on the same examples, from the initial "
    "weights of two seeds; a thin line is the mean over both ways to share these out. "
    "Loss equal: the network at alpha = 0 was stopped at about the other's training "
    "loss. Thick: mean over such pairs of seeds with its 95 % t interval, for the "
    "losses of the logarithms. Running averages of batch norm are interpolated, and "
    "kept beyond the ends.",
    analyse=analyse,
    judge=judge,
    show=interpolations_figure.show,
    make_measurements=lines.measurements,
)
