"""How far a run's weights have moved from where they began, as evaluations record it.

Hoffer, Hubara & Soudry (2017), arXiv 1705.08741, follow |w_t - w_0| (figures 2 and 7)
and find that it grows with log t. Over which weights the paper does not say; the code
released with it takes the first parameter alone, so both are recorded.
"""

import math
from collections.abc import Iterable

import numpy as np

# Over all trainable weights, and over the first trainable variable alone.
NAMES = ("weight_distance", "first_kernel_distance")


def recorded(per_variable: Iterable[float]) -> dict[str, float]:
    """Returns `NAMES` with their values, rounded to float32 as the weights are.

    Args:
      per_variable: the L2 distance of each trainable variable, in the model's order.

    Returns:
      Distances, at least 0; infinite where float32 does not hold one.
    """
    distances = list(per_variable)
    with np.errstate(over="ignore"):
        values = np.array([math.hypot(*distances), distances[0]], np.float32)
    return dict(zip(NAMES, values.tolist(), strict=True))
