"""A pool: all examples of a dataset in memory, with the positions of its own split."""

import dataclasses

import numpy as np

from bsgen import errors


@dataclasses.dataclass(frozen=True, eq=False)
class Pool:
    """Every example of a dataset, in the type it is stored in.

    The arrays are made read-only, because pools are shared.

    Attributes:
      name: the dataset's name.
      inputs: [P, ...], uint8 for images, float32 for anything else; finite.
      labels: [P] int32, each from 0 to num_classes - 1.
      num_classes: the number of classes.
      train_pool: positions of the official training set, None without such a split.
      test_pool: positions of the official test set, None without such a split.

    Raises:
      UserError: inputs hold NaN or infinity, a label is out of range, or the numbers of
        inputs and labels differ.
    """

    name: str
    inputs: np.ndarray
    labels: np.ndarray
    num_classes: int
    train_pool: np.ndarray | None = None
    test_pool: np.ndarray | None = None

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.labels) or not len(self.labels):
            counts = f"{len(self.inputs)} inputs, {len(self.labels)} labels"
            remedy = f"each input needs one label, but there are {counts}"
            raise errors.UserError("dataset", self.name, remedy)
        if not np.isfinite(self.inputs).all():
            remedy = "its inputs hold NaN or infinite values; remove these examples"
            raise errors.UserError("dataset", self.name, remedy)
        lowest, highest = int(self.labels.min()), int(self.labels.max())
        if lowest < 0 or highest >= self.num_classes:
            remedy = f"labels must lie in 0..{self.num_classes - 1}"
            remedy += f", but they span {lowest}..{highest}"
            raise errors.UserError("dataset", self.name, remedy)
        for array in (self.inputs, self.labels, self.train_pool, self.test_pool):
            if array is not None:
                array.flags.writeable = False
