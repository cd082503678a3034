"""The largest stable learning rate of full-batch descent, found by trying.

It agrees with the critical rate that the curvature at the weights predicts
(`critical_rate`) on a quadratic, and differs where the curvature changes on the way, as
when descent leaves a sharp place for a flatter one.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from bsgen import errors, interrupts, theory
from bsgen.measures import progress
from bsgen.measures.operators import curvature, linear_operator
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
      momentum: for which they hold.
      num_steps: of descent in a trial.
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
    hessian: curvature.Hessian,
    momentum: float = 0.0,
    *,
    num_steps: int = 100,
    tolerance: float = 0.05,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
    keep_partial: bool = False,
) -> StableLearningRate:
    """Sweeps the learning rate of full-batch descent on the MEAN loss.

    Every trial starts at the model's weights and takes the momentum update of Smith &
    Le (2017), eqs. 23-24. A rate is stable if the loss at the end is not above that at
    the start. Rates are tried up or down from the predicted one by factors of 2, then
    by bisection of the logarithm. On a quadratic the bracket lies a percent or two high
    for 100 steps: what grows must first outgrow what falls.

    Args:
      hessian: of a model that is not at an exact minimum, in inference mode. The model
        is not changed.
      momentum: at least 0 and below 1.
      num_steps: of a trial, at least 1.
      tolerance: upper / value - 1 at which to stop, above 0.
      seed: of the measure of curvature.
      on_progress: called after every trial, which counts as a product.
      keep_partial: whether Ctrl-C returns the bracket so far instead of raising, once
        the curvature is known.

    Raises:
      UserError: an argument is wrong, or the loss at the weights is not finite or has
        no second derivative.
    """
    if not isinstance(hessian, curvature.Hessian):
        remedy = "give measures.Hessian(model, loss, data)"
        raise errors.UserError("hessian", type(hessian).__name__, remedy)
    if hessian.training:
        remedy = "descent is tried in inference mode; leave it out"
        raise errors.UserError("training", True, remedy)
    num_steps = errors.check_integer("num_steps", num_steps, 1)
    if errors.check_real("tolerance", tolerance, 0.0) == 0.0:
        raise errors.UserError("tolerance", tolerance, "give a number above 0")
    predicted = critical_rate.critical_learning_rate(
        hessian, momentum, tolerance=0.01, seed=seed
    )
    start = hessian.loss_and_gradient(hessian.weights())
    stable, unstable = 0.0, math.inf
    stopped_because: progress.StoppedBecause = progress.MAX_PRODUCTS
    num_trials = 0
    try:
        while num_trials < _MOST_TRIED:
            rate = _next_rate(stable, unstable, predicted.value)
            if _is_stable(hessian, rate, momentum, num_steps, start):
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
        stopped_because = progress.interrupted(keep_partial)
    return StableLearningRate(
        stable,
        unstable,
        predicted,
        momentum,
        num_steps,
        num_trials,
        stopped_because,
        hessian.mode,
    )


def _next_rate(stable: float, unstable: float, predicted: float) -> float:
    if stable == 0.0 and math.isinf(unstable):
        return predicted if math.isfinite(predicted) else 1.0
    if stable == 0.0:
        return unstable / _FIRST_FACTOR
    if math.isinf(unstable):
        return stable * _FIRST_FACTOR
    return math.sqrt(stable * unstable)


def _is_stable(
    hessian: curvature.Hessian,
    learning_rate: float,
    momentum: float,
    num_steps: int,
    start: tuple[float, linear_operator.FloatArray],
) -> bool:
    """Whether descent from the model's weights ends no higher than its start."""
    weights, (loss, gradient) = hessian.weights(), start
    accumulator = np.zeros_like(weights)
    for _ in range(num_steps):
        weights, accumulator = theory.momentum_update(
            weights, accumulator, gradient, learning_rate, momentum
        )
        loss, gradient = hessian.loss_and_gradient(weights)
        if not loss <= _BLOWN_UP * abs(start[0]):
            return False
    return loss <= start[0]
