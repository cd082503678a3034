"""Which regime a setting is in, and the learning rate for another batch size.

Smith, Elsen & De (2020), arXiv 2006.15081, sections 3.1 to 3.3: while noise dominates,
the rate grows in proportion to the batch size, which keeps the noise scale; once it has
reached the critical rate, curvature bounds it, and it stays. The two numbers at which
that turns are measured: the critical rate, and the gradient noise scale of McCandlish,
Kaplan & Amodei (2018), arXiv 1812.06162. Where the paper has no number it is our
choice, and marked as such.
"""

import math
from typing import Literal

from bsgen import theory
from bsgen.advice import situation

Regime = Literal["noise dominated", "near the boundary", "curvature dominated"]
NOISE: Regime = "noise dominated"
BOUNDARY: Regime = "near the boundary"
CURVATURE: Regime = "curvature dominated"

# Of the critical rate. Theory wants a rate far below it for noise to dominate, and has
# curvature dominate at it; that "far below" begins at a half is our choice, made before
# the advice was held against any sweep.
NOISE_SHARE = 0.5
_Z = 1.96  # standard errors on each side of a 95 % interval


def regime(present: situation.Situation) -> Regime:
    """Returns the regime of the present setting, by its share of the critical rate."""
    share = present.share_of_critical_rate
    if share >= 1.0:
        return CURVATURE
    return NOISE if share <= NOISE_SHARE else BOUNDARY


def measures_agree(present: situation.Situation) -> bool | None:
    """Returns whether the gradient noise scale speaks for the same regime.

    In a batch smaller than the gradient noise scale noise is longer than the gradient,
    in a larger one shorter.

    Returns:
      None where its 95 % interval holds the batch size, or the setting is near the
      boundary, so that it speaks for neither.
    """
    found = regime(present)
    scale, error = present.gradient_noise_scale, present.gradient_noise_scale_error
    if found == BOUNDARY or math.isinf(error) and math.isfinite(scale):
        return None
    size = present.batch_size
    margin = _Z * error if math.isfinite(scale) else 0.0
    if abs(scale - size) <= margin:
        return None
    return (size < scale) == (found == NOISE)


def by_rule(present: situation.Situation) -> dict[str, float]:
    """Returns the learning rate for the batch size wanted by each rule of the papers.

    Returns:
      "linear", "sqrt" and "none" to a rate, as of `theory.scale_learning_rate`.
    """
    return {
        rule: float(
            theory.scale_learning_rate(
                present.learning_rate,
                present.batch_size,
                present.target_batch_size,
                rule,
            )
        )
        for rule in ("linear", "sqrt", "none")
    }


def by_gradient_noise(present: situation.Situation) -> float:
    """Returns the rate for the batch size wanted, in proportion to 1 / (1 + b / B).

    McCandlish et al. (2018), section 2.2, with the gradient noise scale b: the linear
    rule far below b, and no change far above it.
    """
    return present.learning_rate / updates_needed(present)


def advised(present: situation.Situation) -> float:
    """Returns the learning rate for the batch size wanted.

    A larger batch takes the rate that the gradient noise scale allows, up to the
    critical rate; a rate that has reached that already stays. A smaller batch takes the
    linear rule: then noise grows in its share, whatever the regime was.
    """
    if present.growth <= 1.0:
        return by_rule(present)["linear"]
    ceiling = max(present.critical_learning_rate, present.learning_rate)
    return min(by_gradient_noise(present), ceiling)


def updates_needed(present: situation.Situation) -> float:
    """Returns how many updates the batch size wanted needs, over the present number.

    (1 + b / B') / (1 + b / B) with the gradient noise scale b: McCandlish et al.
    (2018), section 2.3, each batch size at its own best rate.
    """
    scale = present.gradient_noise_scale
    if math.isinf(scale):
        return 1.0 / present.growth
    after = 1.0 + scale / present.target_batch_size
    return after / (1.0 + scale / present.batch_size)
