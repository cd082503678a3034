"""Claims of the rule of thumb of Smith, Elsen & De (2020), section 8.

The bounds are our choice: the paper has no numbers.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bsgen.papers.smith_elsen_de_2020 import optima_figure
from bsgen.studies import claims, estimates, optimum, regimes

if TYPE_CHECKING:
    from bsgen.papers.smith_elsen_de_2020 import rule_of_thumb

REPEATS = 3  # runs of a setting in one application of the rule
MARGIN = 0.005  # a smaller loss of accuracy counts as none, as in figure 1
_SMALL_LOSS = 0.01  # of accuracy, our choice
_CHEAP = 0.1  # of the cost of the full sweep, our choice
_FACTOR = 2.0  # within which batch sizes count as the same: one step of the grid


def judge(found: "Mapping[float, rule_of_thumb.Applied]") -> list[claims.Claim]:
    """The cheap sweep finds the boundary, at a small cost and a small loss."""
    return [claim for m, each in found.items() for claim in _judge(m, each)]


def _judge(momentum: float, found: "rule_of_thumb.Applied") -> list[claims.Claim]:
    name, unit = optima_figure.label(momentum), "applications"
    sizes = np.array([one.setting.batch_size for one in found.found], float)
    failed = f"; {found.num_failed} found no rate" if found.num_failed else ""
    note = f"each with {REPEATS} runs a setting, on validation data{failed}"
    at_half = estimates.mean(found.lost_at_half, unit=unit).interval().value
    return [
        _located(name, found.regimes, sizes, note),
        claims.below(
            f"{name}: training near the boundary is a good rule of thumb: little "
            "accuracy is lost",
            "best test accuracy of the full sweep minus that at the batch size and "
            "rate recommended",
            estimates.mean(found.lost, unit=unit),
            f"{note}; a hundredth counts as little, our choice; at half of the rate "
            f"{at_half:.2g} is lost",
            bound=_SMALL_LOSS,
        ),
        claims.above(
            f"{name}: it parallelises over as large batches as lose nothing",
            "batch size recommended over the largest that loses less than "
            f"{MARGIN:g} in the full sweep, {found.no_loss:,}",
            estimates.geometric_mean(np.log(sizes / found.no_loss), unit=unit),
            f"{note}; within a factor of two, our choice",
            bound=1 / _FACTOR,
        ),
        claims.below(
            f"{name}: the sweep is cheap",
            f"examples trained on over those of the full sweep with {REPEATS} runs a "
            "setting",
            estimates.geometric_mean(np.log(found.costs), unit=unit),
            "a tenth counts as cheap, our choice",
            bound=_CHEAP,
        ),
    ]


def _located(
    name: str, shown: regimes.Regimes, sizes: np.ndarray, note: str
) -> claims.Claim:
    """Judges the batch sizes recommended against the boundary of the full sweep.

    That has an error of its own, which all applications have in common.
    """
    boundary = shown.boundary.interval()
    logs = np.log(sizes / boundary.value)
    error = math.log(boundary.upper / boundary.value) / 1.96
    judged, at_best = (
        claims.between(
            f"{name}: a cheap sweep over a few epochs locates the boundary between the "
            "regimes",
            "batch size that the rule of thumb recommends over that of the boundary in "
            "the full sweep",
            estimates.exponential(
                optimum.widened(
                    estimates.mean(each, unit="applications"), error, "learning rates"
                )
            ),
            (1 / _FACTOR, _FACTOR),
            note,
        )
        for each in (logs, np.repeat(logs.mean() if len(logs) else math.nan, 2))
    )
    if judged.measured is not None and at_best.verdict == claims.UNDECIDED:
        reason = "the full sweep itself locates its boundary no better"
        return claims.left_open(judged, reason)
    return judged
