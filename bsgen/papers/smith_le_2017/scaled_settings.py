"""What the optimum batch size is predicted to be proportional to: figures 5 to 7.

Smith & Le (2017), section 5 and appendix C: the learning rate, the size of the training
set, and 1 / (1 - momentum).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """What the optimum batch size is predicted to be proportional to.

    Attributes:
      column: of the table of runs: the setting that is varied.
      name, symbol: of that setting, for axes.
      predicted: the setting to B_opt, up to a constant factor.
      settings: tried at each scale.
      num_steps: trained at each scale, where they differ from figure 4's.
      between: batch sizes between powers of two, tried at each scale.
    """

    column: str
    name: str
    symbol: str
    predicted: Callable[[Any], Any]
    settings: Mapping[str, Sequence[float]]
    num_steps: Mapping[str, int] = {}
    between: Mapping[str, Sequence[int]] = {}


# On the digits accuracies around the optimum are flat, and powers of two too coarse.
_BETWEEN_POWERS = {"quick": (3, 6, 11, 23, 45, 91, 181)}
LEARNING_RATE = Rule(
    "learning_rate",
    "learning rate",
    "$\\epsilon$",
    lambda rate: rate,
    {
        "quick": (0.1, 0.3, 1.0, 3.0, 10.0),
        # The paper says "two orders of magnitude"; the values are our choice.
        "paper": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    },
    between=_BETWEEN_POWERS,
)
TRAIN_SIZE = Rule(
    "train_size",
    "training set size",
    "$N$",
    lambda size: size,
    {
        "quick": (125, 250, 500, 1000),
        "paper": (1000, 3000, 10_000, 20_000, 30_000, 45_000, 60_000),
    },
)
MOMENTUM = Rule(
    "momentum",
    "momentum",
    "$m$",
    lambda momentum: 1 / (1 - momentum),
    {
        "quick": (0.0, 0.5, 0.8, 0.9),
        "paper": (0.0, 0.5, 0.8, 0.9, 0.95, 0.98),
    },
    # After figure 4's 2,000 steps small batches without momentum have not settled.
    num_steps={"quick": 3000},
    between=_BETWEEN_POWERS,
)
