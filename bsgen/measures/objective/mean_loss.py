"""The mean loss that `fit` minimises, as a function of a model's weights.

For one batch it is the compiled loss as Keras computes it (`compiled_loss`), plus the
losses that the model itself adds: its layers' regularisers, and `add_loss`. For many
batches it is the mean of these weighted by examples, the `loss` that `evaluate` reports
at the same batch size. The batch size matters only where a batch's loss is not a mean
over its examples: where it is a sum, or is divided by what a mask or weights leave.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from bsgen import errors
from bsgen.measures.objective import compiled_loss, gradients, stateless

INFERENCE = "inference"
TRAINING = "training"

_FEW = 4  # examples, enough to see how a loss depends on their number


class MeanLoss:
    """The mean loss of a batch as a function of weights; not compiled by itself.

    A batch is (inputs, targets) or (inputs, targets, sample weights).

    Attributes:
      name: of the loss, for messages.
      training: whether layers run in training mode.
      is_sum: whether the loss is a sum over the batch: because it declares so, or
        because `recognise_sum` found out.
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
        self.name = self._compiled.name
        self.is_sum = self._compiled.is_sum
        self.training = training

    @property
    def mode(self) -> str:
        """How it is computed: "inference" or "training", with notes.

        These are ", with regularization losses" or ", without regularization losses",
        if the model has any, and ", loss summed over each batch".
        """
        notes = [TRAINING if self.training else INFERENCE]
        if self._regularized:
            preposition = "with" if self._regularization else "without"
            notes.append(f"{preposition} regularization losses")
        if self.is_sum:
            notes.append("loss summed over each batch")
        return ", ".join(notes)

    def others(self) -> list[tf.Tensor]:
        """Returns the variables that are not trainable weights, as tensors."""
        variables = self._model.non_trainable_variables
        return [tf.convert_to_tensor(v.value) for v in variables]

    def call(
        self,
        weights: list[tf.Tensor],
        inputs: Any,
        others: list[tf.Tensor] | None = None,
    ) -> stateless.Called:
        """Calls the model with values for its trainable and its other variables.

        None for the others stands for the model's own.
        """
        known = self.others() if others is None else others
        called = stateless.call(self._model, weights, known, inputs, self.training)
        self._adds |= bool(called.added)
        self._regularized |= bool(called.added or called.penalties)
        return called

    def compiled(self, batch: tuple[Any, ...], called: stateless.Called) -> tf.Tensor:
        """Returns the compiled loss of a batch [], without what the model adds."""
        _, targets, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
        return self._compiled(targets, called, sample_weight)

    def added(self, called: stateless.Called) -> tf.Tensor | None:
        """Returns the losses that the model added [], or None if none are counted."""
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
        """Returns the mean loss [] of a batch with which the model was called."""
        value = self.compiled(batch, called)
        added = self.added(called)
        return value if added is None else value + tf.cast(added, value.dtype)

    def shares(
        self, batch: tuple[Any, ...], called: stateless.Called
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the compiled loss, and each example's share in its derivative.

        The share s_i of example i is the number of examples times the derivative by its
        outputs y_i. The loss's gradient by the weights is then the mean of the
        gradients of s_i . y_i, and these are the gradients of the single examples,
        whatever the reduction, the sample weights and the mask are.

        Returns:
          The loss [], and for each of `called.ends` the shares, of its shape.

        Raises:
          UserError: the loss has no derivative.
        """
        count = tf.shape(called.ends[0])[0]
        # Multiplied first: a single example's part may underflow in half precision.
        return self.slopes(batch, called, count)

    def slopes(
        self, batch: tuple[Any, ...], called: stateless.Called, factor: Any = 1
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the compiled loss, and `factor` times its slopes by `called.ends`.

        Raises:
          UserError: it has no derivative, or also depends on the weights directly.
        """
        value, slopes, others = self._differentiated(batch, called, factor)
        if any(slope is not None for slope in others):
            remedy = (
                "it looks at the weights themselves, not only at outputs; let the "
                "model add that part (add_loss, or a layer's regularizer)"
            )
            raise errors.UserError("loss", self.name, remedy)
        if all(slope is None for slope in slopes):
            raise self.no_gradient()
        return value, gradients.dense(slopes, called.ends)

    def bends(self, batch: tuple[Any, ...], called: stateless.Called) -> bool:
        """Returns whether the loss has a nonzero second derivative by the outputs."""
        ends = called.ends
        with tf.GradientTape() as outer:
            outer.watch(ends)
            _, slopes, _ = self._differentiated(batch, called)
            along = [
                tf.reduce_sum(
                    part
                    * tf.random.stateless_normal(
                        part.shape, [0, place], 0, 1, part.dtype
                    )
                )
                for place, part in enumerate(slopes)
                if part is not None
            ]
        found = outer.gradient(along, ends)
        return any(part is not None and tf.reduce_any(part != 0) for part in found)

    def _differentiated(
        self, batch: tuple[Any, ...], called: stateless.Called, factor: Any = 1
    ) -> tuple[tf.Tensor, list[Any], list[Any]]:
        """Returns the loss, and its derivatives by the ends and by the weights."""
        ends = called.ends
        with tf.GradientTape() as tape:
            tape.watch([ends, called.weights])
            value = self.compiled(batch, called)
            scaled = tf.cast(factor, value.dtype) * value
        slopes = tape.gradient(scaled, [*ends, *called.weights])
        return value, slopes[: len(ends)], slopes[len(ends) :]

    def recognise_sum(self, batch: tuple[Any, ...]) -> None:
        """Finds out whether a loss in the user's code is a sum over the batch.

        A few examples are given once, twice and three times: a sum grows in proportion,
        a mean stays, and a loss that compares examples grows in another way.
        """
        if self.is_sum or not self._compiled.is_own:
            return
        weights = self.weights()

        def repeated(times: int) -> float:
            some = tf.nest.map_structure(
                lambda a: tf.concat([a[:_FEW]] * times, 0), batch
            )
            called = stateless.call(self._model, weights, self.others(), some[0])
            return float(self.compiled(some, called))

        try:
            once, twice, thrice = map(repeated, (1, 2, 3))
        except Exception:  # noqa: BLE001, the user's code may raise anything
            return  # it may take batches of one size only; else measuring raises it
        grows = not math.isclose(once, twice, rel_tol=1e-3, abs_tol=1e-12)
        self.is_sum = grows and math.isclose(
            thrice - once, 2 * (twice - once), rel_tol=1e-3
        )

    def check_added(self, batch: tuple[Any, ...]) -> None:
        """Checks that the losses added in a call, if counted, are means over examples.

        Raises:
          UserError: they are not, so an example's part in them is unknown.
        """
        if not (self._adds and self._regularization):
            return
        weights = self.weights()

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

    def with_gradient(
        self,
        function: Callable[[gradients.Parts], tf.Tensor],
        weights: gradients.Parts,
    ) -> tuple[tf.Tensor, gradients.Parts]:
        """Returns the value [] of a function of this loss, and its gradient.

        Raises:
          UserError: it does not depend on the weights.
        """
        with tf.GradientTape() as tape:
            tape.watch(weights)
            value = function(weights)
        gradient = tape.gradient(value, weights)
        if all(part is None for part in gradient):
            raise self.no_gradient()
        return value, gradients.dense(gradient, weights)

    def no_gradient(self) -> errors.UserError:
        """Returns the error for a loss that does not depend on the weights."""
        remedy = "it does not depend on the weights in a differentiable way"
        return errors.UserError("loss", self.name, remedy)

    def weights(self) -> list[tf.Tensor]:
        """Returns the trainable weights, as tensors."""
        variables = self._model.trainable_variables
        return [tf.convert_to_tensor(v.value) for v in variables]
