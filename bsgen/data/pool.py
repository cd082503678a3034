"""A pool: all examples of a dataset in memory, with the positions of its own split."""

import dataclasses
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bsgen import errors

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True, eq=False)
class Pool:
    """Every example of a dataset, as it is stored: a source in memory.

    The arrays are made read-only, because pools are shared.

    Attributes that are not listed are those of `bsgen.data.sources.Source`.

    Attributes:
      inputs: [P, ...], uint8 for images, int32 for tokens, float32 for anything else;
        finite.
      labels: int32 [P] or, if there are T an example, [P, T], each from 0 to
        num_classes - 1; or float32 [P, num_classes], finite.
      validation_pool: positions of a validation set of its own, which `in_order` needs.
      in_order: whether the examples are windows of a text, see `bsgen.data.text`, whose
        order a split must keep.

    Raises:
      UserError: inputs or labels hold NaN or infinity, a label is out of range or of
        another shape, or the numbers of inputs and labels differ.
    """

    name: str
    inputs: np.ndarray
    labels: np.ndarray
    num_classes: int
    train_pool: np.ndarray | None = None
    test_pool: np.ndarray | None = None
    test_size: int | None = None
    validation_pool: np.ndarray | None = None
    in_order: bool = False
    crops_inputs: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.labels) or not len(self.labels):
            counts = f"{len(self.inputs)} inputs, {len(self.labels)} labels"
            remedy = f"each input needs one label, but there are {counts}"
            raise errors.UserError("dataset", self.name, remedy)
        if not np.isfinite(self.inputs).all():
            remedy = "its inputs hold NaN or infinite values; remove these examples"
            raise errors.UserError("dataset", self.name, remedy)
        self._check_labels()
        pools = self.train_pool, self.validation_pool, self.test_pool
        for array in (self.inputs, self.labels, *pools):
            if array is not None:
                array.flags.writeable = False

    def _check_labels(self) -> None:
        if self.labels.dtype.kind == "f":
            if self.labels.shape[1:] != (self.num_classes,):
                remedy = f"labels that are numbers must have the shape [{len(self)}, "
                remedy += f"{self.num_classes}], but they have {self.labels.shape}"
                raise errors.UserError("dataset", self.name, remedy)
            if not np.isfinite(self.labels).all():
                remedy = "its labels hold NaN or infinite values; remove these examples"
                raise errors.UserError("dataset", self.name, remedy)
            return
        lowest, highest = int(self.labels.min()), int(self.labels.max())
        if lowest < 0 or highest >= self.num_classes:
            remedy = f"labels must lie in 0..{self.num_classes - 1}"
            remedy += f", but they span {lowest}..{highest}"
            raise errors.UserError("dataset", self.name, remedy)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return self.inputs.shape[1:]

    def __len__(self) -> int:
        return len(self.labels)

    def gather(
        self, positions: np.ndarray, crops: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `bsgen.data.sources.Source`."""
        return self.inputs[positions], self.labels[positions]

    def stream(self, requests: "tf.data.Dataset") -> "tf.data.Dataset":
        """See `bsgen.data.sources.Source`."""
        import tensorflow as tf

        types = (self.inputs.dtype, self.labels.dtype)

        def answer(positions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            inputs, labels = tf.numpy_function(self.gather, [positions], types)
            label_shape = (None, *self.labels.shape[1:])
            inputs = tf.ensure_shape(inputs, (None, *self.input_shape))
            return inputs, tf.ensure_shape(labels, label_shape)

        return requests.map(answer)
