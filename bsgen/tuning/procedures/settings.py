"""What a search chooses, batch size, learning rate and momentum, and what it requests.

Smith & Le (2017), arXiv 1710.06451, appendix D, tunes these three.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, TypeAlias

from bsgen import errors
from bsgen.config import checked


@dataclasses.dataclass(frozen=True, order=True)
class Setting(checked.Checked):
    """One setting of the three numbers.

    Attributes:
      batch_size: B, global; at least 1.
      learning_rate: above 0.
      momentum: at least 0 and below 1.
    """

    batch_size: int
    learning_rate: float
    momentum: float

    def __post_init__(self) -> None:
        rate = errors.check_real("learning_rate", self.learning_rate, 0.0)
        if rate == 0:
            raise errors.UserError("learning_rate", 0.0, "give a number above 0")
        self._set(
            batch_size=errors.check_integer("batch_size", self.batch_size, 1),
            learning_rate=rate,
            momentum=errors.check_real("momentum", self.momentum, 0.0, 1.0),
        )

    def words(self) -> str:
        """Returns "batch size 640, learning rate 1.0, momentum 0.98"."""
        return (
            f"batch size {self.batch_size}, learning rate {_short(self.learning_rate)},"
            f" momentum {_short(self.momentum)}"
        )

    def scaled(self, batch_size: int) -> Setting:
        """Returns the setting for another batch size, with (1 - momentum) ~ 1 / B.

        Smith & Le (2017), appendix D, step 2: the noise scale of eq. 26 stays the same.
        Momentum never falls below 0.
        """
        rest = (1.0 - self.momentum) * self.batch_size / batch_size
        # Twelve digits give 0.98, not 0.9800000000000001, and keep 1 - m = 1e-6 exact.
        return Setting(batch_size, self.learning_rate, round(max(1.0 - rest, 0.0), 12))


@dataclasses.dataclass(frozen=True, order=True)
class AsCompiled(checked.Checked):
    """The optimizer that the user compiled the model with, at a batch size.

    Attributes:
      batch_size: global; at least 1.
      optimizer: its name, such as "Adam".
    """

    batch_size: int
    optimizer: str

    def __post_init__(self) -> None:
        self._set(batch_size=errors.check_integer("batch_size", self.batch_size, 1))

    def words(self) -> str:
        """Returns "your own Adam at batch size 32"."""
        return f"your own {self.optimizer} at batch size {self.batch_size}"


@dataclasses.dataclass(frozen=True, order=True)
class Prefix(checked.Checked):
    """The first part of the runs of a setting.

    It is the same training as that of whole runs, stopped early, so that settings can
    be compared after the same share of a run's budget.

    Attributes:
      batch_size, learning_rate, momentum: of the setting.
      share: of the budget, above 0 and below 1.
    """

    batch_size: int
    learning_rate: float
    momentum: float
    share: float

    def __post_init__(self) -> None:
        share = errors.check_real("share", self.share, 0.0, 1.0)
        if share == 0:
            raise errors.UserError("share", 0.0, "give a number above 0")
        whole = self.whole
        self._set(
            batch_size=whole.batch_size,
            learning_rate=whole.learning_rate,
            momentum=whole.momentum,
            share=share,
        )

    @property
    def whole(self) -> Setting:
        """The setting, whose runs go on to the end."""
        return Setting(self.batch_size, self.learning_rate, self.momentum)

    def words(self) -> str:
        """Returns "batch size 64, learning rate 1.0, momentum 0.9 (0.05 of a run)"."""
        return f"{self.whole.words()} ({self.share:.2g} of a run)"


Trainable: TypeAlias = Setting | Prefix | AsCompiled


# Why a setting is trained: the user's own optimizer beside the search; a batch size at
# phase 1's learning rate; the best of two such rates; phase 1's best again, in phase 2;
# a larger batch of phase 2; a batch around the final one, in phase 3; a longer part of
# the runs of a setting that was among the best so far; and what is compared at the end.
Reason: TypeAlias = Literal[
    "own optimizer",
    "batch size",
    "learning rate",
    "start",
    "larger batch",
    "neighbour",
    "survivor",
    "finalist",
]


@dataclasses.dataclass(frozen=True)
class Request:
    """A setting to train, once with each of some numbered repeats.

    Attributes:
      setting: what to train.
      repeats: numbers of the repeats, rising. Repeat i has the same seed in every
        setting, so the scores of two settings can be compared in pairs.
      phase: 1, 2 or 3 of appendix D; 0 before them, for assumptions and the user's own
        optimizer, and 4 for the final comparison. None outside a procedure.
      reason: why a procedure asks for it.
    """

    setting: Trainable
    repeats: tuple[int, ...]
    phase: int | None = None
    reason: Reason | None = None


def logarithmic_batch_sizes(
    minimum: int, maximum: int, ratio: float = 2.0
) -> tuple[int, ...]:
    """Returns the distinct values of minimum * ratio^k, rounded, up to `maximum`.

    Raises:
      UserError: `maximum` is below `minimum`, or the ratio not above 1.
    """
    size = errors.check_integer("min_batch_size", minimum, 1)
    if errors.check_integer("max_batch_size", maximum, 1) < size:
        remedy = f"give at least min_batch_size={size}"
        raise errors.UserError("max_batch_size", maximum, remedy)
    if errors.check_real("ratio", ratio, 1.0) == 1:
        raise errors.UserError("ratio", ratio, "give a number above 1")
    sizes = set()
    power = 0
    while (rounded := round(size * ratio**power)) <= maximum:
        sizes.add(rounded)
        power += 1
    return tuple(sorted(sizes))


def given_batch_sizes(
    batch_sizes: Any, train_size: int, maximum: int | None = None
) -> tuple[int, ...]:
    """Returns a user's batch sizes, sorted and without duplicates.

    Args:
      batch_sizes: one number, or any sequence or array of them.
      train_size: N, the largest possible batch.
      maximum: the hardware's limit; None if there is none below N.

    Raises:
      UserError: there are none, or one is no batch size or above a limit.
    """
    try:
        found = list(batch_sizes)
    except TypeError:  # a single number
        found = [batch_sizes]
    sizes = sorted({errors.check_integer("batch_sizes", size, 1) for size in found})
    if not sizes:
        raise errors.UserError("batch_sizes", batch_sizes, "give at least one")
    for limit, reason in (
        (train_size, "the number of training examples"),
        (maximum or train_size, "max_batch_size"),
    ):
        if sizes[-1] > limit:
            remedy = f"give a batch size of at most {limit}, {reason}"
            raise errors.UserError("batch_sizes", tuple(sizes), remedy)
    return tuple(sizes)


def default_batch_sizes(train_size: int) -> tuple[int, ...]:
    """Returns powers of two from 8 up to a quarter of the training set."""
    largest = max(train_size // 4, 1)
    return logarithmic_batch_sizes(min(8, largest), largest)


def _short(number: float) -> str:
    return str(float(f"{number:.6g}"))
