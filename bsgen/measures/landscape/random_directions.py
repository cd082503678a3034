"""Loss along random directions, with filter normalisation.

Li, Xu, Taylor, Studer & Goldstein (2018), arXiv 1712.09913, section 4: a network
computes the same with one layer's weights doubled and the next one's halved, so a step
of a given length means more in one network than in another. A Gaussian direction whose
filters have the norms of the model's own filters removes the scale. A filter is all
that makes one unit or channel: the entries of a kernel with one last index. Variables
of one axis (biases, batch norm's scale and shift) are not moved, our choice.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt

from bsgen import errors, interrupts, statistics
from bsgen.measures import progress
from bsgen.measures.landscape import evaluation, model_state
from bsgen.measures.objective import compiled_loss, flat_weights, given_model
from bsgen.measures.operators.linear_operator import FloatArray

_DEFAULT_DISTANCES = np.linspace(-1.0, 1.0, 21)
NORMALIZATIONS = ("filter", "unit")


@dataclasses.dataclass(frozen=True, eq=False)
class LossAlongDirections:
    """What was found at weights + distance direction, for random directions.

    Attributes:
      distances: [A], in units of a direction.
      value: [A], mean loss over the directions.
      standard_error: [A], of `value`, over the directions; inf for one.
      loss: [D, A], for each direction; fewer of them if interrupted.
      metrics: for each metric, [D, A].
      normalization: "filter" or "unit".
      running_statistics: "keep" or "reestimate".
      stopped_because: "complete" or "interrupted".
      mode: "inference", and the notes of `mean_loss.MeanLoss.mode`.
    """

    distances: FloatArray
    value: FloatArray
    standard_error: FloatArray
    loss: FloatArray
    metrics: Mapping[str, FloatArray]
    normalization: str
    running_statistics: evaluation.RunningStatistics
    stopped_because: progress.StoppedBecause
    mode: str = "inference"


def random_direction(
    model: keras.Model,
    seed: int | Sequence[int] = 0,
    normalization: Literal["filter", "unit"] = "filter",
) -> model_state.Arrays:
    """Draws a Gaussian direction in the space of the trainable weights.

    Args:
      model: a built model.
      seed: at least 0.
      normalization: "filter", see above; "unit": of length 1, over all weights.

    Returns:
      Arrays of the shapes of `model.trainable_variables`, float64.

    Raises:
      UserError: the model has no trainable weights, or none of two axes for "filter".
    """
    if normalization not in NORMALIZATIONS:
        raise errors.unknown_name("normalization", normalization, NORMALIZATIONS)
    flat_weights.FlatWeights(model)  # refuses a model without trainable weights
    draw = np.random.default_rng(seed)
    weights = [v.numpy().astype(np.float64) for v in model.trainable_variables]
    direction = [draw.normal(size=w.shape) for w in weights]
    if normalization == "unit":
        length = math.sqrt(sum(np.sum(d**2) for d in direction))
        return [d / length for d in direction]
    if all(w.ndim < 2 for w in weights):
        remedy = "it has no filters, variables of two axes or more; give 'unit'"
        raise errors.UserError("normalization", normalization, remedy)
    return [
        d * _norms(w) / _norms(d) if w.ndim > 1 else np.zeros_like(w)
        for d, w in zip(direction, weights, strict=True)
    ]


@interrupts.kept()
def loss_along_random_directions(
    model: given_model.Model,
    loss: compiled_loss.Loss,
    data: Any,
    distances: npt.ArrayLike | None = None,
    *,
    num_directions: int = 10,
    normalization: Literal["filter", "unit"] = "filter",
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
    keep_partial: bool = False,
    **options: Any,
) -> LossAlongDirections:
    """Measures the MEAN loss along random directions through the model's weights.

    Args not named here are those of `evaluation.Evaluation`.

    Args:
      model: a model, or a function that builds one; it is not changed.
      distances: [A], finite, in units of a direction; None for -1 to 1 in steps of
        0.1.
      num_directions: D, at least 1.
      normalization: see `random_direction`.
      seed: of the directions.
      on_progress: called with the loss after every point, which count as products.
      keep_partial: whether Ctrl-C returns the directions measured so far, instead of
        raising KeyboardInterrupt; with none, it raises it all the same.

    Raises:
      UserError: an argument is wrong.
    """
    if distances is None:
        distances = _DEFAULT_DISTANCES
    places = evaluation.check_places("distances", distances)
    count = errors.check_integer("num_directions", num_directions, 1)
    model = given_model.built(model, data)
    evaluate = evaluation.Evaluation(model, loss, data, **options)
    centre = model_state.of(model, model, "model")
    directions = (
        random_direction(model, (seed, number), normalization)
        for number in range(count)
    )
    values, stopped_because = evaluate.profile(
        (centre.moved(way, place) for way in directions for place in places),
        count * len(places),
        on_progress,
        len(places) if keep_partial else 0,
    )
    whole = len(values["loss"]) // len(places)
    tables = {
        name: found[: whole * len(places)].reshape(whole, len(places))
        for name, found in values.items()
    }
    losses = tables.pop("loss")
    return LossAlongDirections(
        distances=places,
        value=losses.mean(axis=0),
        standard_error=statistics.standard_error(losses),
        loss=losses,
        metrics=tables,
        normalization=normalization,
        running_statistics=evaluate.running_statistics,
        stopped_because=stopped_because,
        mode=evaluate.mode,
    )


def _norms(kernel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns the norm of every filter, [1, ..., 1, filters]."""
    axes = tuple(range(kernel.ndim - 1))
    return np.sqrt(np.sum(kernel**2, axis=axes, keepdims=True))
