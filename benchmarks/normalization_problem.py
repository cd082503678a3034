"""The work of `benchmarks.ghost_batch_norm`: steps of one layer, chained.

A step is the layer's forward and backward pass in training mode: outputs, and the
gradients of inputs, gamma and beta. The next step takes this one's input gradient as
its inputs and the outputs as its upstream gradient. So no step can start before the
last one is done, none can be left out, and no pass over memory is added; and after the
first step all values stay of order 1.
"""

from typing import NamedTuple

import numpy as np

_MOST_STEPS = 512
_ELEMENTS = 2**29  # of all steps of a chain on a GPU, some milliseconds


class Problem(NamedTuple):
    """What every contender does.

    Attributes:
      shape: of the inputs, channels last.
      dtype: of the inputs, by name.
      on_gpu: whether the device is a GPU.
    """

    shape: tuple[int, ...]
    dtype: str
    on_gpu: bool

    @property
    def num_steps(self) -> int:
        """Steps that are launched before the first one is waited for, an even number.

        On a GPU enough to hide the launches and the wait; on a CPU one step takes
        longer than both.
        """
        if not self.on_gpu:
            return 2
        return min(_MOST_STEPS, 2 * max(1, _ELEMENTS // int(np.prod(self.shape)) // 2))

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the inputs and the upstream gradient of the first step, float32."""
        generator = np.random.default_rng(1)
        inputs, upstream = (
            generator.standard_normal(self.shape, np.float32) for _ in range(2)
        )
        return inputs, upstream
