"""Which examples a run sees, and what is done to them."""

import dataclasses
from typing import Literal

from bsgen import errors
from bsgen.config import checked

# JSON carries integers up to here exactly, and a thousand times as much, from which the
# weights are drawn, still is an int64.
MAX_SEED = 2**53


@dataclasses.dataclass(frozen=True)
class DataConfig(checked.Checked):
    """Which examples a run sees, and how their inputs are scaled.

    Attributes:
      name: a dataset of `bsgen.data`.
      train_size: N, the number of training examples drawn; None takes all there are.
      validation_size: examples set aside from the training pool, disjoint from N.
      scaling: an input scaling of `bsgen.data.scaling`.
      subset_seed: draws the training subset (and the whole task, where it is random).
      sampling: "shuffle" walks through a new permutation each epoch, "independent"
        draws every batch afresh, without replacement within the batch.
      augmentation: an augmentation of `bsgen.data.augmentation`, for training images.
    """

    name: str = checked.always("digits")
    train_size: int | None = checked.always(None)
    validation_size: int = checked.always(0)
    scaling: str = checked.always("unit_norm")
    subset_seed: int = checked.always(0)
    sampling: Literal["shuffle", "independent"] = checked.always("shuffle")
    augmentation: str = "none"

    def __post_init__(self) -> None:
        if self.sampling not in ("shuffle", "independent"):
            known = ("shuffle", "independent")
            raise errors.unknown_name("sampling", self.sampling, known)
        if self.train_size is not None:
            self._set(train_size=errors.check_integer("train_size", self.train_size, 1))
        self._set(
            validation_size=errors.check_integer(
                "validation_size", self.validation_size, 0
            ),
            subset_seed=errors.check_integer(
                "subset_seed", self.subset_seed, 0, MAX_SEED
            ),
        )
