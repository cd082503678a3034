"""The work of `train_step`: a network, its precision, the data."""

import dataclasses

import numpy as np

LEARNING_RATE = 0.1
MOMENTUM = 0.9
NUM_CLASSES = 10
PIXEL_RANGE = 255


@dataclasses.dataclass(frozen=True)
class Problem:
    """SGD with momentum on random images; speed depends on neither images nor weights.

    Attributes:
      model: a network of `bsgen.models`.
      dtype: "float32", or "bfloat16" for mixed precision: weights, their updates, sums
        of the normalisation and the loss in float32, the rest in bfloat16.
      batch_size: examples a step.
      num_steps: steps of a turn, which contenders that can take in one call.
      ghost_batch_size: examples a ghost batch, for contenders with ghosts.
      num_images: how many images there are.
      side: of an image, in pixels.
    """

    model: str
    dtype: str = "float32"
    batch_size: int = 128
    num_steps: int = 4
    ghost_batch_size: int = 64
    num_images: int = 2048
    side: int = 32

    @property
    def precision(self) -> str:
        """The Keras policy."""
        return self.dtype if self.dtype == "float32" else f"mixed_{self.dtype}"

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns images [N, side, side, 3] uint8 and their classes [N] int32."""
        generator = np.random.default_rng(0)
        shape = (self.num_images, self.side, self.side, 3)
        images = generator.integers(0, PIXEL_RANGE + 1, shape, np.uint8)
        return images, generator.integers(0, NUM_CLASSES, self.num_images, np.int32)

    def positions(self, first_step: int) -> np.ndarray:
        """Returns the examples of a turn's batches, [num_steps, B] int32."""
        generator = np.random.default_rng([1, first_step])
        shape = (self.num_steps, self.batch_size)
        return generator.integers(0, self.num_images, shape, np.int32)
