"""What a training loop needs from a dataset, whether it fits in memory or not.

A source returns examples by position, in any order, so which examples form a batch
can be a function of the step alone. `bsgen.data.Pool` is a source that holds its
examples in memory; `bsgen.data.datasets.imagenet.ImageNet` reads and decodes them when
asked.
"""

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


class Source(Protocol):
    """Examples by position, 0 to len(source) - 1."""

    @property
    def name(self) -> str:
        """The dataset's name."""

    @property
    def num_classes(self) -> int:
        """The number of classes."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input as `gather` returns it: (H, W, C) for images."""

    @property
    def train_pool(self) -> np.ndarray | None:
        """Positions of the official training set, None without such a split."""

    @property
    def test_pool(self) -> np.ndarray | None:
        """Positions of the official test set, None without such a split."""

    @property
    def test_size(self) -> int | None:
        """Test examples to set aside without an official split, None for a third."""

    @property
    def crops_inputs(self) -> bool:
        """Whether inputs are cropped while they are decoded."""

    def __len__(self) -> int:
        """The number of examples, training and test."""

    def gather(
        self, positions: np.ndarray, crops: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the examples at some positions.

        Args:
          positions: [n], from 0 to len(self) - 1.
          crops: [n, ...] as `bsgen.data.crops.draw` gives them, for training; None for
            evaluation. Ignored unless `crops_inputs`.

        Returns:
          Inputs [n, D...] in the type they are stored in, uint8 for images, and labels
          [n] int32.

        Raises:
          UserError: an example cannot be read.
        """

    def stream(self, requests: "tf.data.Dataset") -> "tf.data.Dataset":
        """Returns a dataset that answers each request as `gather` would.

        Args:
          requests: elements (positions [n] int64,) or (positions, crops), where n may
            vary from one to the next.

        Returns:
          Elements (inputs, labels), in the order of the requests.
        """
