"""The words and rounded numbers in which reports show claims."""

from bsgen.studies import claims


def lost(number: int) -> str:
    """Returns a warning about results whose records are gone."""
    return (
        f"{number} of its runs and measurements are not recorded any more: the results "
        "below were made from them and cannot be remade"
    )


def measured(claim: claims.Claim) -> str:
    """Returns "estimate [lower, upper]" to three digits; open ends are infinite."""
    if claim.measured is None:
        return "nothing to measure"
    lower, upper = claim.interval
    first = "-∞" if lower is None else f"{lower:.3g}"
    last = "∞" if upper is None else f"{upper:.3g}"
    return f"{claim.measured:.3g} [{first}, {last}]"
