"""Climbing to the best batch size on a logarithmic lattice, in a race of repeats.

All settings begin with few repeats, and only those that may still win get more: a race,
in the sense of Maron & Moore (1994, Hoeffding races). Smith & Le (2017), arXiv
1710.06451, appendix D, does not mention repeats.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from bsgen.tuning.procedures import settings
from bsgen.tuning.procedures.replay import Measured, Steps
from bsgen.tuning.procedures.search_state import SearchState


class Top(NamedTuple):
    """Where a climb ended.

    Attributes:
      best: None if none trained.
      measured: all settings of this climb by rising batch size, each with its repeats.
    """

    best: Measured | None
    measured: list[Measured]


def lattice(
    centre: float, factor: float, minimum: int, maximum: int
) -> tuple[tuple[int, ...], int]:
    """Returns centre * factor^k, rounded and clipped, and the place of the centre.

    Args:
      centre: above 0; is clipped, too.
      factor: above 1.
      minimum: the first batch size.
      maximum: the last one, at least `minimum`.

    Returns:
      Batch sizes in rising order, and the index of the centre among them.
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
    state: SearchState,
    candidates: Sequence[settings.Setting],
    start: int,
    repeats: Sequence[int],
    few: int = 1,
    complete: bool = False,
    rival: Measured | None = None,
) -> Steps[Top]:
    """Measures a place and its neighbours and moves towards the better one.

    A pass ends when the best has a measured neighbour on each side, as far as lattice
    and memory reach. It looks at the larger batch first: a prediction from early in
    training tends to be too small, since the noise scale grows. As long as nothing
    trains it goes up, as too much noise is the likely cause below the critical rate.
    Where no batch fits it goes down.

    The first pass takes the first `few` repeats. Every further pass starts where the
    last one ended and takes one repeat more. A neighbour is out once it has not
    trained, or is known not to beat the best by the tolerance
    (`comparison.Rules.is_settled`, both neighbours together). The climb ends when no
    neighbour is left, or with all repeats. So a surface that is flat for its noise
    takes more runs, but none to resolve differences that do not matter.

    Args:
      state: of the search.
      candidates: settings by rising batch size.
      start: index of the candidate to start from.
      repeats: at most these.
      few: how many of them in the first pass.
      complete: whether the best gets all repeats at the end.
      rival: the best of another climb; this one ends once its best is known not to beat
        that by the tolerance.
    """
    race = _Race(state, candidates)
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
    """The candidates of a climb by their places, with what is known of each."""

    def __init__(self, state: SearchState, candidates: Sequence[settings.Setting]):
        self._state = state
        self._rules = state.rules
        self._candidates = candidates
        self._measured: dict[int, Measured] = {}
        self._settled: dict[int, int] = {}  # the place that settled each

    def measure(
        self, places: Sequence[int], repeats: Sequence[int]
    ) -> Steps[dict[int, Measured]]:
        """Measures places and keeps the results."""
        asked = [self._candidates[k] for k in places]
        found = yield from self._state.measure(asked, repeats)
        known = dict(zip(places, found, strict=True))
        self._measured.update(known)
        return known

    def run(self, place: int, repeats: Sequence[int]) -> Steps[int]:
        """Runs a pass from a place; returns the place of the best if any trained."""
        known: dict[int, Measured] = {}
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
        """Returns the given places that are still to be measured in a pass."""
        fitting = self._fitting()
        return [
            k for k in places if k in fitting and k not in known and not self._is_out(k)
        ]

    def _goal(self, place: int, known: Mapping[int, Measured]) -> int:
        """Returns the best place of a pass; if none trained, the next one above."""
        fitting = self._fitting()
        best = self._rules.best([known[k] for k in known if k in fitting])
        if best is not None:
            return self._candidates.index(best.setting)
        highest = max([place, *known])
        above = [k for k in fitting if k > highest and not self._is_out(k)]
        return min(above, default=place)

    def settle(self, place: int) -> bool:
        """Rules out neighbours of the best; returns whether any is left in the race."""
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
        """Returns whether a place was measured and has trained."""
        found = self._measured.get(place)
        return found is not None and self._rules.trained(found)

    def is_beaten(self, place: int, rival: Measured | None) -> bool:
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
        """Whether a place cannot win, unless what ruled it out has failed since."""
        if place not in self._measured:
            return False
        if not self.has_trained(place):
            return True
        return place in self._settled and self.has_trained(self._settled[place])
