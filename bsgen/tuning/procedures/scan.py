"""The best of a list of batch sizes, with all repeats only for those that may win.

Half of the repeats come first, the rest goes to what may still win: a race of two
rounds, in the sense of Maron & Moore (1994, Hoeffding races). Smith & Le (2017), arXiv
1710.06451, appendix D, does not mention repeats.
"""

from collections.abc import Sequence

from bsgen.tuning.procedures import comparison, settings
from bsgen.tuning.procedures.replay import Measured, Steps
from bsgen.tuning.procedures.search_state import SearchState


def first_look(num_repeats: int) -> int:
    """Returns how many repeats a race begins with: half of them, or all of a few."""
    if num_repeats < comparison.MIN_TESTED:
        return num_repeats
    return (num_repeats + 1) // 2


def scan(
    state: SearchState, wanted: Sequence[settings.Setting], repeats: Sequence[int]
) -> Steps[list[Measured]]:
    """Measures settings, each with all repeats unless it cannot be the best.

    A setting is out once it has not trained, or is known not to beat the best so far by
    the tolerance (`comparison.Rules.is_settled`, all settings together).

    Args:
      state: of the search.
      wanted: the settings.
      repeats: of those that may be the best.

    Returns:
      The settings that fit, in their order, each with the repeats that it got.
    """
    found = yield from state.measure(wanted, repeats[: first_look(len(repeats))])
    num_tests = max(len(found) - 1, 1)
    while True:
        found = [one for one in found if state.fits(one.setting.batch_size)]
        best = state.rules.best(found)
        if best is None:
            return found
        left = [
            place
            for place, one in enumerate(found)
            if state.rules.trained(one)
            and len(one.scores) < len(repeats)
            and (one is best or not state.rules.is_settled(best, one, num_tests))
        ]
        if not left:
            return found
        settings_left = [found[place].setting for place in left]
        measured = yield from state.measure(settings_left, repeats)
        for place, one in zip(left, measured, strict=True):
            found[place] = one
