"""What `compile` and `fit` make of a loss, by Keras' own code.

Keras gives targets the shape of outputs, reads "crossentropy" off the two, spreads
lists and dictionaries of losses over several outputs, and applies loss weights, sample
weights, masks and reductions. None of this is written again here: a model without
layers is compiled with the loss and computes it, so the user's model stays untouched.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from bsgen import errors
from bsgen.measures.objective import stateless

# Whatever `compile` takes as `loss`: a name, a `keras.losses.Loss`, a function of
# (targets, outputs), or lists or dictionaries of them. None: the model's own.
Loss: TypeAlias = Any

_BY_SHAPE = ("crossentropy", "ce")  # Keras resolves these by targets and outputs


class CompiledLoss:
    """The loss of a batch, given a model's outputs.

    Attributes:
      name: of the loss, for messages.
      is_sum: whether a loss declares itself a sum over the batch, so that it and all
        its derivatives grow with the batch.
      is_own: whether a loss is the user's code, which may be an undeclared sum.
    """

    def __init__(self, model: keras.Model, loss: Loss, loss_weights: Any = None):
        """Compiles the loss; Keras adapts it to the shapes at the first call.

        Args:
          model: whose outputs it is computed from.
          loss: see `Loss`.
          loss_weights: as for `compile`; None for 1 each, or for the model's own where
            `loss` is None.

        Raises:
          UserError: there is no such loss, the model has none of its own, or the
            weights are not numbers.
        """
        if loss is None:
            loss, own_weights = _of_model(model)
            loss_weights = own_weights if loss_weights is None else loss_weights
        parts = keras.tree.flatten(loss)
        for part in parts:
            _check(part)
        self.name = _name(parts[0]) if len(parts) == 1 else "loss"
        self.is_sum = any(getattr(part, "reduction", None) == "sum" for part in parts)
        self.is_own = any(map(_is_own, parts))
        self._double = any(v.dtype == "float64" for v in model.trainable_variables)
        self._shell = _Shell(getattr(model, "output_names", None))
        wrapped = keras.tree.map_structure(_taking_class_numbers, loss)
        with _float_type(self._double):
            try:
                self._shell.compile(None, wrapped, loss_weights=loss_weights)
            except ValueError as error:
                remedy = "give what `compile` takes: numbers in the form of the losses"
                raise errors.UserError("loss_weights", loss_weights, remedy) from error

    def __call__(
        self, targets: Any, called: stateless.Called, sample_weight: Any = None
    ) -> tf.Tensor:
        """Returns the loss of a batch [], as `evaluate` reports it for the batch.

        Raises:
          UserError: targets or losses have names, but the outputs have none.
        """
        unnamed = getattr(self._shell, "output_names", None) is None
        if unnamed and not isinstance(called.outputs, dict):
            for argument, given in (("targets", targets), ("loss", self._shell.loss)):
                if isinstance(given, dict):
                    remedy = "the model's outputs have no names; give targets and "
                    remedy += "losses as a list in the order of the outputs"
                    raise errors.UserError(argument, sorted(given), remedy)
        # A user's function may also read the variables of the model.
        scope = keras.StatelessScope(called.values)
        with _one_replica(), _float_type(self._double), scope:
            value = self._shell.compute_loss(
                y=targets, y_pred=called.outputs, sample_weight=sample_weight
            )
        # A loss without reduction has a value for each example; `evaluate` takes their
        # mean.
        return tf.reduce_mean(value)


class _Shell(keras.Model):
    """A model without layers, for its `compile` and `compute_loss`."""

    def __init__(self, output_names: Any):
        super().__init__()
        if output_names is not None:
            self.output_names = output_names


def _of_model(model: keras.Model) -> tuple[Any, Any]:
    """Returns the loss and the loss weights that a model is compiled with."""
    if type(model).compute_loss is not keras.Model.compute_loss:
        remedy = "its class computes the loss itself (compute_loss); give a loss"
        raise errors.UserError("model", model.name, remedy)
    if not model.compiled or getattr(model, "loss", None) is None:
        remedy = "give a loss, or compile the model with one"
        raise errors.UserError("loss", None, remedy)
    # The public `get_compile_config` serialises, which not every loss can be.
    return model.loss, model._compile_config.config.get("loss_weights")


def _check(loss: Any) -> None:
    if isinstance(loss, str) and loss.lower() not in _BY_SHAPE:
        try:
            keras.losses.get(loss)
        except ValueError as error:
            remedy = "Keras knows no such loss"
            raise errors.UserError("loss", loss, remedy) from error
    elif not (loss is None or isinstance(loss, str) or callable(loss)):
        remedy = "give what `compile` takes: a name, a Keras loss or a function"
        raise errors.UserError("loss", loss, remedy)


def _name(loss: Any) -> str:
    if isinstance(loss, str):
        return loss
    return getattr(loss, "name", getattr(loss, "__name__", "loss"))


def _is_own(loss: Any) -> bool:
    module = getattr(loss, "__module__", None) or ""
    return callable(loss) and not module.startswith("keras.")


def _taking_class_numbers(loss: Any) -> Any:
    """Returns a loss that copes with class numbers as floats, as Keras passes them."""
    if isinstance(loss, keras.losses.Loss | type) or not _is_own(loss):
        return loss
    return _IntegersWhereNeeded(loss)


class _IntegersWhereNeeded:
    """A user's function, called with integer class numbers if it refuses floats.

    Keras casts all targets to floats, which functions such as
    `tf.nn.sparse_softmax_cross_entropy_with_logits` refuse.
    """

    def __init__(self, function: Callable[..., Any]):
        functools.update_wrapper(self, function)
        self._function = function
        self._needed = False

    def __call__(self, targets: Any, outputs: Any) -> Any:
        if not self._needed:
            try:
                return self._function(targets, outputs)
            except (TypeError, ValueError, tf.errors.InvalidArgumentError) as error:
                if not re.search(r"\bint(32|64)\b", str(error)):
                    raise
                self._needed = True
        numbers = tf.cast(targets, tf.int64)
        message = "the loss takes whole numbers only"
        same = tf.cast(numbers, targets.dtype)
        with tf.control_dependencies(
            [tf.debugging.assert_equal(same, targets, message=message)]
        ):
            return self._function(tf.identity(numbers), outputs)


@contextlib.contextmanager
def _float_type(double: bool) -> Iterator[None]:
    """Makes Keras compute the loss of a float64 model in float64, not in float32."""
    usual = keras.config.floatx()
    keras.config.set_floatx("float64" if double else usual)
    try:
        yield
    finally:
        keras.config.set_floatx(usual)


@contextlib.contextmanager
def _one_replica() -> Iterator[None]:
    """Keeps Keras from dividing a replica's loss by the number of replicas."""
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        yield
        return
    alone = tf.distribute.OneDeviceStrategy("/cpu:0")
    with tf.distribute.ReplicaContext(alone, 0):
        yield
