"""What untrained networks begin with, kept for the runs that begin alike.

To build a Keras model takes 20 to 50 ms, as long as hundreds of steps of a small run,
and the programs of a sweep have the same seeds again and again.
"""

import collections
from collections.abc import Sequence

import numpy as np

from bsgen import config, models
from bsgen.training import draw_counters

Variables = tuple[list[np.ndarray], ...]
_KEPT_BYTES = 200 * 2**20  # of 32 F1 networks of Hoffer et al., of 10,000 small ones
_Key = tuple[config.ModelConfig, tuple[int, ...], int, int]


class Kept:
    """The initial variables of the networks that were asked for last."""

    def __init__(self, most_bytes: int = _KEPT_BYTES):
        """Keeps at most so many bytes, besides those of the last network."""
        self._most_bytes = most_bytes
        self._num_bytes = 0
        self._found: collections.OrderedDict[_Key, Variables] = (
            collections.OrderedDict()
        )

    def of(
        self,
        network: config.ModelConfig,
        shape: Sequence[int],
        num_classes: int,
        seed: int,
    ) -> Variables:
        """Returns weights, statistics, and the seeds of dropout of an untrained model.

        Args:
          network: which.
          shape: of one input.
          num_classes: number of classes.
          seed: of the weights and of dropout.
        """
        key = network, tuple(shape), num_classes, seed
        if key not in self._found:
            self._found[key] = _build(*key)
            self._num_bytes += _size(self._found[key])
        self._found.move_to_end(key)
        while self._num_bytes > self._most_bytes and len(self._found) > 1:
            _, oldest = self._found.popitem(last=False)
            self._num_bytes -= _size(oldest)
        return self._found[key]


def _build(
    network: config.ModelConfig, shape: tuple[int, ...], num_classes: int, seed: int
) -> Variables:
    model = models.build(network, shape, num_classes, seed)
    counters = draw_counters.of(model)
    of_counters = {id(counter) for counter in counters}
    others = [v for v in model.non_trainable_variables if id(v) not in of_counters]
    weights, statistics = (
        [variable.numpy() for variable in variables]
        for variables in (model.trainable_variables, others)
    )
    return weights, statistics, [counter.numpy()[0] for counter in counters]


def _size(variables: Variables) -> int:
    return sum(np.asarray(each).nbytes for kind in variables for each in kind)
