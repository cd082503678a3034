"""The largest stable learning rate of full-batch descent, found by trying.

Beside the critical rate that the curvature at the weights predicts (`critical_rate`):
the two agree on a quadratic, and differ where the curvature changes on the way, as it
does when descent leaves a sharp place for a flatter one.
"""

import dataclasses
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors, interrupts
from bsgen.measures import progress
from bsgen.measures.objective import compiled_loss, evaluation, flat_weights
from bsgen.measures.operators import curvature
from bsgen.measures.spectrum import critical_rate

_FIRST_FACTOR = 2.0  # from one rate tried to the next, until one is on the other side
_MOST_TRIED = 40
_BLOWN_UP = 1e3  # times the loss at the start, which ends a trial early


@dataclasses.dataclass(frozen=True)
class StableLearningRate:
    """Between which learning rates full-batch descent stops being stable.

    Attributes:
      value: the largest rate found stable; 0 if none was.
      upper: the smallest rate above it found unstable; inf if none was.
      predicted: the critical rate from the curvature at the weights.
      momentum: they hold for.
      num_steps: of descent, a trial of one rate.
      num_trials: rates tried.
      stopped_because: "tolerance", "max_products" (of trials) or "interrupted".
      mode: "inference" or "training".
    """

    value: float
    upper: float
    predicted: critical_rate.CriticalLearningRate
    momentum: float
    num_steps: int
    num_trials: int
    stopped_because: progress.StoppedBecause
    mode: str


@interrupts.kept()
def largest_stable_learning_rate(
    model: keras.Model,
    loss: compiled_loss.Loss,
    data: Any,
    momentum: float = 0.0,
    *,
    loss_weights: Any = None,
    regularization: bool = True,
    num_steps: int = 100,
    tolerance: float = 0.05,
    l2: float = 0.0,
    batch_size: int = 256,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
) -> StableLearningRate:
    """Sweeps the learning rate of full-batch descent on the MEAN loss.

    Every trial starts at the model's weights and takes the momentum update of Smith &
    Le (2017), eqs. 23-24. A rate is stable if the loss at the end is not above that at
    the start. Rates are tried up or down from the predicted one by factors of 2, then
    by bisection of the logarithm. On a quadratic the bracket lies a percent or two high
    for 100 steps: what grows must first outgrow what falls.

    Args:
      model: a built model, not at an exact minimum; it is not changed. Batch norm is in
        inference mode.
      loss: whatever `compile` takes as one; None for the model's own.
      data: (inputs, targets) or (inputs, targets, sample weights), arrays, or a
        tf.data.Dataset of such batches.
      loss_weights: as for `compile`.
      regularization: whether the losses that the model adds are counted, those of its
        layers' regularisers above all.
      momentum: at least 0 and below 1.
      num_steps: of a trial, at least 1.
      tolerance: upper / value - 1 at which to stop, above 0.
      l2: of a penalty l2 |w|^2 / 2 added to the loss, at least 0.
      batch_size: examples a call, for arrays.
      seed: of the measure of curvature.
      on_progress: is told of every trial, counted as products.

    Raises:
      UserError: an argument is wrong, or the loss at the weights is not finite or has
        no second derivative.
      KeyboardInterrupt: before the curvature was known; later ones end the sweep.
    """
    num_steps = errors.check_integer("num_steps", num_steps, 1)
    if errors.check_real("tolerance", tolerance, 0.0) == 0.0:
        raise errors.UserError("tolerance", tolerance, "give a number above 0")
    settings: dict[str, Any] = {
        "l2": l2,
        "batch_size": batch_size,
        "loss_weights": loss_weights,
        "regularization": regularization,
    }
    predicted = critical_rate.critical_learning_rate(
        model, loss, data, momentum, tolerance=0.01, seed=seed, **settings
    )
    descent = _Descent(model, loss, data, momentum, num_steps, **settings)
    stable, unstable = 0.0, math.inf
    stopped_because: progress.StoppedBecause = progress.MAX_PRODUCTS
    num_trials = 0
    try:
        while num_trials < _MOST_TRIED:
            rate = _next_rate(stable, unstable, predicted.value)
            if descent.is_stable(rate):
                stable = rate
            else:
                unstable = rate
            num_trials += 1
            if on_progress is not None:
                gap = unstable - stable
                on_progress(progress.Progress(num_trials, _MOST_TRIED, stable, gap))
            if unstable <= (1.0 + tolerance) * stable:
                stopped_because = progress.TOLERANCE
                break
    except KeyboardInterrupt:
        stopped_because = progress.interrupted()
    return StableLearningRate(
        stable,
        unstable,
        predicted,
        momentum,
        num_steps,
        num_trials,
        stopped_because,
        descent.mode,
    )


def _next_rate(stable: float, unstable: float, predicted: float) -> float:
    if stable == 0.0 and math.isinf(unstable):
        return predicted if math.isfinite(predicted) else 1.0
    if stable == 0.0:
        return unstable / _FIRST_FACTOR
    if math.isinf(unstable):
        return stable * _FIRST_FACTOR
    return math.sqrt(stable * unstable)


class _Descent:
    """Full-batch descent from the model's weights, which stay as they are."""

    def __init__(
        self,
        model: keras.Model,
        loss: compiled_loss.Loss,
        data: Any,
        momentum: float,
        num_steps: int,
        **settings: Any,
    ):
        self._gradients = curvature.Hessian(model, loss, data, **settings)
        self._evaluation = evaluation.Evaluation(model, loss, data, **settings)
        self._weights = flat_weights.FlatWeights(model)
        self._start = evaluation.state_of(model, model, "model")
        self._momentum, self._num_steps = momentum, num_steps
        self._first_loss = self._loss_at(self._weights.read())
        self.mode = self._gradients.mode

    def is_stable(self, learning_rate: float) -> bool:
        """Whether the loss after the steps is not above that before them."""
        weights = self._weights.read().astype(np.float64)
        accumulator = np.zeros_like(weights)
        height = self._first_loss
        for _ in range(self._num_steps):
            gradient = self._gradients.gradient_at(weights)
            accumulator = self._momentum * accumulator - gradient
            weights = weights + learning_rate * accumulator
            height = self._loss_at(weights)
            if not height <= _BLOWN_UP * abs(self._first_loss):
                return False
        return height <= self._first_loss

    def _loss_at(self, weights: np.ndarray) -> float:
        parts = [part.numpy() for part in self._weights.cut(tf.constant(weights))]
        state = evaluation.State(parts, self._start.others)
        return self._evaluation.at(state)["loss"]
