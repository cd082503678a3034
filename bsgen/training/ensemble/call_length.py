"""How many steps one call of a program takes, where it always takes all of them."""

import numpy as np

_CALL_STEPS = 20.0  # what a call costs besides its steps, in steps; see BUILD_NOTES.md
_ALONE = 1.5  # what a step costs that is not one of a block, in steps of a block


def choose(stretches: np.ndarray, most: int, block: int = 1) -> int:
    """Returns the length of all calls with which the device computes least.

    Each stretch of steps between two events takes whole calls, so that the steps that
    are missing in its last one are computed for nothing; short calls waste less, but
    there are more of them.

    Args:
      stretches: steps of each stretch, at least 1.
      most: the longest call.
      block: the program takes so many steps at once, if the length is a multiple.
    """
    # One that a block divides may be a little longer than the longest stretch.
    lengths = np.arange(1, min(most, stretches.max() + block - 1) + 1)
    steps, times = np.unique(stretches, return_counts=True)
    calls = sum(
        count * -(-size // lengths) for size, count in zip(steps, times, strict=True)
    )
    steps_of_call = lengths * np.where(lengths % block == 0, 1.0, _ALONE)
    return int(lengths[np.argmin(calls * (steps_of_call + _CALL_STEPS))])
