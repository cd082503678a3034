"""Products with the covariance of the gradient of one example.

C = mean over the data of (g_i - g)(g_i - g)^T, g_i the gradient of example i, g their
mean: C(theta) of Jastrzebski et al. (2018), section 2, and F of Smith & Le (2017),
section 4. A product takes no gradient of a single example:

    s_i = g_i . v is how example i's loss changes along v, by way of its outputs,
    mean of s_i g_i is the gradient of the mean of s_i l_i, at fixed s_i,

and C v is that less (g . v) g. Its trace comes from `gradient_noise`. What g_i is where
the loss of a batch is not the mean over its examples: `mean_loss.MeanLoss.shares`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen import errors
from bsgen.measures.objective import compiled_loss, given_model
from bsgen.measures.operators import data_operator
from bsgen.measures.operators.linear_operator import FloatArray

Parts = data_operator.Parts
Batch = data_operator.Batch


class GradientCovariance(data_operator.DataOperator):
    """Products with the covariance C of one example's gradient.

    In inference mode: with batch statistics one example has no gradient of its own. A
    penalty on the weights has no noise, so those of regularizers are left out.
    """

    def __init__(
        self,
        model: given_model.Model,
        loss: compiled_loss.Loss,
        data: Any,
        *,
        loss_weights: Any = None,
        regularization: bool = True,
        batch_size: int = 256,
        method: str = data_operator.AUTO,
    ):
        """Checks the arguments; see `data_operator.DataOperator`."""
        super().__init__(
            model,
            loss,
            data,
            loss_weights=loss_weights,
            regularization=False,
            batch_size=batch_size,
            method=method,
        )
        self._seen_curvature = True  # C may well be zero
        self._counts_added = regularization
        self._centre: tuple[npt.NDArray[Any], FloatArray] | None = None

    @contextlib.contextmanager
    def on_sample(self, count: int, draw: np.random.Generator) -> Iterator[None]:
        """Inside, C is the covariance over `count` random examples of the arrays."""
        kept, self._centre = self._centre, None
        try:
            with super().on_sample(count, draw):
                yield
        finally:
            self._centre = kept

    def matvec(self, vector: npt.NDArray[Any], /) -> FloatArray:
        """See `DataOperator`."""
        mean = self._mean_gradient()
        vector = np.asarray(vector, np.float64)
        return super().matvec(vector) - (mean @ vector) * mean

    def _mean_gradient(self) -> FloatArray:
        """Returns g at the model's weights, taken anew when they have changed."""
        weights = self._weights.read()
        if self._centre is None or not np.array_equal(self._centre[0], weights):
            self._centre = weights, self.gradient()
        return self._centre[1]

    def _batch_product(
        self, weights: Parts, vector: Parts, batch: Batch
    ) -> tuple[tf.Tensor, Parts]:
        """Returns the mean loss and the mean of s_i g_i."""
        pushed = self._derive.push(self._loss, weights, vector, *batch.call)
        if pushed.called.added and self._counts_added:
            remedy = (
                "its layers add losses that depend on the data (add_loss, activity "
                "regularizers), whose part in an example's gradient is not known; "
                "leave regularization losses out"
            )
            raise errors.UserError("model", self._model.name, remedy)
        value, shares = self._loss.shares(batch.data, pushed.called)
        # g_i is the gradient of shares_i . outputs_i at fixed shares.
        slopes = tf.add_n(
            [
                tf.reduce_sum(tf.reshape(share * move, [tf.shape(move)[0], -1]), axis=1)
                for share, move in zip(shares, pushed.moves, strict=True)
            ]
        )
        means = slopes / tf.cast(tf.shape(slopes)[0], slopes.dtype)
        duals = [
            share * tf.reshape(means, [-1] + [1] * (share.shape.rank - 1))
            for share in shares
        ]
        return value, pushed.pulled_back(duals)
