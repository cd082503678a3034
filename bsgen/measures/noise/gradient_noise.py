"""The noise of a batch gradient, and the simple noise scale.

McCandlish, Kaplan & Amodei (2018), arXiv 1812.06162, section 2.2: with G the gradient
of the mean loss and Sigma the covariance of the gradient of one example, the gradient
of B examples has covariance Sigma / B, and

    noise scale = tr(Sigma) / |G|^2

is the batch size at which noise and gradient are of equal length. Smith & Le (2017),
arXiv 1710.06451, eqs. 13-15, and Hoffer et al. (2017), appendix A, use the same Sigma.

Unbiased estimates and their errors: `noise_moments`.
"""

import dataclasses
from typing import Any

import keras

from bsgen import errors, interrupts
from bsgen.measures import progress
from bsgen.measures.noise import group_gradients, noise_moments, noise_passes
from bsgen.measures.objective import compiled_loss


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
    model: keras.Model,
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
) -> noise_moments.GradientNoise:
    """Measures the covariance of the gradient of one example and the mean gradient.

    Goes through the data twice, at the cost of a gradient and of one gradient for each
    group; of the gradients a few sums are kept. Ctrl-C ends it, see `noise_passes`.

    Args:
      model: a built model.
      loss: whatever `compile` takes as one; None for the model's own.
      data: (inputs, targets) or (inputs, targets, sample weights), arrays, or a
        tf.data.Dataset of such batches.
      loss_weights: as for `compile`.
      regularization: whether the losses that the model adds are counted, those of its
        layers' regularisers above all.
      l2: of a penalty l2 |w|^2 / 2, at least 0: part of G, without noise.
      training: measure in training mode instead of inference mode; then `group_size`
        is the batch of which batch norm takes statistics, at least 2.
      group_size: examples a gradient. More than one is faster and less exact, and
        assumes that neighbours in the data are independent, as after shuffling;
        examples of a batch that fill no group are left out.
      batch_size: examples a call, for arrays.
      on_progress: is told the noise scale after every call; each group counts as two
        products, one a pass.

    Returns:
      The moments, for one example whatever `group_size` is.

    Raises:
      UserError: an argument is wrong, there are fewer than two groups, or something is
        not finite.
      KeyboardInterrupt: before anything was known.
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
    return noise_passes.TwoPasses(groups, l2, on_progress).measure()


@interrupts.kept()
def gradient_noise_scale(
    model: keras.Model,
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
) -> GradientNoiseScale:
    """Measures tr(Sigma) / |G|^2 of the mean loss.

    Arguments and errors are those of `gradient_noise`.
    """
    noise = gradient_noise(
        model,
        loss,
        data,
        l2=l2,
        loss_weights=loss_weights,
        regularization=regularization,
        training=training,
        group_size=group_size,
        batch_size=batch_size,
        on_progress=on_progress,
    )
    return GradientNoiseScale(
        noise.noise_scale,
        noise.noise_scale_standard_error,
        noise.num_examples,
        noise.stopped_because,
        noise.mode,
        noise,
    )
