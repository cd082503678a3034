"""Ghost batch normalization: batch statistics over small parts of a large batch.

Hoffer, Hubara & Soudry (2017), arXiv:1705.08741, algorithm 1. Its training phase is in
`ghost_statistics.py`, its running statistics are in `running_averages.py`.
"""

from typing import Any

import keras
import tensorflow as tf

from bsgen import errors
from bsgen.layers import (
    ghost_statistics,
    ghost_weights,
    ghosts,
    keras_batch_norm,
    running_averages,
    running_normalization,
)


@keras.saving.register_keras_serializable(package="bsgen")
class GhostBatchNormalization(running_normalization.RunningNormalization):
    """Batch normalization by the statistics of ghost batches; see algorithm 1.

    In training, examples l G to (l + 1) G - 1 of the batch form ghost l and

        y = gamma (x - mean_l) / sqrt(variance_l + epsilon) + beta

    with the ghost's own mean and biased variance over its examples and all axes but
    `axis`. At inference, and while `trainable` is False, any batch is allowed and

        y = gamma (x - moving_mean) / sqrt(moving_variance + epsilon) + beta.

    After each training call  moving <- kept * moving + sum_l weight_l * statistic_l,
    with the weights of `running_averages`, for mean_l and for the spread, which is

        c variance_l, or sqrt(c variance_l + epsilon) for "std",

    c = 1, or rows / (rows - 1) if `unbiased`, where rows counts the positions of ghost
    l. moving_mean and moving_variance start at 0 and 1 and are at least float32 under
    any policy. With "std", moving_variance is the square of the running standard
    deviation less epsilon. So all weights mean what they mean in Keras'
    BatchNormalization and can be copied between the two. Under `tf.distribute` each
    replica cuts its own part of the batch into ghosts, and the running averages become
    the mean over replicas.

    Under a mask, ghosts are cut as without it, statistics are taken over the positions
    that the mask keeps, as in Keras' layer, and the outputs keep the mask.

    The defaults are the paper's algorithm with the constants of its released code,
    which itself uses `running_spread="variance", unbiased=True`. With "variance", a
    ghost as large as the batch, momentum=0.99 and epsilon=1e-3 this is Keras'
    BatchNormalization.

    Attributes:
      moving_mean, moving_variance: the weights, [channels].
      moving_std: what inference divides by, sqrt(moving_variance + epsilon).
      unmarked_spread: how to read a file of weights alone that does not say what its
        spread is: "std" if an older version of this layer wrote it, "variance" if
        Keras' layer did; None refuses it.

    Args:
      ghost_batch_size: G, examples a ghost, at least 2.
      axis: the channel axis, any but the first.
      momentum: m in [0, 1), the share of the old running value that a ghost keeps.
      epsilon: positive, added to the variance.
      center: whether to add beta.
      scale: whether to multiply by gamma.
      running_statistics: "sequential" (the paper's), "sequential_scaled", "mean" or
        "pooled"; their formulas are in `running_averages.py`.
      running_spread: "std" (the paper's) or "variance", which of them is averaged.
      unbiased: whether running spreads are unbiased estimates (of the variance).
      remainder: what happens to a training batch that G does not divide. "smaller"
        makes one last, smaller ghost of the examples left over, but a single one joins
        the ghost before it, and a batch of one example is normalized as at inference
        and leaves the running averages alone. "error" refuses the batch; where its size
        is known only when a graph runs, with an `InvalidArgumentError` at that time.
        XLA would drop that check, so under XLA a batch of unknown size is refused.
      **kwargs: `beta_initializer`, `gamma_initializer`, `beta_regularizer`,
        `gamma_regularizer`, `beta_constraint` and `gamma_constraint`, as in Keras'
        BatchNormalization, and further arguments of `keras.layers.Layer`.

    Raises:
      UserError: an argument is out of its range; when called, a training batch that
        `remainder` refuses, or a mask of another shape.
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
        remainder: ghosts.Remainder = "smaller",
        **kwargs: Any,
    ) -> None:
        super().__init__(axis, epsilon, center, scale, **kwargs)
        # One example has no spread.
        self.ghost_batch_size = errors.check_integer(
            "ghost_batch_size", ghost_batch_size, 2
        )
        self.momentum = errors.check_real("momentum", momentum, 0.0, 1.0)
        for name, value, known in (
            ("running_statistics", running_statistics, running_averages.RULES),
            ("running_spread", running_spread, running_averages.SPREADS),
            ("remainder", remainder, ghosts.REMAINDERS),
        ):
            if value not in known:
                raise errors.unknown_name(name, value, known)
        self.running_statistics = running_statistics
        self.running_spread: running_averages.Spread = running_spread
        self.unbiased = bool(unbiased)
        self.remainder: ghosts.Remainder = remainder
        self.unmarked_spread: running_averages.Spread | None = None

    def call(
        self,
        inputs: tf.Tensor,
        training: bool | None = None,
        mask: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Returns normalized inputs, of their shape and of the policy's type.

        Args:
          inputs: any rank of at least 2, any float; examples along the first axis.
          training: whether to use the statistics of the ghosts and to average them.
          mask: [batch, ...] without the channels, which must come last: the positions
            that statistics are taken over.
        """
        inputs = tf.convert_to_tensor(inputs)
        if mask is not None:
            self._check_mask(inputs.shape, mask.shape)
        if training and self.trainable:
            return self._normalize_ghosts(inputs, mask)
        return self.normalize_by_running_statistics(inputs)

    def compute_output_spec(
        self,
        inputs: keras.KerasTensor,
        training: bool | None = None,
        mask: Any = None,
    ) -> keras.KerasTensor:
        """Returns the shape of `inputs` and the policy's type."""
        del training
        if mask is not None:
            self._check_mask(inputs.shape, mask.shape)
        return keras.KerasTensor(inputs.shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` needs for an equal layer, without weights."""
        names = ["ghost_batch_size", "momentum", "running_statistics"]
        names += ["running_spread", "unbiased", "remainder"]
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **own, **ghost_weights.STORED}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "GhostBatchNormalization":
        """Returns the layer of a configuration, including those of older versions."""
        config = dict(config)
        marked = {config.pop(name, None) for name in ghost_weights.STORED} != {None}
        try:
            layer = super().from_config(config)
        except TypeError as error:  # Keras rewraps whatever the constructor raises.
            if isinstance(error.__context__, errors.UserError):
                raise error.__context__ from None
            raise
        layer.unmarked_spread = None if marked else layer.running_spread
        return layer

    @classmethod
    def from_batch_normalization(
        cls,
        layer: keras.layers.BatchNormalization,
        ghost_batch_size: int,
        **arguments: Any,
    ) -> "GhostBatchNormalization":
        """Returns a layer with the arguments and the weights of Keras' layer.

        At inference it gives the same outputs as `layer`; training uses ghosts.

        Args:
          layer: built or not; it is not changed.
          ghost_batch_size: G.
          **arguments: of the new layer, overriding those of `layer`.

        Raises:
          UserError: `layer` is not a batch normalization, or an argument is out of its
            range.
        """
        shared = keras_batch_norm.shared_arguments(layer)
        config = {**shared, "ghost_batch_size": ghost_batch_size, **arguments}
        converted = cls.from_config({**config, **ghost_weights.STORED})
        keras_batch_norm.copy_weights(layer, converted)
        return converted

    def to_batch_normalization(self) -> keras.layers.BatchNormalization:
        """Returns Keras' layer with this one's arguments and weights.

        At inference it gives the same outputs.
        """
        shared = keras_batch_norm.shared_arguments(self)
        layer = keras.layers.BatchNormalization.from_config(shared)
        keras_batch_norm.copy_weights(self, layer)
        return layer

    def save_own_variables(self, store: Any) -> None:
        """Writes the weights into this layer's place in a file."""
        ghost_weights.save(self, store)

    def load_own_variables(self, store: Any) -> None:
        """Reads the weights from this layer's place in a file."""
        ghost_weights.load(self, store)

    def _normalize_ghosts(self, inputs: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
        rank = inputs.shape.rank
        axis = self.axis % rank
        inner = [each for each in range(1, rank) if each != axis]
        last = inputs if axis == rank - 1 else tf.transpose(inputs, [0, *inner, axis])
        batch_size = ghosts.sizes(last)[0]
        cut = ghosts.Cut(batch_size, self.ghost_batch_size, self.remainder)
        outputs = self._normalize_parts(cut, cut.checked(last), mask)
        alone = cut.alone(last)
        if alone is not None:
            outputs.append(self.normalize_by_running_statistics(alone, rank - 1))
        flat = [tf.reshape(output, [-1, output.shape[-1]]) for output in outputs]
        result = tf.reshape(tf.concat(flat, 0), tf.shape(last))
        if axis != rank - 1:
            back = [0, *range(1, axis), rank - 1, *range(axis, rank - 1)]
            result = tf.transpose(result, back)
        result.set_shape(inputs.shape)
        return tf.cast(result, self.compute_dtype)

    def _normalize_parts(
        self, cut: ghosts.Cut, examples: tf.Tensor, mask: tf.Tensor | None
    ) -> list[tf.Tensor]:
        """Returns normalized ghosts, and updates the running averages."""
        dtype = ghost_statistics.statistics_dtype(examples.dtype.name)
        gamma, beta = self.scale_and_offset(examples.shape[-1], dtype)
        parts = cut.ghosts(examples)
        counted: list[tf.Tensor | None] = [None] * len(parts)
        if mask is not None:
            counted = list(cut.ghosts(tf.cast(mask, tf.bool)[..., None]))
        normalized = [
            ghost_statistics.normalize(part, gamma, beta, self.epsilon, rows)
            for part, rows in zip(parts, counted, strict=True)
        ]
        outputs, means, variances = zip(*normalized, strict=True)
        num_rows = [
            ghost_statistics.count_rows(part, rows, gamma.dtype)
            for part, rows in zip(parts, counted, strict=True)
        ]
        rule = running_averages.RunningAverage(
            self.running_statistics,
            self.running_spread,
            self.unbiased,
            self.momentum,
            self.epsilon,
        )
        mean, variance, rows = (
            tf.concat(each, 0) for each in (means, variances, num_rows)
        )
        size = tf.cast(tf.shape(examples)[0], dtype) / self.ghost_batch_size
        rule.move((self.moving_mean, self.moving_variance), mean, variance, rows, size)
        return list(outputs)

    def _check_mask(self, shape: Any, mask_shape: Any) -> None:
        rank = len(shape)
        if self.axis % rank != rank - 1 or len(mask_shape) != rank - 1:
            remedy = f"give [batch, ...] without channels for inputs of shape {shape}, "
            remedy += f"whose channels (axis={self.axis}) come last"
            raise errors.UserError("mask", tuple(mask_shape), remedy)
