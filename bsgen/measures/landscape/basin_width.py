"""The width of the basin around a model, along a direction.

Jastrzebski et al. (2018), figure 4, read widths of minima off the loss on a line. Here
the width is a number: how far one can go, to both sides, before the loss has risen by a
stated amount. On a quadratic of curvature h that is sqrt(2 rise / h) a side.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from bsgen import errors, interrupts
from bsgen.measures import progress
from bsgen.measures.objective import compiled_loss, evaluation

_FIRST_STEP = 0.01  # of |weights|, or of 1 where they are all zero; our choice
_GROWTH = 2.0
_FURTHEST = 1e3  # times |weights|; beyond it a side counts as open


@dataclasses.dataclass(frozen=True)
class BasinWidth:
    """How wide the basin is along a direction, as distances of weights.

    Attributes:
      value: left + right; inf where a side is open.
      error: the true width lies within `value` +- `error`.
      left: against the direction, to where the loss first was found risen by `rise`;
        inf if it was not within a thousand times the weights' norm, or if interrupted.
      right: along the direction.
      rise: of the loss, that marks the edge.
      loss: at the model.
      num_evaluations: of the loss on all data.
      stopped_because: "tolerance", "max_products" (of evaluations) or "interrupted".
      mode: "inference", and what `mean_loss.MeanLoss` has to say.
    """

    value: float
    error: float
    left: float
    right: float
    rise: float
    loss: float
    num_evaluations: int
    stopped_because: progress.StoppedBecause
    mode: str = "inference"


@interrupts.kept()
def basin_width(
    model: keras.Model,
    loss: compiled_loss.Loss,
    data: Any,
    direction: Sequence[Any],
    rise: float,
    *,
    loss_weights: Any = None,
    regularization: bool = True,
    tolerance: float = 1e-3,
    max_evaluations: int = 100,
    running_statistics: evaluation.RunningStatistics = "keep",
    l2: float = 0.0,
    batch_size: int = 256,
    on_progress: progress.OnProgress | None = None,
) -> BasinWidth:
    """Measures how far the weights can go before the MEAN loss has risen by `rise`.

    Each side is searched with steps that double, or halve, and then by bisection: a
    wall thinner than a factor of 2 of its distance can be missed.

    Args:
      model: a built model; it is not changed.
      loss: whatever `compile` takes as one; None for the model's own.
      data: (inputs, targets) or (inputs, targets, sample weights), arrays, or a
        tf.data.Dataset of such batches.
      loss_weights: as for `compile`.
      regularization: whether the losses that the model adds are counted, those of its
        layers' regularisers above all.
      direction: arrays of the shapes of `model.trainable_variables`, such as
        `random_direction` gives; only where it points counts, not its length.
      rise: above 0, over the loss at the model; well above the loss' rounding, 1e-7 of
        it in float32. A loss that is not finite counts as risen.
      tolerance: relative error of each side at which to stop, above 0.
      max_evaluations: at least 3.
      running_statistics: see `loss_along_random_directions`.
      l2: of a penalty l2 |w|^2 / 2 added to the loss, at least 0.
      batch_size: examples a call, for arrays; "reestimate" takes statistics of them.
      on_progress: is told after every evaluation, which count as products.

    Raises:
      UserError: an argument is wrong, or the loss at the model is not finite.
      KeyboardInterrupt: before the loss at the model was known.
    """
    if errors.check_real("rise", rise, 0.0) == 0.0:
        raise errors.UserError("rise", rise, "give a number above 0")
    tolerance = errors.check_real("tolerance", tolerance, 0.0)
    limit = errors.check_integer("max_evaluations", max_evaluations, 3)
    centre = evaluation.state_of(model, model, "model")
    unit = _unit(direction, centre)
    evaluate = evaluation.Evaluation(
        model,
        loss,
        data,
        running=running_statistics,
        l2=l2,
        batch_size=batch_size,
        loss_weights=loss_weights,
        regularization=regularization,
    )
    lowest = evaluate.at(centre)["loss"]
    if not math.isfinite(lowest):
        raise errors.UserError(
            "loss", lowest, "it is not finite at the model's weights"
        )
    size = math.sqrt(sum(np.sum(w**2) for w in centre.weights)) or 1.0
    sides = [_Side(size), _Side(size)]
    count = 1
    stopped_because: progress.StoppedBecause = progress.TOLERANCE
    try:
        for sign, side in zip((-1.0, 1.0), sides, strict=True):
            while not side.found(tolerance) and count < limit:
                place = side.next()
                height = evaluate.at(centre.moved(unit, sign * place))["loss"]
                count += 1
                side.note(place, not height - lowest < rise)
                if on_progress is not None:
                    width = sum(each.distance for each in sides)
                    error = sum(each.error for each in sides)
                    on_progress(progress.Progress(count, limit, width, error))
        if not all(side.found(tolerance) for side in sides):
            stopped_because = progress.MAX_PRODUCTS
    except KeyboardInterrupt:
        stopped_because = progress.interrupted()
    left, right = (side.distance for side in sides)
    return BasinWidth(
        value=left + right,
        error=sum(side.error for side in sides),
        left=left,
        right=right,
        rise=rise,
        loss=lowest,
        num_evaluations=count,
        stopped_because=stopped_because,
        mode=evaluate.mode,
    )


class _Side:
    """What is known of where one side's edge lies: between `inside` and `outside`."""

    def __init__(self, size: float):
        self._size = size
        self._inside, self._outside = 0.0, math.inf

    @property
    def distance(self) -> float:
        return (self._inside + self._outside) / 2

    @property
    def error(self) -> float:
        if math.isinf(self._outside):
            return math.inf
        return (self._outside - self._inside) / 2

    def found(self, tolerance: float) -> bool:
        if self._inside >= _FURTHEST * self._size:
            return True
        return self.error <= tolerance * self.distance < math.inf

    def next(self) -> float:
        if math.isinf(self._outside):
            return _GROWTH * self._inside or _FIRST_STEP * self._size
        if self._inside == 0.0:
            return self._outside / _GROWTH
        return (self._inside + self._outside) / 2

    def note(self, place: float, risen: bool) -> None:
        if risen:
            self._outside = place
        else:
            self._inside = place


def _unit(direction: Sequence[Any], centre: evaluation.State) -> evaluation.Arrays:
    arrays = [np.asarray(part, np.float64) for part in direction]
    shapes = [w.shape for w in centre.weights]
    if [part.shape for part in arrays] != shapes:
        remedy = f"its arrays must have the shapes {shapes} of the trainable weights"
        raise errors.UserError("direction", [p.shape for p in arrays], remedy)
    length = math.sqrt(sum(np.sum(part**2) for part in arrays))
    if not (0.0 < length < math.inf):
        raise errors.UserError("direction", length, "its length must be above 0")
    return [part / length for part in arrays]
