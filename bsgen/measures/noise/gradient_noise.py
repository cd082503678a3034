"""The noise of a batch gradient, and the simple noise scale.

McCandlish, Kaplan & Amodei (2018), arXiv 1812.06162, section 2.2: with G the gradient
of the mean loss and Sigma the covariance of the gradient of one example, the gradient
of B examples has covariance Sigma / B, and

    noise scale = tr(Sigma) / |G|^2

is the batch size at which noise and gradient are of equal length. Smith & Le (2017),
arXiv 1710.06451, eqs. 13-15, and Hoffer et al. (2017), appendix A, use the same Sigma.

Unbiased estimates and their errors: `noise_moments`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from bsgen import errors, interrupts
from bsgen.measures import progress
from bsgen.measures.noise import group_gradients, noise_moments, noise_passes
from bsgen.measures.objective import compiled_loss, given_model


@dataclasses.dataclass(frozen=True)
class GradientNoiseScale:
    """The simple noise scale.

    Attributes:
      value: in examples; inf where the gradient cannot be told from 0.
      standard_error: of `value`.
      num_examples: measured.
      stopped_because: "complete" or "interrupted".
      mode: "inference" or "training".
      noise: numerator and denominator.
    """

    value: float
    standard_error: float
    num_examples: int
    stopped_because: progress.StoppedBecause
    mode: str
    noise: noise_moments.GradientNoise


@interrupts.kept()
def gradient_noise(
    model: given_model.Model,
    loss: compiled_loss.Loss,
    data: Any,
    *,
    loss_weights: Any = None,
    regularization: bool = True,
    l2: float = 0.0,
    training: bool = False,
    group_size: int = 1,
    batch_size: int = 256,
    on_progress: progress.OnProgress | None = None,
    keep_partial: bool = False,
) -> noise_moments.GradientNoise:
    """Measures the covariance of the gradient of one example and the mean gradient.

    It goes through the data twice, at the cost of a gradient and of one gradient for
    each group; only a few sums of gradients are kept.

    Args not named here are those of `measures.Hessian`.

    Args:
      l2: as there; the penalty is part of G, without noise.
      training: measure in training mode instead of inference mode; then `group_size`,
        at least 2, is the batch that batch norm takes its statistics of.
      group_size: examples a gradient. More than one is faster and less exact, and
        assumes that neighbours in the data are independent, as after shuffling;
        examples of a batch that fill no group are left out.
      on_progress: called with the noise scale after every call; each group counts as
        two products, one a pass.
      keep_partial: whether Ctrl-C returns what is known so far (see `noise_passes`),
        instead of raising KeyboardInterrupt.

    Returns:
      The moments, for one example whatever `group_size` is.

    Raises:
      UserError: an argument is wrong, there are fewer than two groups, or something is
        not finite.
    """
    l2 = errors.check_real("l2", l2, 0.0)
    groups = group_gradients.GroupGradients(
        model,
        loss,
        data,
        group_size,
        training,
        batch_size,
        loss_weights,
        regularization,
    )
    return noise_passes.TwoPasses(groups, l2, on_progress, keep_partial).measure()


def gradient_noise_scale(
    model: given_model.Model, loss: compiled_loss.Loss, data: Any, **options: Any
) -> GradientNoiseScale:
    """Measures tr(Sigma) / |G|^2 of the mean loss; arguments as `gradient_noise`."""
    noise = gradient_noise(model, loss, data, **options)
    return GradientNoiseScale(
        noise.noise_scale,
        noise.noise_scale_standard_error,
        noise.num_examples,
        noise.stopped_because,
        noise.mode,
        noise,
    )
