"""The width of a minimum, read off the loss along a line.

Jastrzebski et al. (2018), figure 4, compare widths of minima by eye. Here the width is
a number: how far the line can be followed, to both sides together, before the loss has
risen by a stated amount. On a quadratic of curvature h that is 2 sqrt(2 rise / h).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def basin_width(
    places: npt.ArrayLike, losses: npt.ArrayLike, centre: float, rise: float
) -> float:
    """Returns the width of the basin around one place on a line.

    Between two places the logarithm of the loss is taken as linear.

    Args:
      places: [A], ascending, along the line.
      losses: [A], at least 0; infinity or NaN is an overflow, and so beyond the edge.
      centre: the place to start from; the nearest of `places` is taken.
      rise: of the loss above that at the centre, where the basin ends; above 0.

    Returns:
      The distance between the two edges, in the unit of `places`; NaN where the line
      ends before the basin does, or the loss at the centre is not finite.
    """
    line, heights = np.asarray(places, float), np.asarray(losses, float)
    middle = int(np.abs(line - centre).argmin())
    right = _reach(line[middle:], heights[middle:], rise)
    left = _reach(line[middle::-1], heights[middle::-1], rise)
    return left + right


def _reach(
    places: npt.NDArray[np.float64], losses: npt.NDArray[np.float64], rise: float
) -> float:
    """Returns how far from the first place the loss stays below the edge, or NaN."""
    edge = losses[0] + rise
    risen = ~(losses < edge)  # NaN is an overflow
    if not risen.any() or risen[0]:
        return float("nan")
    after = int(risen.argmax())
    tiny = np.finfo(float).tiny  # a loss may be 0
    below, above = np.log(np.maximum(losses[[after - 1, after]], tiny))
    share = (np.log(edge) - below) / (above - below) if np.isfinite(above) else 0.0
    place = places[after - 1] + share * (places[after] - places[after - 1])
    return float(abs(place - places[0]))
