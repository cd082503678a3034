"""Checks that batches divide evenly among replicas, successive parts, and ghosts."""

import math

import keras
import numpy as np
import numpy.typing as npt

from bsgen import config, errors, models


def check(
    run: config.RunConfig,
    batch_sizes: npt.ArrayLike,
    num_replicas: int,
    parts: int,
) -> None:
    """Checks that every batch divides evenly.

    Args:
      run: gives the network's normalization.
      batch_sizes: of all steps.
      num_replicas: share each batch.
      parts: of each replica's share, `HardwareConfig.gradient_accumulation`.

    Raises:
      UserError: a batch does not divide evenly.
    """
    model = run.model
    normalized = "normalization" in models.takes(model)
    if parts > 1 and normalized and model.normalization == "batch":
        remedy = "parts would have batch statistics of their own; take normalization "
        remedy += "'ghost' (or 'none')"
        raise errors.UserError("gradient_accumulation", parts, remedy)
    for batch_size in map(int, np.unique(np.asarray(batch_sizes))):
        share, rest = divmod(batch_size, num_replicas)
        if rest:
            remedy = f"give a multiple of the {num_replicas} replicas, who share it"
            raise errors.UserError("batch_size", batch_size, remedy)
        size, rest = divmod(share, parts)
        if rest:
            remedy = f"give a divisor of the {share} examples of a replica "
            remedy += f"(batch_size={batch_size} on {num_replicas})"
            raise errors.UserError("gradient_accumulation", parts, remedy)
        ghost = model.ghost_batch_size
        if ghost is not None and size % ghost:
            remedy = f"give a divisor of the {size} examples that a replica takes at "
            remedy += f"once (batch_size={batch_size}, {num_replicas} replica(s), "
            remedy += f"gradient_accumulation={parts})"
            raise errors.UserError("ghost_batch_size", ghost, remedy)


def check_statistics(
    model: keras.Model, batch_sizes: npt.ArrayLike, num_replicas: int
) -> None:
    """Checks that batch normalization sees more than one value of each channel.

    A single value is normalized to 0, whatever it was, so that nothing after the layer
    would depend on the inputs.

    Raises:
      UserError: a layer of the built model would see a single value.
    """
    smallest = int(np.min(batch_sizes))
    if smallest > num_replicas:
        return
    for layer in model.layers:
        if not isinstance(layer, keras.layers.BatchNormalization):
            continue
        positions = list(layer.input.shape[1:])
        del positions[layer.axis % len(layer.input.shape) - 1]
        if math.prod(positions) == 1:
            remedy = "batch normalization has no statistics of one example a replica; "
            remedy += f"give at least {2 * num_replicas} examples, or "
            remedy += "normalization='none'"
            raise errors.UserError("batch_size", smallest, remedy)
