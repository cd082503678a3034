"""Batch normalization at inference: an affine map of each channel.

    y = gamma (x - moving_mean) / sqrt(moving_variance + epsilon) + beta

The weights are those of Keras' BatchNormalization.
"""

import numbers
from typing import Any

import keras
import tensorflow as tf

from bsgen import errors
from bsgen.layers import ghost_statistics, running_averages


class RunningNormalization(keras.layers.Layer):
    """Has the weights of batch normalization, and normalizes as it does at inference.

    Args:
      axis: the channel axis, any but the first.
      epsilon: positive, added to the variance.
      center, scale: whether to add beta, and to multiply by gamma.
      beta_initializer, gamma_initializer: as in Keras' BatchNormalization.
      beta_regularizer, gamma_regularizer: likewise.
      beta_constraint, gamma_constraint: likewise.
      **kwargs: further arguments of `keras.layers.Layer`.

    Raises:
      UserError: an argument is out of its range.
    """

    def __init__(
        self,
        axis: int,
        epsilon: float,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(axis, numbers.Integral) or isinstance(axis, bool):
            raise errors.UserError("axis", axis, "give the integer of one axis")
        self.axis: int = int(axis)
        self.epsilon: float = errors.check_real("epsilon", epsilon, 0.0)
        if not self.epsilon:
            raise errors.UserError("epsilon", epsilon, "give a number above 0")
        self.center: bool = bool(center)
        self.scale: bool = bool(scale)
        self.beta_initializer: Any = keras.initializers.get(beta_initializer)
        self.gamma_initializer: Any = keras.initializers.get(gamma_initializer)
        self.beta_regularizer: Any = keras.regularizers.get(beta_regularizer)
        self.gamma_regularizer: Any = keras.regularizers.get(gamma_regularizer)
        self.beta_constraint: Any = keras.constraints.get(beta_constraint)
        self.gamma_constraint: Any = keras.constraints.get(gamma_constraint)
        self.gamma: keras.Variable | None = None
        self.beta: keras.Variable | None = None
        self.supports_masking = True

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
        self.gamma = self._add_affine("gamma", channels) if self.scale else None
        self.beta = self._add_affine("beta", channels) if self.center else None
        self.moving_mean = self._add_statistic("moving_mean", "zeros", channels)
        self.moving_variance = self._add_statistic("moving_variance", "ones", channels)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the inputs; wrappers such as TimeDistributed need it."""
        return input_shape

    @property
    def moving_std(self) -> tf.Tensor:
        """sqrt(moving_variance + epsilon), [channels]: what inference divides by."""
        return tf.sqrt(tf.convert_to_tensor(self.moving_variance) + self.epsilon)

    def variance_of_std(self, std: tf.Tensor) -> tf.Tensor:
        """Returns the moving_variance that gives this moving_std."""
        std = tf.convert_to_tensor(std)
        return running_averages.variance_of_std(std, self.epsilon)

    def normalize_by_running_statistics(
        self, inputs: tf.Tensor, axis: int | None = None
    ) -> tf.Tensor:
        """Returns y, of the policy's type.

        Args:
          inputs: of any float and any rank.
          axis: of the channels in `inputs`, where it is not `self.axis`.
        """
        rank = inputs.shape.rank
        axis = (self.axis if axis is None else axis) % rank
        dtype = ghost_statistics.statistics_dtype(inputs.dtype.name)
        gamma, beta = self.scale_and_offset(inputs.shape[axis], dtype)
        shape = [1] * rank
        shape[axis] = -1
        mean = tf.cast(self.moving_mean, dtype)
        slope = gamma / tf.cast(self.moving_std, dtype)
        mean, slope, beta = (tf.reshape(each, shape) for each in (mean, slope, beta))
        outputs = (tf.cast(inputs, dtype) - mean) * slope + beta
        return tf.cast(outputs, self.compute_dtype)

    def scale_and_offset(
        self, channels: int, dtype: str
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns gamma and beta, [channels]; ones and zeros where there are none."""
        gamma = tf.cast(self.gamma, dtype) if self.scale else tf.ones(channels, dtype)
        beta = tf.cast(self.beta, dtype) if self.center else tf.zeros(channels, dtype)
        return gamma, beta

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, without weights."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": keras.initializers.serialize(self.beta_initializer),
            "gamma_initializer": keras.initializers.serialize(self.gamma_initializer),
            "beta_regularizer": keras.regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": keras.regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": keras.constraints.serialize(self.beta_constraint),
            "gamma_constraint": keras.constraints.serialize(self.gamma_constraint),
        }

    def _add_affine(self, name: str, channels: int) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=(channels,),
            initializer=getattr(self, f"{name}_initializer"),
            regularizer=getattr(self, f"{name}_regularizer"),
            constraint=getattr(self, f"{name}_constraint"),
            autocast=False,
        )

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
            aggregation="mean",  # over replicas, which drift apart with Keras' default
        )
