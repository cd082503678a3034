"""What figures 2 and 7 of Hoffer et al. (2017) claim of the weight distance.

All bands were fixed before the runs that are judged were seen. Two batch sizes count as
alike if slope or distance changes by less than B^0.1, a factor of 1.35 over twenty
times the batch; what is claimed to fall with B must fall faster, so that no runs pass
both. The increments' standard deviation falls as B^-0.5 without adaptation.
"""

import functools
from collections.abc import Callable

import numpy as np
import pandas as pd

from bsgen import statistics
from bsgen.papers.hoffer_2017 import distance_growth
from bsgen.studies import claims, estimates

_ALIKE = 0.1  # power of B
_LOGARITHMIC = 0.25  # |p|, half way to 1/2
# Factor between alpha and 2. A potential that is itself a random walk (Sinai's) has
# alpha = 1, hence log^2 t; alpha = 4 is sqrt(log t).
_ALPHA = 4 / 3
_LAWS = {
    "power": "a power law b t^p",
    "sqrt": "a + b sqrt(t), diffusion on no potential",
}


def of_figure_2(growth: distance_growth.Growth) -> list[claims.Claim]:
    """Logarithmic growth; slopes and distances that differ before, and match after."""
    small = growth.small_batch_size
    return [
        *_logarithmic(growth, False, "Before adaptation"),
        *_logarithmic(growth, True, "After adaptation"),
        claims.above(
            "The slope peaks at the small batch: below it, it is less steep",
            "slope of log t, small batch / next smaller batch",
            _beside_smaller(growth),
            bound=1,
        ),
        *_slopes_fall(growth),
        _alike(
            growth,
            "After adaptation all batch sizes have the same slope",
            "slope",
        ),
        claims.below(
            "Before adaptation the distance at the end of the initial phase falls with "
            "the batch size",
            "power of B, final distance",
            _power(growth.by_size("final", False, smallest=small)),
            _kernel(growth, "final", False),
            bound=-_ALIKE,
        ),
        _alike(
            growth,
            "After adaptation the distances at the end of the initial phase match",
            "final",
        ),
    ]


def of_figure_7(growth: distance_growth.Growth) -> list[claims.Claim]:
    """Slopes that match by rate and ghosts alone, up to a constant shift."""
    small = growth.small_batch_size
    name = "common_slope"
    unlike = [
        np.abs(_powers(growth.by_size(name, is_adapted, smallest=small)))
        for is_adapted in (False, True)
    ]
    enough = len(unlike[0]) == len(unlike[1])
    return [
        *_logarithmic(growth, True, "After rate and ghosts"),
        _alike(
            growth,
            "With rate and ghosts adapted all batch sizes have the same slope",
            "slope",
        ),
        _alike(
            growth,
            "Over the steps that all batch sizes have, they have the same slope",
            name,
        ),
        claims.above(
            "Rate and ghosts match the slopes better",
            "|power of B|, slope of log t over the common steps, before - after",
            estimates.mean(unlike[0] - unlike[1] if enough else [], paired=True),
        ),
        claims.above(
            "The shift that is left only increases the distances",
            "power of B, distance after the common steps",
            _power(growth.by_size("common_distance", True, smallest=small)),
            _kernel(growth, "common_distance", True),
        ),
        claims.below(
            "With fewer updates a larger batch still ends nearer",
            "power of B, final distance",
            _power(growth.by_size("final", True, smallest=small)),
            _kernel(growth, "final", True),
            bound=-_ALIKE,
        ),
    ]


def _logarithmic(
    growth: distance_growth.Growth, is_adapted: bool, when: str
) -> list[claims.Claim]:
    """The distance grows as log t, and not by another law."""
    note = _fit_words(growth, is_adapted)
    made = [
        claims.above(
            f"{when} the distance grows with log t at every batch size, not as {words}",
            "AICc minus that of log t, at the batch size where it is least",
            _extreme(estimates.least, growth.by_size(f"{rival}_criterion", is_adapted)),
            f"{note}; {_kernel_least(growth, rival, is_adapted)}",
        )
        for rival, words in _LAWS.items()
    ]
    unlike = np.abs(growth.by_size("exponent", is_adapted))
    factors = np.abs(np.log(growth.by_size("alpha", is_adapted) / 2))
    return [
        *made,
        claims.below(
            f"{when} the growth is logarithmic at every batch size",
            "|p| of a + b (t^p - 1) / p, at the batch size where it is largest",
            _extreme(estimates.greatest, unlike),
            f"{note}; {_by_size(growth, 'exponent', is_adapted)}",
            bound=_LOGARITHMIC,
        ),
        claims.below(
            f"{when} the growth gives alpha = 2 (eq. 3) at every batch size",
            "factor between 2 and alpha of a + b (log t)^(2 / alpha), at the batch "
            "size where it is largest",
            estimates.exponential(_extreme(estimates.greatest, factors)),
            f"{note}; {_by_size(growth, 'alpha', is_adapted)}",
            bound=_ALPHA,
        ),
    ]


