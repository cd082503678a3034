"""What a long measure reports while it runs, and why it stopped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final, Literal

from bsgen import interrupts

TOLERANCE: Final = "tolerance"
MAX_PRODUCTS: Final = "max_products"
COMPLETE: Final = "complete"
INTERRUPTED: Final = "interrupted"

# "tolerance": the answer is as exact as was asked; "max_products": the limit came
# first; "complete": there was nothing left to compute, the answer is exact up to
# rounding; "interrupted": Ctrl-C came first, and the answer is what was known by then.
StoppedBecause = Literal["tolerance", "max_products", "complete", "interrupted"]


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a measure is.

    Attributes:
      num_products: done so far, products or whatever else the measure counts.
      max_products: at most this many; None where that is not known yet.
      value: the answer so far, nan before there is one.
      error: of `value`, in its unit: a standard error or a bound; inf if unknown.
    """

    num_products: int
    max_products: int | None
    value: float
    error: float


OnProgress = Callable[[Progress], None]


def interrupted(has_answer: object = True) -> StoppedBecause:
    """Ends a measure early: call it where a KeyboardInterrupt was caught.

    Args:
      has_answer: true if something is known and the caller asked to keep it.

    Raises:
      KeyboardInterrupt: there is no such answer.
    """
    if not has_answer:
        raise KeyboardInterrupt
    interrupts.answered()
    return INTERRUPTED
