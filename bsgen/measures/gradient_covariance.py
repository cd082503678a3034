"""Products with the covariance of the gradient of one example.

C = mean over the data of (g_i - g)(g_i - g)^T, g_i the gradient of example i, g their
mean: C(theta) of Jastrzebski et al. (2018), section 2, and F of Smith & Le (2017),
section 4. A product takes no gradient of a single example:

    s_i = g_i . v is the derivative of example i's loss along v,
    mean of s_i g_i is the gradient of the mean of s_i l_i, at fixed s_i,

and C v is that less (g . v) g. The trace: `gradient_noise`.
"""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen.measures import data_products, hessian, linear_operator

_Parts = data_products.Parts


class GradientCovariance(data_products.DataProducts):
    """Products with the covariance C of one example's gradient; a `LinearOperator`.

    In inference mode: through batch statistics one example has no gradient of its own.
    A penalty on the weights has no noise, and there is none here.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: hessian.Loss,
        data: Any,
        *,
        batch_size: int = 256,
        method: str = "auto",
    ):
        """See `data_products.DataProducts`.

        Raises:
          UserError: an argument is wrong, or the weights are not finite.
        """
        super().__init__(model, loss, data, batch_size=batch_size, method=method)
        self._seen_curvature = True  # C may well be zero
        self._centre: tuple[npt.NDArray[Any], linear_operator.FloatArray] | None = None

    def matvec(self, vector: npt.NDArray[Any]) -> linear_operator.FloatArray:
        """Returns the product with a vector [P], as [P] in float64.

        Raises:
          UserError: the loss or its gradient is not finite, or has no gradient.
        """
        mean = self._mean_gradient()
        vector = np.asarray(vector, np.float64)
        return super().matvec(vector) - (mean @ vector) * mean

    def _mean_gradient(self) -> linear_operator.FloatArray:
        """Returns g at the model's weights, taken anew when they have changed."""
        weights = self._weights.read()
        if self._centre is None or not np.array_equal(self._centre[0], weights):
            self._centre = weights, self.gradient()
        return self._centre[1]

    def _forward(
        self, weights: _Parts, vector: _Parts, batch: data_products.Batch
    ) -> tuple[tf.Tensor, _Parts]:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            with tf.autodiff.ForwardAccumulator(weights, vector) as accumulator:
                losses = self._losses(weights, batch)
            slopes = accumulator.jvp(losses, unconnected_gradients="zero")
        return self._weighted(tape, weights, losses, slopes)

    def _reverse(
        self, weights: _Parts, vector: _Parts, batch: data_products.Batch
    ) -> tuple[tf.Tensor, _Parts]:
        # s_i is the derivative, by u_i, of (sum of u_i g_i) . v, for any u.
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(weights)
            losses = self._losses(weights, batch)
        duals = tf.zeros_like(losses)
        with tf.GradientTape() as outer:
            outer.watch(duals)
            rows = tape.gradient(losses, weights, duals, unconnected_gradients="zero")
            pairs = zip(map(tf.convert_to_tensor, rows), vector, strict=True)
            slope = tf.add_n([tf.reduce_sum(r * v) for r, v in pairs])
        return self._weighted(tape, weights, losses, outer.gradient(slope, duals))

    def _losses(self, weights: _Parts, batch: data_products.Batch) -> tf.Tensor:
        """Returns the loss of each example [B]."""
        outputs = self._loss.outputs(weights, batch.inputs, batch.others)

        def of_one(pair: Any) -> tf.Tensor:
            one = tf.nest.map_structure(lambda part: part[tf.newaxis], pair)
            return self._loss.value(*one)

        return tf.vectorized_map(of_one, (batch.targets, outputs), warn=False)

    def _weighted(
        self,
        tape: tf.GradientTape,
        weights: _Parts,
        losses: tf.Tensor,
        slopes: tf.Tensor,
    ) -> tuple[tf.Tensor, _Parts]:
        """Returns the mean loss, and the mean of slopes times gradients."""
        count = tf.cast(tf.shape(losses)[0], losses.dtype)
        gradient = tape.gradient(
            losses, weights, slopes / count, unconnected_gradients="zero"
        )
        return tf.reduce_mean(losses), [tf.convert_to_tensor(g) for g in gradient]
