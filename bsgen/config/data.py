"""The data of a run."""

import dataclasses
from typing import Literal

from bsgen import errors
from bsgen.config import checked

# JSON carries integers up to here exactly, and a thousand times as much, from which the
# weights are drawn, still is an int64.
MAX_SEED = 2**53


@dataclasses.dataclass(frozen=True)
class DataConfig(checked.Checked):
    """A dataset, the examples drawn from it, and how their inputs are scaled.

    Attributes:
      name: a dataset of `bsgen.data`.
      train_size: N, the number of training examples drawn; None takes all there are.
      validation_size: examples set aside from the training pool, disjoint from N; of a
        text, the first ones of its own validation part.
      scaling: an input scaling of `bsgen.data.scaling`.
      subset_seed: draws the training subset (and the whole task, where it is random).
      sampling: "shuffle" walks through a new permutation each epoch, "independent"
        draws every batch anew, without replacement within the batch, "contiguous" cuts
        a text in as many streams as a batch has examples, and reads on in each.
      augmentation: an augmentation of `bsgen.data.augmentation`, for training images.
    """

    name: str = checked.always("digits")
    train_size: int | None = checked.always(None)
    validation_size: int = checked.always(0)
    scaling: str = checked.always("unit_norm")
    subset_seed: int = checked.always(0)
    sampling: Literal["shuffle", "independent", "contiguous"] = checked.always(
        "shuffle"
    )
    augmentation: str = "none"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_field("train_size", errors.check_integer, 1)
        self._check_field("validation_size", errors.check_integer, 0)
        self._check_field("subset_seed", errors.check_integer, 0, MAX_SEED)
