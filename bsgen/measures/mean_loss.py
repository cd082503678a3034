"""The mean loss that `fit` minimises, as a function of a model's weights.

That of one batch is what Keras makes of the compiled loss (`compiled_loss`), plus the
losses that the model itself adds: its layers' regularisers, and `add_loss`. That of
many batches is their mean weighted by examples, the `loss` that `evaluate` reports at
the same batch size. The batch size matters only where a batch's loss is no mean over
its examples: where it is a sum, or is divided by what a mask or sample weights leave.
"""

import contextlib
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf

from bsgen import errors
from bsgen.measures import compiled_loss, replicas, stateless

INFERENCE = "inference"
TRAINING = "training"

# What TensorFlow and Keras raise, while they trace, for what does not fit together.
REFUSALS = (
    AttributeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    tf.errors.InvalidArgumentError,
)
_FEW = 4  # examples
_MAX_REASON = 200  # characters of what they say


class MeanLoss:
    """The mean loss of a batch as a function of weights; not compiled by itself.

    A batch is (inputs, targets) or (inputs, targets, sample weights).

    Attributes:
      name: of the loss, for messages.
      training: whether layers run in training mode.
      is_sum: see `compiled_loss.CompiledLoss`.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: compiled_loss.Loss,
        training: bool = False,
        loss_weights: Any = None,
        regularization: bool = True,
    ):
        """Compiles the loss.

        Args:
          model: a built model.
          loss: see `compiled_loss.Loss`.
          training: whether layers run in training mode: then batch norm uses the batch,
            so the loss depends on how the data are cut into batches, and every batch
            meets the same draw of dropout. Otherwise batch norm uses its running
            averages, and dropout is off.
          loss_weights: as for `compile`.
          regularization: whether the losses that the model adds are counted.

        Raises:
          UserError: there is no such loss.
        """
        self._compiled = compiled_loss.CompiledLoss(model, loss, loss_weights)
        self._model = model
        self._regularization = regularization
        self._regularized = bool(model.losses)
        self._adds = False  # known when the model has been called
        self._shapes_fitted = False
        self.name = self._compiled.name
        self.is_sum = self._compiled.is_sum
        self.training = training

    @property
    def mode(self) -> str:
        """How it is computed: "inference" or "training", and what else is to be said.

        That is ", with regularization losses" or ", without regularization losses"
        where the model has any, and ", loss summed over each batch".
        """
        notes = [TRAINING if self.training else INFERENCE]
        if self._regularized:
            preposition = "with" if self._regularization else "without"
            notes.append(f"{preposition} regularization losses")
        if self.is_sum:
            notes.append("loss summed over each batch")
        return ", ".join(notes)

    def others(self) -> list[tf.Tensor]:
        """Returns the variables that are no trainable weights, as tensors."""
        variables = self._model.non_trainable_variables
        return [tf.convert_to_tensor(v.value) for v in variables]

    def call(
        self,
        weights: list[tf.Tensor],
        inputs: Any,
        others: list[tf.Tensor] | None = None,
    ) -> stateless.Called:
        """Calls the model with `weights` in place of its own.

        Args:
          weights: of the model's trainable variables.
          inputs: of a batch.
          others: see above; None for the model's own.
        """
        known = self.others() if others is None else others
        called = stateless.call(self._model, weights, known, inputs, self.training)
        self._adds |= bool(called.added)
        self._regularized |= bool(called.added or called.penalties)
        return called

    def of_outputs(self, batch: tuple[Any, ...], outputs: Any) -> tf.Tensor:
        """Returns the compiled loss of a batch [], without what the model adds."""
        _, targets, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
        return self._compiled(targets, outputs, sample_weight)

    def added(self, called: stateless.Called) -> tf.Tensor | None:
        """Returns the losses that the model added [], None where none are counted."""
        losses = [*called.added, *called.penalties]
        if not (losses and self._regularization):
            return None
        return tf.add_n([tf.cast(tf.reduce_sum(x), losses[0].dtype) for x in losses])

    def value(
        self,
        weights: list[tf.Tensor],
        batch: tuple[Any, ...],
        others: list[tf.Tensor] | None = None,
    ) -> tf.Tensor:
        """Returns the mean loss of a batch []."""
        return self.value_of(batch, self.call(weights, batch[0], others))

    def value_of(self, batch: tuple[Any, ...], called: stateless.Called) -> tf.Tensor:
        """Returns the mean loss of a batch [] with which the model was called."""
        value = self.of_outputs(batch, called.outputs)
        added = self.added(called)
        return value if added is None else value + tf.cast(added, value.dtype)

    def shares(
        self, batch: tuple[Any, ...], called: stateless.Called
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the compiled loss, and each example's share in its derivative.

        The shares s_i are the number of examples times the derivative by the outputs
        y_i of example i, so that the loss's gradient by the weights is the mean over
        the examples of those of s_i . y_i: the examples' gradients, whatever the
        reduction, the sample weights and the mask are.

        Returns:
          The loss [], and for each of `called.ends` its shares, of its shape.

        Raises:
          UserError: the loss has no derivative.
        """
        ends = called.ends
        with tf.GradientTape() as tape:
            tape.watch(ends)
            value = self.of_outputs(batch, called.outputs)
            # Multiplied here, as an example's part may underflow in half precision.
            count = tf.cast(tf.shape(ends[0])[0], value.dtype)
            scaled = count * value
        slopes = tape.gradient(scaled, ends)
        if all(slope is None for slope in slopes):
            raise self.no_gradient()
        return value, [
            tf.zeros_like(part) if slope is None else tf.convert_to_tensor(slope)
            for slope, part in zip(slopes, ends, strict=True)
        ]

    def bends(self, batch: tuple[Any, ...], called: stateless.Called) -> bool:
        """Returns whether the loss has a second derivative by the outputs, not zero."""
        ends = called.ends
        with tf.GradientTape() as outer:
            outer.watch(ends)
            with tf.GradientTape() as inner:
                inner.watch(ends)
                value = self.of_outputs(batch, called.outputs)
            slopes = [
                tf.reduce_sum(
                    part
                    * tf.random.stateless_normal(
                        part.shape, [0, place], 0, 1, part.dtype
                    )
                )
                for place, part in enumerate(inner.gradient(value, ends))
                if part is not None
            ]
        found = outer.gradient(slopes, ends)
        return any(part is not None and tf.reduce_any(part != 0) for part in found)

    def check_added(self, batch: tuple[Any, ...]) -> None:
        """Checks that losses added in a call are means over the examples, if counted.

        Raises:
          UserError: they are not, so that an example's part in them is not known.
        """
        if not (self._adds and self._regularization):
            return
        weights = self._weights()

        def added(start: int, end: int) -> float:
            some = tf.nest.map_structure(lambda a: a[start:end], batch[0])
            called = self.call(weights, some)
            return float(sum(tf.reduce_sum(loss) for loss in called.added))

        count = min(_FEW, len(tf.nest.flatten(batch)[0]))
        whole = added(0, count)
        mean = sum(added(i, i + 1) for i in range(count)) / count
        if not math.isclose(whole, mean, rel_tol=1e-3, abs_tol=1e-12):
            remedy = (
                "a loss that its call adds (add_loss) is no mean over the examples, so "
                "an example has no gradient of its own; make it one, or leave "
                "regularization losses out"
            )
            raise errors.UserError("model", self._model.name, remedy)

    def no_gradient(self) -> errors.UserError:
        """Returns the error for a loss that the weights do not move."""
        remedy = "it does not depend on the weights in a differentiable way"
        return errors.UserError("loss", self.name, remedy)

    @contextlib.contextmanager
    def in_words(self, batches: Iterable[tuple[Any, ...]]) -> Iterator[None]:
        """Says in one line when model and loss cannot take the data.

        Args:
          batches: that are being measured.

        Raises:
          UserError: in place of what TensorFlow or Keras raised.
        """
        if not self._shapes_fitted and replicas.Replicas(self._model).count > 1:
            # Keras makes variables when it fits shapes, which no replica can.
            self._failure(next(iter(batches)))
        self._shapes_fitted = True
        try:
            yield
        except errors.UserError:
            raise
        except REFUSALS as error:
            reason: Exception | None = self._failure(next(iter(batches)))
            if isinstance(error, tf.errors.InvalidArgumentError):
                reason = reason or error
            if reason is None:
                raise
            remedy = f"model and loss cannot take it ({_first_words(reason)})"
            raise errors.UserError("data", _shapes(batches), remedy) from error

    def _weights(self) -> list[tf.Tensor]:
        variables = self._model.trainable_variables
        return [tf.convert_to_tensor(v.value) for v in variables]

    def _failure(self, batch: tuple[Any, ...]) -> Exception | None:
        weights = [
            tf.convert_to_tensor(v.value) for v in self._model.trainable_variables
        ]
        try:
            self.value(weights, tf.nest.map_structure(tf.convert_to_tensor, batch))
        except errors.UserError:
            raise
        except REFUSALS as error:
            return error
        return None


def _shapes(batches: Iterable[tuple[Any, ...]]) -> str:
    batch = next(iter(batches))
    return " and ".join(
        f"{name} {keras.tree.map_structure(lambda a: tuple(a.shape), part)}"
        for name, part in zip(("inputs", "targets", "weights"), batch, strict=False)
    )


def _first_words(error: Exception) -> str:
    """Returns what Keras or TensorFlow says, without colours, frames and arguments."""
    text = re.sub(r"\x1b\[\d*m|\{\{.*?\}\} ", "", str(error) or type(error).__name__)
    text = re.sub(r"^Exception encountered when calling \S+\s", "", text)
    text = re.split(r"Arguments received by|Detected at node", text)[0]
    words = " ".join(text.split())
    return words if len(words) <= _MAX_REASON else words[: _MAX_REASON - 3] + "..."
