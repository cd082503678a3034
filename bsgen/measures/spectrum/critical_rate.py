"""The critical learning rate of a model, from its measured curvature.

2 (1 + momentum) / max_eigenvalue (Smith, Elsen & De 2020, section 3.1; derivation in
`theory.critical_learning_rate`): above it full-batch descent leaves a minimum of that
curvature.
"""

import dataclasses
import math
from typing import Any

import keras

from bsgen import interrupts, theory
from bsgen.measures import progress
from bsgen.measures.objective import compiled_loss
from bsgen.measures.spectrum import eigenvalues, spectrum_ends


@dataclasses.dataclass(frozen=True)
class CriticalLearningRate:
    """The learning rate at which full-batch descent becomes unstable.

    Attributes:
      value: the rate; inf where no direction curves upwards.
      error: of `value`, from the estimated error of the eigenvalue.
      momentum: it holds for.
      max_eigenvalue: it comes from, with how it was measured.
    """

    value: float
    error: float
    momentum: float
    max_eigenvalue: spectrum_ends.Eigenvalue


@interrupts.kept()
def critical_learning_rate(
    model: keras.Model,
    loss: compiled_loss.Loss,
    data: Any,
    momentum: float = 0.0,
    *,
    loss_weights: Any = None,
    regularization: bool = True,
    tolerance: float = 1e-3,
    max_products: int = 100,
    l2: float = 0.0,
    training: bool = False,
    batch_size: int = 256,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
) -> CriticalLearningRate:
    """Measures the critical learning rate for the MEAN loss.

    Args:
      model: see `eigenvalues.top_eigenvalue`, as all but `momentum`.
      loss: see there.
      data: see there.
      momentum: at least 0 and below 1, of heavy-ball momentum.
      loss_weights: see there.
      regularization: see there.
      tolerance: see there.
      max_products: see there.
      l2: see there.
      training: see there.
      batch_size: see there.
      seed: see there.
      on_progress: see there; it is told of the eigenvalue.

    Returns:
      The rate, with its error.

    Raises:
      UserError: an argument is wrong, or the loss has no second derivative or no finite
        one.
    """
    per_curvature = float(theory.critical_learning_rate(1.0, momentum))
    top = eigenvalues.top_eigenvalue(
        model,
        loss,
        data,
        tolerance=tolerance,
        max_products=max_products,
        l2=l2,
        loss_weights=loss_weights,
        regularization=regularization,
        training=training,
        batch_size=batch_size,
        seed=seed,
        on_progress=on_progress,
    )
    if top.value <= 0.0:
        return CriticalLearningRate(math.inf, math.inf, momentum, top)
    value = per_curvature / top.value
    return CriticalLearningRate(value, value * top.error / top.value, momentum, top)
