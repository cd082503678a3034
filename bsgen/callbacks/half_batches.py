"""The gradients of the two halves of a training batch, as two numbers.

McCandlish, Kaplan & Amodei (2018), arXiv 1812.06162, appendix A: the squared length of
the gradient of b examples has the mean |G|^2 + tr(Sigma) / b, so that two sizes of b
tell the gradient's own length |G|^2 from the noise tr(Sigma). Here the smaller b are
the halves of a batch (of each device's part), and the larger is the whole batch.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.measures.objective import gradients, mean_loss


class Moments(NamedTuple):
    """Unbiased estimates from one batch; far from exact, one by one.

    Attributes:
      noise: tr(Sigma), the covariance's trace of the gradient of one example.
      squared_gradient: |G|^2, of the mean gradient; may fall below 0.
    """

    noise: float
    squared_gradient: float


class HalfBatches:
    """Measures on batches as `fit` has them; the model stays as it is."""

    def __init__(self, model: keras.Model):
        """Compiles at the first batch.

        Raises:
          UserError: the loss is no mean over examples, or the model computes it itself.
        """
        self._model = model
        self._loss = mean_loss.MeanLoss(model, None, training=True)
        if self._loss.is_sum:
            remedy = "a sum over the batch; use a mean, as Keras' losses are by default"
            raise errors.UserError("loss", self._loss.name, remedy)
        self._strategy = model.distribute_strategy
        self._scale_loss = getattr(model.optimizer, "scale_loss", lambda loss: loss)
        self._squares = tf.function(
            lambda batch: self._strategy.run(self._of_replica, (batch,)),
            autograph=False,
            reduce_retracing=True,
            jit_compile=model.jit_compile is True and self._count_replicas() == 1,
        )

    def measure(self, batch: Any) -> Moments | None:
        """Returns the moments; None where they are not finite, as of too few examples.

        A batch is (inputs, targets) or (inputs, targets, weights), of all devices.
        """
        found = self._strategy.experimental_local_results(self._squares(batch))[0]
        halves, inverse_size, whole, size = np.asarray(found.numpy(), np.float64)
        # E halves = |G|^2 + noise inverse_size and E whole = |G|^2 + noise / size.
        with np.errstate(all="ignore"):
            noise = (halves - whole) / (inverse_size - 1.0 / size)
            squared_gradient = whole - noise / size
        moments = Moments(float(noise), float(squared_gradient))
        return moments if np.all(np.isfinite(moments)) else None

    def _count_replicas(self) -> int:
        return self._strategy.num_replicas_in_sync

    def _of_replica(self, batch: Any) -> tf.Tensor:
        """Returns mean |g|^2 and 1 / b of the halves; |g|^2 and b of the whole, [4]."""
        if not isinstance(batch, tuple):
            batch = (batch,)
        size = tf.shape(tf.nest.flatten(batch[0])[0])[0]
        middle = size // 2
        halves = [
            tf.nest.map_structure(lambda x: x[:middle], batch),
            tf.nest.map_structure(lambda x: x[middle:], batch),
        ]
        counts = [tf.cast(each, tf.float32) for each in (middle, size - middle)]
        found = [self._gradient(half) for half in halves]
        squares = tf.add_n([gradients.dot(each, each) for each in found]) / 2.0
        inverse_sizes = tf.add_n([1.0 / count for count in counts]) / 2.0
        total = [a * counts[0] + b * counts[1] for a, b in zip(*found, strict=True)]
        scalars = tf.stack([squares, inverse_sizes, tf.cast(size, tf.float32)])
        replicas = self._count_replicas()
        if replicas > 1:
            context = tf.distribute.get_replica_context()
            add = tf.distribute.ReduceOp.SUM
            scalars, *total = context.all_reduce(add, [scalars, *total])
        squares, inverse_sizes, count = tf.unstack(scalars)
        whole = gradients.dot(total, total) / count**2
        return tf.stack([squares / replicas, inverse_sizes / replicas, whole, count])

    def _gradient(self, batch: tuple[Any, ...]) -> list[tf.Tensor]:
        variables = self._model.trainable_variables
        weights = [tf.convert_to_tensor(v.value) for v in variables]
        # In float16, gradients vanish unless the loss is scaled, as the optimizer does.
        scale = tf.cast(self._scale_loss(tf.constant(1.0)), tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = tf.cast(self._loss.value(weights, batch), tf.float32) * scale
        found = gradients.gradient_or_zeros(tape, loss, weights)
        return [tf.cast(part, tf.float32) / scale for part in found]
