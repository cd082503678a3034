"""How many steps one call of a program takes, where it always takes all of them."""

import numpy as np

_CALL_STEPS = 20.0  # what a call costs besides its steps, in steps; see BUILD_NOTES.md


def choose(stretches: np.ndarray, most: int) -> int:
    """Returns the length of all calls with which the device computes least.

    Each stretch of steps between two events takes whole calls, so that the steps that
    are missing in its last one are computed for nothing; short calls waste less, but
    there are more of them.

    Args:
      stretches: steps of each stretch, at least 1.
      most: the longest call.
    """
    lengths = np.arange(1, min(most, stretches.max()) + 1)
    steps, times = np.unique(stretches, return_counts=True)
    calls = sum(
        count * -(-size // lengths) for size, count in zip(steps, times, strict=True)
    )
    return int(lengths[np.argmin(calls * (lengths + _CALL_STEPS))])
