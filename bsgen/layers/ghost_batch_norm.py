"""Ghost batch normalization: batch statistics over small parts of a large batch.

Hoffer, Hubara & Soudry (2017), arXiv:1705.08741, algorithm 1. Formulas of the training
phase in `ghost_statistics.py`, of the running statistics in `running_averages.py`.
"""

import math
import numbers
from typing import Any

import keras
import tensorflow as tf

from bsgen import errors
from bsgen.layers import ghost_statistics, ghosts, running_averages


@keras.saving.register_keras_serializable(package="bsgen")
class GhostBatchNormalization(keras.layers.Layer):
    """Batch normalization by the statistics of ghost batches; see algorithm 1.

    In training, examples l G to (l + 1) G - 1 of the batch form ghost l and

        y = gamma (x - mean_l) / sqrt(variance_l + epsilon) + beta

    with its own mean and biased variance over its examples and all axes but `axis`. At
    inference, and while `trainable` is False, with no constraint on the batch,

        y = gamma (x - moving_mean) / s + beta

    where s is moving_std, or sqrt(moving_variance + epsilon) with the other
    `running_spread`.

    After each training call  moving <- kept * moving + sum_l weight_l * statistic_l,
    with the weights of `running_averages`, where the statistic is mean_l, and

        c variance_l, or sqrt(c variance_l + epsilon) for "std",

    c = 1, or rows / (rows - 1) if `unbiased`, rows being the positions of ghost l. Both
    are float32 at least whatever the policy, and start at 0 and 1. Under
    `tf.distribute` each replica cuts its own part of the batch into ghosts, and they
    become the mean over replicas. Masks are refused.

    The defaults are the paper's algorithm with the constants of its released code,
    which itself has `running_spread="variance", unbiased=True`. With "variance", the
    ghost as large as the batch, momentum=0.99 and epsilon=1e-3 this is Keras'
    BatchNormalization.

    Args:
      ghost_batch_size: G, examples a ghost, at least 2.
      axis: the channel axis, any but the first.
      momentum: m in [0, 1), the share of the old running value that a ghost keeps.
      epsilon: positive, added to the variance.
      center: whether to add beta.
      scale: whether to multiply by gamma.
      running_statistics: "sequential" (the paper's), "sequential_scaled", "mean" or
        "pooled"; their formulas are in `running_averages.py`.
      running_spread: "std" (the paper's) or "variance", which one is averaged.
      unbiased: whether running spreads are unbiased estimates (of the variance).
      remainder: what becomes of a training batch that G does not divide. "error"
        refuses it; "smaller" makes one last, smaller ghost of the examples left over,
        but a single one joins the ghost before it, and a batch of one is refused. A
        batch size that is known only when a graph runs is checked then, as an
        `InvalidArgumentError`. XLA drops that check, and the shapes do not fit instead.
      beta_initializer: of beta.
      gamma_initializer: of gamma.
      beta_regularizer: of beta.
      gamma_regularizer: of gamma.
      beta_constraint: of beta.
      gamma_constraint: of gamma.
      **kwargs: further arguments of `keras.layers.Layer`.

    Raises:
      UserError: an argument is out of its range; when called, a training batch that
        `remainder` refuses, or a mask.
    """

    def __init__(
        self,
        ghost_batch_size: int,
        axis: int = -1,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        center: bool = True,
        scale: bool = True,
        running_statistics: running_averages.Rule = "sequential",
        running_spread: running_averages.Spread = "std",
        unbiased: bool = False,
        remainder: ghosts.Remainder = "error",
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _check_numbers(ghost_batch_size, axis, momentum, epsilon)
        for name, value, known in (
            ("running_statistics", running_statistics, running_averages.RULES),
            ("running_spread", running_spread, running_averages.SPREADS),
            ("remainder", remainder, ghosts.REMAINDERS),
        ):
            if value not in known:
                raise errors.unknown_name(name, value, known)
        self.ghost_batch_size = int(ghost_batch_size)
        self.axis = int(axis)
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.center = bool(center)
        self.scale = bool(scale)
        self.running_statistics = running_statistics
        self.running_spread = running_spread
        self.unbiased = bool(unbiased)
        self.remainder = remainder
        self._running_average = running_averages.RunningAverage(
            running_statistics,
            running_spread,
            self.unbiased,
            self.momentum,
            self.epsilon,
        )
        self.beta_initializer = keras.initializers.get(beta_initializer)
        self.gamma_initializer = keras.initializers.get(gamma_initializer)
        self.beta_regularizer = keras.regularizers.get(beta_regularizer)
        self.gamma_regularizer = keras.regularizers.get(gamma_regularizer)
        self.beta_constraint = keras.constraints.get(beta_constraint)
        self.gamma_constraint = keras.constraints.get(gamma_constraint)
        self.supports_masking = True  # so that Keras hands masks over, to be refused

    def build(self, input_shape: Any) -> None:
        """Makes gamma, beta and the running statistics, [channels] each."""
        rank = len(input_shape)
        if not -rank < self.axis < rank or self.axis == 0:
            remedy = f"name an axis but the first of inputs of shape {input_shape}"
            raise errors.UserError("axis", self.axis, remedy)
        channels = input_shape[self.axis]
        if channels is None:
            remedy = f"the inputs, of shape {input_shape}, must have a known size there"
            raise errors.UserError("axis", self.axis, remedy)
        self.input_spec = keras.InputSpec(ndim=rank, axes={self.axis: channels})
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=(channels,),
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                autocast=False,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=(channels,),
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                autocast=False,
            )
        self.moving_mean = self._add_statistic("moving_mean", "zeros", channels)
        spread = f"moving_{self.running_spread}"
        self.moving_spread = self._add_statistic(spread, "ones", channels)

    def call(
        self,
        inputs: tf.Tensor,
        training: bool | None = None,
        mask: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Returns normalized inputs, of their shape and of the policy's type.

        Args:
          inputs: any rank of at least 2, any float; examples along the first axis.
          training: whether to use, and keep in mind, the statistics of the ghosts.
          mask: refused.
        """
        _refuse_mask(mask)
        inputs = tf.convert_to_tensor(inputs)
        if training and self.trainable:
            return self._normalize_ghosts(inputs)
        return self._normalize_by_running_statistics(inputs)

    def compute_output_spec(
        self,
        inputs: keras.KerasTensor,
        training: bool | None = None,
        mask: Any = None,
    ) -> keras.KerasTensor:
        """Returns the shape of `inputs` and the policy's type; refuses a mask."""
        del training
        _refuse_mask(mask)
        return keras.KerasTensor(inputs.shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` needs for an equal layer, without weights."""
        serialize = {
            "initializer": keras.initializers.serialize,
            "regularizer": keras.regularizers.serialize,
            "constraint": keras.constraints.serialize,
        }
        objects = {
            f"{weight}_{kind}": function(getattr(self, f"{weight}_{kind}"))
            for weight in ("beta", "gamma")
            for kind, function in serialize.items()
        }
        plain = (
            *("ghost_batch_size", "axis", "momentum", "epsilon", "center", "scale"),
            *("running_statistics", "running_spread", "unbiased", "remainder"),
        )
        values = {name: getattr(self, name) for name in plain}
        return {**super().get_config(), **values, **objects}

    def _add_statistic(
        self, name: str, initializer: str, channels: int
    ) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=(channels,),
            initializer=initializer,
            dtype=ghost_statistics.statistics_dtype(self.variable_dtype),
            trainable=False,
            autocast=False,
            aggregation="mean",  # over replicas; Keras' default would let them drift
        )

    def _scale_and_offset(
        self, channels: int, dtype: str
    ) -> tuple[tf.Tensor, tf.Tensor]:
        gamma = tf.cast(self.gamma, dtype) if self.scale else tf.ones(channels, dtype)
        beta = tf.cast(self.beta, dtype) if self.center else tf.zeros(channels, dtype)
        return gamma, beta

    def _normalize_ghosts(self, inputs: tf.Tensor) -> tf.Tensor:
        rank = inputs.shape.rank
        axis = self.axis % rank
        inner = [each for each in range(1, rank) if each != axis]
        last = inputs if axis == rank - 1 else tf.transpose(inputs, [0, *inner, axis])
        try:
            parts = ghosts.cut(last, self.ghost_batch_size, self.remainder)
        except errors.UserError as error:
            raise _as_it_is(error) from None
        dtype = ghost_statistics.statistics_dtype(inputs.dtype.name)
        gamma, beta = self._scale_and_offset(inputs.shape[axis], dtype)
        normalized = [
            ghost_statistics.normalize(part, gamma, beta, self.epsilon)
            for part in parts
        ]
        outputs, means, variances = zip(*normalized, strict=True)
        num_rows = [tf.repeat(tf.shape(part)[1], tf.shape(part)[0]) for part in parts]
        num_ghosts = tf.cast(tf.shape(inputs)[0], dtype) / self.ghost_batch_size
        kept, *steps = self._running_average.step(
            tf.concat(means, 0),
            tf.concat(variances, 0),
            tf.cast(tf.concat(num_rows, 0), dtype),
            num_ghosts,
        )
        for moving, step in zip(
            (self.moving_mean, self.moving_spread), steps, strict=True
        ):
            old = tf.convert_to_tensor(moving)
            moving.assign(tf.cast(kept, old.dtype) * old + tf.cast(step, old.dtype))
        flat = [tf.reshape(output, [-1, output.shape[-1]]) for output in outputs]
        result = tf.reshape(tf.concat(flat, 0), tf.shape(last))
        if axis != rank - 1:
            back = [0, *range(1, axis), rank - 1, *range(axis, rank - 1)]
            result = tf.transpose(result, back)
        result.set_shape(inputs.shape)
        return tf.cast(result, self.compute_dtype)

    def _normalize_by_running_statistics(self, inputs: tf.Tensor) -> tf.Tensor:
        axis = self.axis % inputs.shape.rank
        dtype = ghost_statistics.statistics_dtype(inputs.dtype.name)
        gamma, beta = self._scale_and_offset(inputs.shape[axis], dtype)
        mean = tf.cast(self.moving_mean, dtype)
        spread = tf.cast(self.moving_spread, dtype)
        if self.running_spread == "variance":
            spread = tf.sqrt(spread + self.epsilon)
        shape = [1] * inputs.shape.rank
        shape[axis] = -1
        mean, slope, beta = (
            tf.reshape(each, shape) for each in (mean, gamma / spread, beta)
        )
        outputs = (tf.cast(inputs, dtype) - mean) * slope + beta
        return tf.cast(outputs, self.compute_dtype)


def _check_numbers(
    ghost_batch_size: Any, axis: Any, momentum: Any, epsilon: Any
) -> None:
    integer = isinstance(ghost_batch_size, numbers.Integral)
    if not integer or isinstance(ghost_batch_size, bool) or ghost_batch_size < 2:
        remedy = "give an integer of at least 2; one example has no spread"
        raise errors.UserError("ghost_batch_size", ghost_batch_size, remedy)
    if not isinstance(axis, numbers.Integral) or isinstance(axis, bool):
        raise errors.UserError("axis", axis, "give the integer of one axis")
    if not isinstance(momentum, (int, float)) or not 0 <= momentum < 1:
        raise errors.UserError("momentum", momentum, "give a number in [0, 1)")
    if not isinstance(epsilon, (int, float)) or not 0 < epsilon < math.inf:
        raise errors.UserError("epsilon", epsilon, "give a finite number above 0")


def _refuse_mask(mask: Any) -> None:
    if mask is not None:
        remedy = "every position counts here; remove the mask before this layer"
        raise _as_it_is(errors.UserError("mask", "given", remedy))


def _as_it_is(error: errors.UserError) -> errors.UserError:
    """Marks an error so that Keras leaves it alone.

    Keras makes any other error of a `call` anew, from a message of many lines, and as a
    RuntimeError where the class takes more than a message.
    """
    setattr(error, "_keras_call_info_injected", True)  # noqa: B010
    return error
