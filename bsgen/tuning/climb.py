"""Climbing to the best batch size on a logarithmic lattice until it is bracketed."""

from collections.abc import Sequence
from typing import NamedTuple

from bsgen.tuning import comparison, plans, search, settings


class Top(NamedTuple):
    """Where a climb ended.

    Attributes:
      best: None if none trained.
      place: its place on the lattice.
      measured: all of this climb, by rising batch size.
      at_top: whether nothing larger could be tried.
    """

    best: plans.Measured | None
    place: int
    measured: list[plans.Measured]
    at_top: bool


def lattice(
    centre: float, factor: float, minimum: int, maximum: int
) -> tuple[tuple[int, ...], int]:
    """Returns centre * factor^k, rounded and clipped, rising, and the centre's place.

    Args:
      centre: clipped, too; above 0.
      factor: above 1.
      minimum: the first batch size.
      maximum: the last one, at least `minimum`.
    """
    centre = min(max(centre, minimum), maximum)
    sizes = {round(centre)}
    for step in (factor, 1 / factor):
        size = centre
        while minimum < size < maximum or size == centre:
            size *= step
            sizes.add(round(min(max(size, minimum), maximum)))
    rising = tuple(sorted(sizes))
    return rising, rising.index(round(centre))


def climb(
    state: search.Search,
    rules: comparison.Rules,
    candidates: Sequence[settings.Setting],
    start: int,
    repeats: Sequence[int],
) -> plans.Steps[Top]:
    """Measures a place and its neighbours and goes on to the better side.

    Ends when the best has a measured neighbour on each side, as far as the lattice and
    the memory reach. While nothing trains it goes up: at a rate below the critical one
    too much noise is the likely cause. Where no batch fits it goes down.

    Args:
      state: knows what fits.
      rules: say what is best.
      candidates: settings by rising batch size.
      start: the place to start from.
      repeats: those to measure with.
    """
    low, high = max(start - 1, 0), min(start + 1, len(candidates) - 1)
    while True:
        fitting = [k for k in range(low, high + 1) if _fits(state, candidates[k])]
        measured = yield from state.measure([candidates[k] for k in fitting], repeats)
        kept = {
            k: one
            for k, one in zip(fitting, measured, strict=True)
            if _fits(state, one.setting)
        }
        best = rules.best(list(kept.values()))
        place = max(kept, default=low)
        if best is not None:
            place = candidates.index(best.setting)
        can_rise = high + 1 < len(candidates) and _fits(state, candidates[high + 1])
        if kept and place == high and can_rise:
            high += 1
        elif (best is not None or not kept) and place == low > 0:
            low -= 1
        else:
            at_top = place == max(kept, default=low)
            return Top(best, place, measured, at_top)


def _fits(state: search.Search, setting: settings.Setting) -> bool:
    return state.fits(setting.batch_size)
