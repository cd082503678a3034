"""How the statistics of K ghost batches update the running ones: rules by name.

Every rule is one step  running <- kept * running + sum_l weight_l * statistic_l  with
kept + sum_l weight_l = 1. With m the share of the old value that is kept (Keras'
momentum; the paper's eta is 1 - m) and ghosts of equal size:

    sequential         kept = m^K, weight_l = (1 - m) m^(K - l): ghost after ghost, in
                       order. Hoffer et al. (2017), arXiv:1705.08741, algorithm 1. We
                       read its printed exponents |B_S| and i as K and K - l, because
                       otherwise the weights do not sum to 1, and because their
                       released code does so.
    sequential_scaled  the same with 1 - (1 - m) / K for m, so that a step forgets about
                       as much as plain batch normalization (MosaicML Composer).
    mean               kept = m, weight_l = (1 - m) / K (Keras 2, virtual_batch_size).
    pooled             kept = m, and 1 - m for the statistics of the whole batch: mean
                       mu of the ghosts' means mu^l, and mean of
                       variance^l + (mu^l - mu)^2 (init2winit).

Our choice for ghosts of unequal size: one of size s (1 for a full one) counts as s
ghosts, so that K is the sum of the sizes (for "sequential_scaled" at least 1), m^s
replaces m, and means are weighted by s. Under a mask, sizes count positions instead, so
that a ghost without any has no weight, and a batch without any changes nothing.

The weight that is kept is a variance in either case, as in Keras' BatchNormalization.
Where standard deviations are averaged, it is  std^2 - epsilon  of the running std.
"""

import dataclasses
from typing import Literal

import keras
import tensorflow as tf

Rule = Literal["sequential", "sequential_scaled", "mean", "pooled"]
RULES = ("sequential", "sequential_scaled", "mean", "pooled")
Spread = Literal["std", "variance"]
SPREADS = ("std", "variance")


@dataclasses.dataclass(frozen=True)
class RunningAverage:
    """A rule, and the statistic that it averages.

    Attributes:
      rule: one of `RULES`.
      spread: "variance", or "std" for sqrt(variance + epsilon).
      unbiased: whether variances are multiplied by rows / (rows - 1) first.
      momentum: m in [0, 1).
      epsilon: positive.
    """

    rule: Rule
    spread: Spread
    unbiased: bool
    momentum: float
    epsilon: float

    def move(
        self,
        weights: tuple[keras.Variable, keras.Variable],
        mean: tf.Tensor,
        variance: tf.Tensor,
        num_rows: tf.Tensor,
        num_ghosts: tf.Tensor,
    ) -> None:
        """Takes one step, together with all replicas.

        Args:
          weights: the running mean and variance, [channels] each, updated in place;
            TensorFlow averages over replicas what they assign.
          mean: [ghosts, channels], of each ghost, in order.
          variance: [ghosts, channels], biased.
          num_rows: [ghosts], positions in each ghost; a ghost of none has no weight.
          num_ghosts: K, the sum of the sizes, a scalar.
        """
        old_mean, old_variance = (tf.cast(weight, mean.dtype) for weight in weights)
        old_spread = self._spread_of(old_variance)
        share = num_rows / tf.maximum(tf.reduce_sum(num_rows), 1)
        kept, shares = self._weights(share * num_ghosts)
        if self.rule == "pooled":
            mean, variance = _pool(mean, variance, share)
            shares = tf.reduce_sum(shares, keepdims=True)
            num_rows = tf.reduce_sum(num_rows, keepdims=True)
        if self.unbiased:
            variance *= (num_rows / tf.maximum(num_rows - 1, 1))[:, None]
        shares = shares[:, None]
        new_mean = kept * old_mean + tf.reduce_sum(shares * mean, 0)
        spread = self._spread_of(variance)
        new = kept * old_spread + tf.reduce_sum(shares * spread, 0)
        if self.spread == "std":
            # Replicas average standard deviations, not their squares.
            new = _mean_over_replicas(new)
            stays = tf.equal(new, old_spread)  # then the variance stays bit for bit
            new = tf.where(stays, old_variance, variance_of_std(new, self.epsilon))
        for weight, value in zip(weights, (new_mean, new), strict=True):
            weight.assign(tf.cast(value, weight.dtype))

    def _spread_of(self, variance: tf.Tensor) -> tf.Tensor:
        """Returns the spread that is averaged, given a variance."""
        return tf.sqrt(variance + self.epsilon) if self.spread == "std" else variance

    def _weights(self, sizes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns `kept` and the weight of each ghost, [ghosts]; they sum to 1."""
        momentum = tf.constant(self.momentum, sizes.dtype)
        total = tf.reduce_sum(sizes)
        if self.rule in ("mean", "pooled"):
            weights = (1 - momentum) * tf.math.divide_no_nan(sizes, total)
            return tf.where(total > 0, momentum, 1), weights
        if self.rule == "sequential_scaled":
            momentum = 1 - (1 - momentum) / tf.maximum(total, 1)
        later = tf.cumsum(sizes, exclusive=True, reverse=True)
        return momentum**total, (1 - momentum**sizes) * momentum**later


def variance_of_std(std: tf.Tensor, epsilon: float) -> tf.Tensor:
    """Returns the variance to keep for a running standard deviation."""
    # The mean of sqrt(variance + epsilon) is at least sqrt(epsilon), up to rounding.
    return tf.maximum(tf.square(std) - epsilon, 0)


def _mean_over_replicas(value: tf.Tensor) -> tf.Tensor:
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, value)


def _pool(
    mean: tf.Tensor, variance: tf.Tensor, share: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns mean and biased variance of the whole batch, [1, channels] each."""
    share = share[:, None]
    whole = tf.reduce_sum(share * mean, 0, keepdims=True)
    spread = variance + tf.square(mean - whole)
    return whole, tf.reduce_sum(share * spread, 0, keepdims=True)
