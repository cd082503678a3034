"""What Smith, Elsen & De (2020) claim of a range of epoch budgets; see `epoch_budgets`.

Each function judges one sentence of section 7 or appendix E, on any metric. Bounds were
fixed before the runs were seen: rates are tried in powers of two, so that a factor
counts as "at most 2" if it is nearer to 2 than to the next one, 4.
"""

import math

from bsgen.papers.smith_elsen_de_2020.epoch_budgets import (
    Tuned,
    change,
)
from bsgen.studies import claims, estimates, optimum

ABOUT_TWO = 2**1.5
# Of the gain for each doubling in the lower half of the range. A metric that improved
# with the logarithm of the budget would gain as much in the upper half.
_SATURATED = 0.25


def improves(tuned: Tuned, of: str = "") -> claims.Claim:
    """Judges that a larger budget than the smallest is better on the test set."""
    name, scores = tuned.metric.name, tuned.scores()
    first = scores.index[0]
    return claims.above(
        f"{of}The optimum {name} first improves as the epoch budget grows",
        f"{_gained(tuned)} at the best budget over {first:g} epochs",
        optimum.advantage(scores, over=first),
        "the budget is chosen on the other seeds",
    )


def stops_improving(tuned: Tuned, of: str = "") -> claims.Claim:
    """Judges that the test set gains little or nothing by the largest budgets."""
    name, scores = tuned.metric.name, tuned.scores()
    first, last = scores.index[0], scores.index[-1]
    middle = min(scores.index, key=lambda each: abs(math.log(each**2 / (first * last))))
    gains = [
        (scores.loc[end] - scores.loc[start]) / max(math.log2(end / start), 1)
        for start, end in ((middle, last), (first, middle))
    ]
    return claims.below(
        f"{of}The optimum {name} then saturates or gets worse",
        f"{_gained(tuned)} for each doubling from {middle:g} to {last:g} epochs, over "
        f"that from {first:g} to {middle:g}",
        estimates.ratio_of_means(*gains),
        "an improvement with the logarithm of the budget would have 1; the bound is "
        "our choice",
        bound=_SATURATED,
    )


def gets_worse(tuned: Tuned, of: str = "") -> claims.Claim:
    """Judges that the largest budget is worse on the test set than the best one."""
    scores = tuned.scores()
    last = scores.index[-1]
    return claims.above(
        f"{of}The optimum {tuned.metric.name} gets worse at large epoch budgets",
        f"{_gained(tuned)} at the best budget over {last:g} epochs",
        optimum.advantage(scores, over=last),
        "the budget is chosen on the other seeds",
    )


def falls_throughout(tuned: Tuned, of: str = "") -> claims.Claim:
    """Judges that the optimum training loss falls from each budget to the next."""
    steps = tuned.scores().diff().iloc[1:].to_numpy(float)
    changes = [estimates.geometric_mean(-gain, paired=True) for gain in steps]
    return claims.below(
        f"{of}The optimum {tuned.metric.name} falls monotonically as the budget grows",
        f"largest ratio of the {tuned.metric.name} to that of the next smaller budget",
        estimates.greatest(changes or [estimates.geometric_mean([])]),
        bound=1,
    )


def rate_stays(tuned: Tuned, of: str = "", what: str = "rate") -> claims.Claim:
    """Judges that the optimal rate changes by a factor of 2 at most over the range.

    Args:
      tuned: with the budgets.
      of: said before the claim, such as the network.
      what: which rate it is.
    """
    return checked(
        claims.between(
            f"{of}The {what} that is optimal for the {tuned.metric.name} changes by at "
            "most a factor of 2 over the budgets",
            _changed(tuned, what),
            change(tuned),
            (1 / ABOUT_TWO, ABOUT_TWO),
            f"nearer to 2 than to 4; {_range(tuned)}",
        ),
        tuned,
    )


def rate_falls(tuned: Tuned, of: str = "", what: str = "rate") -> claims.Claim:
    """Judges that the optimal rate falls, by more than a factor of 2 over the range.

    Args: as `rate_stays`.
    """
    return checked(
        claims.below(
            f"{of}The {what} that is optimal for the {tuned.metric.name} falls as the "
            "budget grows",
            _changed(tuned, what),
            change(tuned),
            f"by more than a factor of 2: nearer to 4; {_range(tuned)}",
            bound=1 / ABOUT_TWO,
        ),
        tuned,
    )


def falls_more(
    tuned: Tuned, than: Tuned, of: str = "", what: tuple[str, str] = ("rate", "rate")
) -> claims.Claim:
    """Judges that one optimal rate falls more than another one, as the budget grows.

    Args:
      tuned: of the rate that falls more.
      than: of the other, from the same runs.
      of: said before the claim, such as the network.
      what: which rates they are.
    """
    first, last = tuned.budgets[0], tuned.budgets[-1]
    return checked(
        claims.below(
            f"{of}The {what[0]} that is optimal for the {tuned.metric.name} falls more "
            f"than the {what[1]} that is for the {than.metric.name}",
            f"change of the {what[0]} from {first:g} to {last:g} epochs over that of "
            "the other, factors fitted to all budgets",
            change(tuned, than),
            bound=1,
        ),
        tuned,
        than,
    )


def checked(judged: claims.Claim, *tuned: Tuned) -> claims.Claim:
    """Returns a claim of optimal rates, left open if one is at the end of its grid."""
    reasons = [
        f"the rate that is optimal for the {each.metric.name} at "
        f"{', '.join(f'{budget:g}' for budget in budgets)} epochs is at the end of its "
        "grid"
        for each in tuned
        if (budgets := each.at_edge())
    ]
    return claims.left_open(judged, "; ".join(reasons)) if reasons else judged


def _changed(tuned: Tuned, what: str) -> str:
    first, last = tuned.budgets[0], tuned.budgets[-1]
    return f"{what} at {last:g} epochs over that at {first:g}, fitted to all budgets"


def _range(tuned: Tuned) -> str:
    best = [sweep.best for sweep in tuned.sweeps.values()]
    return f"the rates tried that are optimal lie from {min(best):g} to {max(best):g}"


def _gained(tuned: Tuned) -> str:
    if tuned.metric.selection.higher_is_better:
        return f"gain in {tuned.metric.name}"
    return f"fall of log {tuned.metric.name}"