def _slopes_fall(growth: distance_growth.Growth) -> list[claims.Claim]:
    small = growth.small_batch_size
    return [
        claims.below(
            f"Before adaptation the slope falls with the batch size{words}",
            f"power of B, slope of log t{words}",
            _power(growth.by_size(name, False, smallest=small)),
            _kernel(growth, name, False),
            bound=-_ALIKE,
        )
        for name, words in (
            ("slope", ""),
            ("common_slope", ", over the steps that all have"),
        )
    ]


def _alike(growth: distance_growth.Growth, claim: str, column: str) -> claims.Claim:
    """Judges that batch sizes are alike after adaptation, if they are not before it."""
    quantity = "final distance" if column == "final" else "slope of log t"
    left = growth.by_size("undecayed", True).mean()
    before, after = (
        _power(growth.by_size(column, is_adapted, smallest=growth.small_batch_size))
        for is_adapted in (False, True)
    )
    judge = functools.partial(claims.between, claim, f"power of B, {quantity}")
    note = (
        f"without adaptation: {_in_words(before)}; {_kernel(growth, column, True)}; "
        f"weight decay alone would leave {left.min():.2f} to {left.max():.2f} of the "
        "initial weights"
    )
    band = (-_ALIKE, _ALIKE)
    judged = judge(after, band, note)
    if claims.HOLDS == judged.verdict == judge(before, band).verdict:
        return claims.left_open(judged, "without adaptation they pass it as well")
    return judged


def _powers(table: pd.DataFrame) -> np.ndarray:
    """Returns the slope of the logarithm against that of the batch size, by seed."""
    if table.shape[1] < 2 or (table <= 0).any(axis=None):
        return np.empty(0)
    sizes = np.log(table.columns.to_numpy(float))
    return np.polyfit(sizes, np.log(table.to_numpy()).T, 1)[0]


def _power(table: pd.DataFrame) -> estimates.Estimate:
    return estimates.mean(_powers(table))


def _extreme(
    choose: Callable[[list[estimates.Estimate]], estimates.Estimate],
    table: pd.DataFrame,
) -> estimates.Estimate:
    """Returns the least or greatest of the batch sizes' means."""
    if table.empty:
        return estimates.mean([])
    return choose([estimates.mean(table[size]) for size in table])


def _beside_smaller(growth: distance_growth.Growth) -> estimates.Estimate:
    """Returns the slope at the small batch over that at the next smaller one."""
    slopes = growth.by_size("slope", False)
    smaller = [size for size in slopes if size < growth.small_batch_size]
    if not smaller or growth.small_batch_size not in slopes:
        return estimates.mean([])
    ratio = slopes[growth.small_batch_size] / slopes[max(smaller)]
    return estimates.geometric_mean(np.log(ratio), paired=True)


def _fit_words(growth: distance_growth.Growth, is_adapted: bool) -> str:
    """Returns how good the fits are, and which batch sizes have none."""
    found = growth.by_size("r_squared", is_adapted).mean()
    if found.empty:
        return "too few steps for a fit at every batch size"
    words = [f"R^2 of log t {found.min():.2f} to {found.max():.2f} by batch size"]
    sizes = growth.by_size("final", is_adapted).columns.difference(found.index)
    if len(sizes):
        words.append(f"too few steps for a fit at B = {', '.join(map(str, sizes))}")
    if growth.diverged:
        words.append(f"left out, as a run diverged: {'; '.join(growth.diverged)}")
    return "; ".join(words)


def _by_size(growth: distance_growth.Growth, column: str, is_adapted: bool) -> str:
    """Returns the means of a column by batch size, in words."""
    means = growth.by_size(column, is_adapted).mean()
    return ", ".join(f"{value:.2g} at B = {size}" for size, value in means.items())


def _kernel(growth: distance_growth.Growth, column: str, is_adapted: bool) -> str:
    """Returns what the first kernel alone says about a power of B."""
    table = growth.by_size(
        column, is_adapted, distance_growth.KERNEL, growth.small_batch_size
    )
    return f"the first kernel alone: {_in_words(_power(table))}"


def _kernel_least(growth: distance_growth.Growth, rival: str, is_adapted: bool) -> str:
    table = growth.by_size(f"{rival}_criterion", is_adapted, distance_growth.KERNEL)
    return f"the first kernel alone: {_in_words(_extreme(estimates.least, table))}"


def _in_words(estimate: estimates.Estimate) -> str:
    value, lower, upper = statistics.Interval(*estimate.interval())
    return f"{value:.2g} [{lower:.2g}, {upper:.2g}]"
