"""Climbing to the best batch size on a logarithmic lattice, in a race of repeats.

All settings begin with few repeats, and more go only to those that may still win: a
race, in the sense of Maron & Moore (1994, Hoeffding races). Smith & Le (2017), arXiv
1710.06451, appendix D, says nothing of repeats.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from bsgen.tuning.procedures import (
    comparison,
    replay,
    search_state,
    settings,
)


class Top(NamedTuple):
    """Where a climb ended.

    Attributes:
      best: None if none trained.
      measured: all of this climb, by rising batch size, each with the repeats it got.
    """

    best: replay.Measured | None
    measured: list[replay.Measured]


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
    state: search_state.SearchState,
    rules: comparison.Rules,
    candidates: Sequence[settings.Setting],
    start: int,
    repeats: Sequence[int],
    few: int = 1,
    complete: bool = False,
    rival: replay.Measured | None = None,
) -> replay.Steps[Top]:
    """Measures a place and its neighbours and goes on to the better side.

    A pass ends when the best has a measured neighbour on each side, as far as the
    lattice and the memory reach. It looks up first: what is measured early in training
    rather predicts too small a batch, since the noise scale grows. While nothing trains
    it goes up: at a rate below the critical one too much noise is the likely cause.
    Where no batch fits it goes down.

    The first pass takes the first `few` repeats, every further one one repeat more,
    from where the last one ended. A neighbour takes no further part when it has not
    trained, or is known not to be better than the best by the tolerance
    (`comparison.Rules.is_settled`, both neighbours together). The climb ends when no
    neighbour is left, or with all repeats: the flatter the surface for its noise, the
    more it runs, but not to tell differences that do not matter.

    Args:
      state: knows what fits.
      rules: say what has trained, what is best, and what is settled.
      candidates: settings by rising batch size.
      start: the place to start from.
      repeats: at most these.
      few: how many of them in the first pass.
      complete: whether the best gets all repeats at the end.
      rival: the best of another climb; this one ends once its best is known not to beat
        that by the tolerance.
    """
    race = _Race(state, rules, candidates)
    place = start
    for count in range(min(few, len(repeats)), len(repeats) + 1):
        place = yield from race.run(place, repeats[:count])
        if not race.settle(place) or race.is_beaten(place, rival):
            break
    if complete and race.has_trained(place):
        yield from race.measure([place], repeats)
        if not race.has_trained(place):
            place = yield from race.run(place, repeats)
    return race.top(place)


class _Race:
    """The places of a climb: what was measured there, and what is settled."""

    def __init__(
        self,
        state: search_state.SearchState,
        rules: comparison.Rules,
        candidates: Sequence[settings.Setting],
    ):
        self._state = state
        self._rules = rules
        self._candidates = candidates
        self._measured: dict[int, replay.Measured] = {}
        self._settled: dict[int, int] = {}  # and by which place

    def measure(
        self, places: Sequence[int], repeats: Sequence[int]
    ) -> replay.Steps[dict[int, replay.Measured]]:
        """Measures places, and keeps what they gave."""
        asked = [self._candidates[k] for k in places]
        found = yield from self._state.measure(asked, repeats)
        known = dict(zip(places, found, strict=True))
        self._measured.update(known)
        return known

    def run(self, place: int, repeats: Sequence[int]) -> replay.Steps[int]:
        """Runs a pass from a place; returns the place of the best, if one trained."""
        known: dict[int, replay.Measured] = {}
        while fitting := self._fitting():
            place = min(place, fitting[-1])
            wanted = self._missing((place, place + 1), known)
            if not wanted and not self.has_trained(place):  # it did in an earlier pass
                below = self._missing((place - 1,), known)
                wanted = [k for k in below if self.has_trained(k)]
            if not wanted:
                goal = self._goal(place, known)
                if goal != place:
                    place = goal
                    continue
                wanted = self._missing((place - 1,), known)
                if not wanted:
                    break
            known |= yield from self.measure(wanted, repeats)
        return place

    def _missing(self, places: Sequence[int], known: Collection[int]) -> list[int]:
        """Returns those of some places that are still to be measured in a pass."""
        fitting = self._fitting()
        return [
            k for k in places if k in fitting and k not in known and not self._is_out(k)
        ]

    def _goal(self, place: int, known: Mapping[int, replay.Measured]) -> int:
        """Returns the best place of a pass; while nothing trains, the next above."""
        fitting = self._fitting()
        best = self._rules.best([known[k] for k in known if k in fitting])
        if best is not None:
            return self._candidates.index(best.setting)
        highest = max([place, *known])
        above = [k for k in fitting if k > highest and not self._is_out(k)]
        return min(above, default=place)

    def settle(self, place: int) -> bool:
        """Settles neighbours of the best; returns whether any is left in the race."""
        if not self.has_trained(place):
            return False
        left = [
            k
            for k in (place - 1, place + 1)
            if k in self._measured and k in self._fitting() and not self._is_out(k)
        ]
        best = self._measured[place]
        for k in left:
            if self._rules.is_settled(best, self._measured[k], num_tests=2):
                self._settled[k] = place
        return not all(map(self._is_out, left))

    def has_trained(self, place: int) -> bool:
        """Returns whether a place was measured and trained."""
        found = self._measured.get(place)
        return found is not None and self._rules.trained(found)

    def is_beaten(self, place: int, rival: replay.Measured | None) -> bool:
        """Returns whether the best of the climb is settled against a rival."""
        return (
            rival is not None
            and self.has_trained(place)
            and self._rules.is_settled(rival, self._measured[place])
        )

    def top(self, place: int) -> Top:
        """Returns the end of the climb at a place."""
        best = self._measured[place] if self.has_trained(place) else None
        measured = [self._measured[k] for k in sorted(self._measured)]
        return Top(best, measured)

    def _fitting(self) -> list[int]:
        return [
            k
            for k, candidate in enumerate(self._candidates)
            if self._state.fits(candidate.batch_size)
        ]

    def _is_out(self, place: int) -> bool:
        """Whether a place cannot win: what settled it must not have failed since."""
        if place not in self._measured:
            return False
        if not self.has_trained(place):
            return True
        return place in self._settled and self.has_trained(self._settled[place])
