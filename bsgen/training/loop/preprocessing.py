"""Scaling and augmentation of images inside the compiled steps."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from bsgen import config, data, errors
from bsgen.data import augmentation, scaling

_UNFITTED_SCALINGS = ("imagenet", "none")


class Preprocessing(NamedTuple):
    """What is done to images [B, ...] before the network sees them.

    Attributes:
      offset, scale: x -> (x - offset) * scale; they broadcast against an image.
      fill: what augmentation pads with, after scaling.
    """

    offset: tf.Tensor
    scale: tf.Tensor
    fill: tf.Tensor

    def apply(self, images: tf.Tensor, draws: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Returns scaled images, float32 [B, ...], augmented if there are draws."""
        inputs = (tf.cast(images, tf.float32) - self.offset) * self.scale
        if not draws:
            return inputs
        rows, columns, flips = draws
        return augmentation.apply(inputs, rows, columns, flips, self.fill)


def fitted_scaling(
    run: config.RunConfig, source: data.Source, train: np.ndarray
) -> data.Scaling:
    """Returns the run's scaling, fitted on the training examples if it needs fitting.

    Raises:
      UserError: the source is too large to fit the scaling on.
    """
    fitted_on = train
    if not isinstance(source, data.Pool):
        if run.data.scaling not in _UNFITTED_SCALINGS:
            remedy = f"{source.name} is too large to fit one; take 'imagenet' or 'none'"
            raise errors.UserError("scaling", run.data.scaling, remedy)
        fitted_on = train[:1]
    return scaling.fit(run.data.scaling, source.gather(fitted_on)[0])


def check(run: config.RunConfig, source: data.Source) -> None:
    """Checks that a run that augments has images.

    Raises:
      UserError: it has none.
    """
    name = run.data.augmentation
    if augmentation.by_name(name) is not None and len(source.input_shape) != 3:
        remedy = f"{source.name} has no images of [height, width, channels]"
        raise errors.UserError("augmentation", name, remedy)


def make(
    run: config.RunConfig, source: data.Source, scale: data.Scaling
) -> Preprocessing:
    """Returns the preprocessing of a run.

    Raises:
      UserError: the run augments examples that are not images.
    """
    check(run, source)
    fill = np.zeros([])
    chosen = augmentation.by_name(run.data.augmentation)
    if chosen is not None:
        fill = augmentation.fill_value(chosen, scale)
    values = (scale.offset, scale.scale, fill)
    return Preprocessing(*(tf.constant(v, tf.float32) for v in values))
