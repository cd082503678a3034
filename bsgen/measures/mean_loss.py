"""The loss of one batch, whatever form of loss the user gives."""

import copy
from typing import Any

import keras
import tensorflow as tf

from bsgen import errors
from bsgen.measures import hessian

INFERENCE = "inference"
TRAINING = "training"


class MeanLoss:
    """The mean loss of a batch as a function of weights; not compiled by itself.

    Regularisers that sit inside the model's layers are not counted; entries that Keras
    masks count as zeros.

    Attributes:
      name: of the loss, for messages.
      mode: in which mode layers run. "inference": batch norm uses its running averages
        and dropout is off. "training": batch norm uses the batch, so the loss depends
        on how the data is cut into batches, and every batch meets the same draw of
        dropout.
    """

    def __init__(self, model: keras.Model, loss: hessian.Loss, training: bool):
        """Takes the loss apart from its reduction.

        Args:
          model: a built model.
          loss: a Keras loss, of any reduction, or a callable of (targets, outputs) to
            the losses [batch, ...], of which the mean is taken, or to their mean [].
          training: whether layers run in training mode.

        Raises:
          UserError: the loss cannot be called.
        """
        if not callable(loss):
            raise errors.UserError("loss", loss, "give a Keras loss or a callable")
        if isinstance(loss, keras.losses.Loss):
            # A sum over the batch or a mean over masked entries would be a loss of
            # another scale; without reduction every loss means the same.
            unreduced = copy.copy(loss)
            unreduced.reduction = "none"
            loss = unreduced
        self.name = getattr(loss, "name", getattr(loss, "__name__", "loss"))
        self.mode = TRAINING if training else INFERENCE
        self._model = model
        self._loss = loss

    def others(self) -> list[tf.Tensor]:
        """Returns the variables that are no trainable weights, as tensors."""
        variables = self._model.non_trainable_variables
        return [tf.convert_to_tensor(v.value) for v in variables]

    def outputs(
        self,
        weights: list[tf.Tensor],
        inputs: Any,
        others: list[tf.Tensor] | None = None,
    ) -> Any:
        """Returns the model's outputs with `weights` in place of its own.

        Args:
          weights: of the model's trainable variables.
          inputs: of a batch.
          others: see above; None for the model's own.
        """
        outputs, _ = self._model.stateless_call(
            weights,
            self.others() if others is None else others,
            inputs,
            training=self.mode == TRAINING,
        )
        return outputs

    def value(self, targets: Any, outputs: Any) -> tf.Tensor:
        """Returns the mean loss of a batch []."""
        return tf.reduce_mean(self._loss(targets, outputs))

    def bends(self, targets: Any, outputs: Any) -> bool:
        """Returns whether the loss has a second derivative by the outputs, not zero."""
        flat = tf.nest.flatten(outputs)
        with tf.GradientTape() as outer:
            outer.watch(flat)
            with tf.GradientTape() as inner:
                inner.watch(flat)
                value = self.value(targets, tf.nest.pack_sequence_as(outputs, flat))
            slopes = [
                tf.reduce_sum(
                    part
                    * tf.random.stateless_normal(
                        part.shape, [0, place], 0, 1, part.dtype
                    )
                )
                for place, part in enumerate(inner.gradient(value, flat))
                if part is not None
            ]
        found = outer.gradient(slopes, flat)
        return any(part is not None and tf.reduce_any(part != 0) for part in found)
