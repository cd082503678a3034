"""The running averages of batch norm that a data set gives, at any weights.

Running averages belong to the weights with which they were collected; they fit neither
the weights between two models nor those some way off a model. In training mode a layer
takes one step a batch on each of them,

    new = decay old + (1 - decay) statistic,

so two steps from known old values give the decay, which may depend on the size of the
batch, and every later step from 0 gives the statistic of its batch. The running average
settles at the mean of these over the batches, weighted by the number of examples.
Running averages are the non-trainable variables whose name begins with "moving_", as in
Keras' layers and this project's.

A `GhostBatchNormalization` that averages standard deviations stores each one as a
variance; there the step is linear in sqrt(variance + epsilon), and all of this holds
for that root.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import layers
from bsgen.measures.objective import batches, stateless

# So large that the statistics vanish beside it, which leaves the decay.
_LARGE = 2.0**20


class Reestimation:
    """Finds the running averages of a data set; compiled once."""

    def __init__(self, model: keras.Model, data: batches.Batches):
        """Finds the variables of a built model; measures nothing yet."""
        self._model = model
        self._data = data
        self._places = [
            place
            for place, variable in enumerate(model.non_trainable_variables)
            if variable.path.rpartition("/")[2].startswith("moving_")
        ]
        # The epsilon of every variance that stores a standard deviation.
        of_std = {
            id(layer.moving_variance): layer.epsilon
            for layer in model._flatten_layers()
            if isinstance(layer, layers.GhostBatchNormalization)
            and layer.running_spread == "std"
        }
        self._epsilons = {
            place: of_std[id(variable)]
            for place, variable in enumerate(model.non_trainable_variables)
            if id(variable) in of_std
        }
        self._kept: dict[int, dict[int, float]] = {}  # by batch size, then by place
        self._step = tf.function(self._next, autograph=False, reduce_retracing=True)
        self._steps = tf.function(self._each, autograph=False, reduce_retracing=True)

    def at(
        self,
        weights: list[tf.Tensor],
        others: list[tf.Tensor],
        several: bool = False,
    ) -> list[tf.Tensor]:
        """Returns `others` with the running averages of the data for `weights`.

        Args:
          weights: of `model.trainable_variables`.
          others: of `model.non_trainable_variables`.
          several: whether the weights are those of K states, [K, ...]; then the running
            averages that are returned are so, too.
        """
        sums: dict[int, Any] = {}
        counts: dict[int, int] = {}
        take = self._steps if several else self._step
        for inputs, *_ in self._data:
            size = int(tf.shape(tf.nest.flatten(inputs)[0])[0])
            if size not in self._kept:
                first = [w[0] for w in weights] if several else weights
                self._kept[size] = self._decays(first, others, inputs)
            if not self._places:
                return others
            found = self._after(weights, self._filled(others, 0.0), inputs, take)
            for place, kept in self._kept[size].items():
                step = found[place] - kept * self._averaged(place, 0.0)
                sums[place] = sums.get(place, 0.0) + size * step / (1.0 - kept)
                counts[place] = counts.get(place, 0) + size
        replaced = list(others)
        for place, total in sums.items():
            mean = total / counts[place]
            if place in self._epsilons:
                mean = mean**2 - self._epsilons[place]
            replaced[place] = tf.cast(mean, others[place].dtype)
        return replaced

    def _decays(
        self, weights: list[tf.Tensor], others: list[tf.Tensor], inputs: Any
    ) -> dict[int, float]:
        """Returns the decay of every running average that a batch of this size moves.

        Averages that the first batch does not move are left out from then on.
        """
        large = self._after(weights, self._filled(others, _LARGE), inputs)
        moved = [
            place
            for place in self._places
            if np.any(large[place] != self._averaged(place, _LARGE))
        ]
        if not self._kept:
            # A frozen layer keeps its averages, and its outputs depend on them.
            self._places = moved
        large = self._after(weights, self._filled(others, _LARGE), inputs)
        small = self._after(weights, self._filled(others, 0.0), inputs)
        # Equal for all entries but for rounding.
        return {
            place: float(np.median(large[place] - small[place]))
            / (self._averaged(place, _LARGE) - self._averaged(place, 0.0))
            for place in moved
        }

    def _after(
        self,
        weights: list[tf.Tensor],
        others: list[tf.Tensor],
        inputs: Any,
        take: Any = None,
    ) -> dict[int, np.ndarray]:
        """Returns the averaged quantities after one step, by place."""
        after = (take or self._step)(weights, others, inputs)
        return {
            place: self._averaged(place, after[place].numpy()) for place in self._places
        }

    def _averaged(self, place: int, value: Any) -> Any:
        """Returns the quantity that a layer averages, from the value that it stores."""
        if place not in self._epsilons:
            return value
        return np.sqrt(value + self._epsilons[place])

    def _filled(self, others: list[tf.Tensor], value: float) -> list[tf.Tensor]:
        filled = list(others)
        for place in self._places:
            filled[place] = tf.fill(
                others[place].shape, tf.cast(value, filled[place].dtype)
            )
        return filled

    def _next(
        self, weights: list[tf.Tensor], others: list[tf.Tensor], inputs: Any
    ) -> list[tf.Tensor]:
        """Returns the non-trainable variables after one step, in float64."""
        called = stateless.call(self._model, weights, others, inputs, training=True)
        return [tf.cast(value, tf.float64) for value in called.others]

    def _each(
        self, weights: list[tf.Tensor], others: list[tf.Tensor], inputs: Any
    ) -> list[tf.Tensor]:
        """As `_next`, for weights [K, ...]."""
        return tf.map_fn(
            lambda own: self._next(own, others, inputs),
            weights,
            fn_output_signature=[tf.float64] * len(others),
        )
