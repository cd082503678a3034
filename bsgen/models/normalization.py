"""Normalisation by name: the layers in the place of batch normalization.

Hoffer et al. (2017), arXiv 1705.08741, algorithm 1 is the layer behind "ghost".
"""

import functools
from typing import Any, Protocol

import keras

from bsgen import errors, layers

# The share of the old running average that one update keeps, and the constant under the
# root: PyTorch's defaults (its momentum 0.1 is a decay of 0.9), with which the code of
# Hoffer et al. (github.com/eladhoffer/bigBatch) trains. Keras' own are 0.99 and 1e-3.
DECAY = 0.9
EPSILON = 1e-5

NAMES = ("batch", "ghost", "none")


class Factory(Protocol):
    """Makes a new normalisation layer over the last axis at each call."""

    def __call__(self, *, gamma_initializer: str = "ones") -> keras.layers.Layer:
        """Returns a layer whose scale starts at `gamma_initializer`."""


BATCH: Factory = functools.partial(
    layers.BatchNormalization, axis=-1, momentum=DECAY, epsilon=EPSILON
)


def by_name(
    name: str, ghost_batch_size: int | None = None, **running: Any
) -> Factory | None:
    """Returns the factory of a normalisation, None for "none".

    "batch" takes its statistics over the whole batch of a replica, "ghost" over ghost
    batches of `ghost_batch_size` examples, at least 2, whose running statistics follow
    `running`: arguments of `layers.GhostBatchNormalization`, which the others ignore.

    Raises:
      UserError: the name is unknown, or "ghost" comes without a size.
    """
    if name not in NAMES:
        raise errors.unknown_name("normalization", name, NAMES)
    if name == "none":
        return None
    if name == "batch":
        return BATCH
    if ghost_batch_size is None:
        remedy = "ghost normalization needs a ghost_batch_size of at least 2"
        raise errors.UserError("ghost_batch_size", None, remedy)
    return functools.partial(
        layers.GhostBatchNormalization,
        ghost_batch_size,
        axis=-1,
        momentum=DECAY,
        epsilon=EPSILON,
        **running,
    )
