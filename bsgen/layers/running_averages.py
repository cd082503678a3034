"""How the statistics of K ghost batches enter the running ones: rules by name.

Every rule is one step  running <- kept * running + sum_l weight_l * statistic_l  with
kept + sum_l weight_l = 1. With m the share of the old value that is kept (Keras'
momentum; the paper's eta is 1 - m) and ghosts of equal size:

    sequential         kept = m^K, weight_l = (1 - m) m^(K - l): ghost after ghost, in
                       order. Hoffer et al. (2017), arXiv:1705.08741, algorithm 1, whose
                       printed exponents |B_S| and i we read as K and K - l, for
                       otherwise the weights do not sum to 1. Their released code does
                       the same.
    sequential_scaled  the same with 1 - (1 - m) / K for m, so that a step forgets about
                       as much as plain batch normalization does (MosaicML composer).
    mean               kept = m, weight_l = (1 - m) / K (Keras 2, virtual_batch_size).
    pooled             kept = m, and 1 - m for the statistics of the whole batch: mean
                       mu of the ghosts' means mu^l, and mean of
                       variance^l + (mu^l - mu)^2 (init2winit).

Our choice for ghosts of unequal size: one of size s (1 for a full one) counts as s
ghosts, so that K is the sum of the sizes (for "sequential_scaled" at least 1), m^s
stands for m, and means are weighted by s.
"""

import dataclasses
from typing import Literal

import tensorflow as tf

Rule = Literal["sequential", "sequential_scaled", "mean", "pooled"]
RULES = ("sequential", "sequential_scaled", "mean", "pooled")
Spread = Literal["std", "variance"]
SPREADS = ("std", "variance")


@dataclasses.dataclass(frozen=True)
class RunningAverage:
    """A rule, and what is averaged.

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

    def step(
        self,
        mean: tf.Tensor,
        variance: tf.Tensor,
        num_rows: tf.Tensor,
        num_ghosts: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns what is kept of the old values, and what is added to it.

        Args:
          mean: [ghosts, channels], of each ghost, in order.
          variance: [ghosts, channels], biased.
          num_rows: [ghosts], positions in each ghost; one without any has no weight.
          num_ghosts: K, the sum of the sizes, a scalar.

        Returns:
          `(kept, mean_step, spread_step)`: a scalar, [channels] and [channels].
        """
        share = num_rows / tf.reduce_sum(num_rows)
        kept, weights = self._weights(share * num_ghosts)
        if self.rule == "pooled":
            mean, variance = _pool(mean, variance, share)
            weights = tf.reduce_sum(weights, keepdims=True)
            num_rows = tf.reduce_sum(num_rows, keepdims=True)
        if self.unbiased:
            variance *= (num_rows / tf.maximum(num_rows - 1, 1))[:, None]
        std = self.spread == "std"
        spread = tf.sqrt(variance + self.epsilon) if std else variance
        weights = weights[:, None]
        return kept, *(tf.reduce_sum(weights * each, 0) for each in (mean, spread))

    def _weights(self, sizes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What is kept, and the weight of each ghost, [ghosts]; they sum to 1."""
        momentum = tf.constant(self.momentum, sizes.dtype)
        total = tf.reduce_sum(sizes)
        if self.rule in ("mean", "pooled"):
            return momentum, (1 - momentum) * sizes / total
        if self.rule == "sequential_scaled":
            momentum = 1 - (1 - momentum) / tf.maximum(total, 1)
        later = tf.cumsum(sizes, exclusive=True, reverse=True)
        return momentum**total, (1 - momentum**sizes) * momentum**later


def _pool(
    mean: tf.Tensor, variance: tf.Tensor, share: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and biased variance of all ghosts together, [1, channels] each."""
    share = share[:, None]
    whole = tf.reduce_sum(share * mean, 0, keepdims=True)
    spread = variance + tf.square(mean - whole)
    return whole, tf.reduce_sum(share * spread, 0, keepdims=True)
