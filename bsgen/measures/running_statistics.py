"""The running averages of batch norm that a data set gives, at any weights.

Running averages belong to the weights that they were collected with; between two
models, or away from one, those of neither fit. In training mode a layer takes one step
a batch on each of them,

    new = decay old + (1 - decay) statistic,

so that two steps from known old values give the decay, and every later one from 0 the
statistic of its batch. Their mean over the batches, weighted by the number of examples,
is where the running average settles. Running averages are the non-trainable variables
whose name begins with "moving_", as Keras' own and this project's do.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen.measures import batches

# Large beside the statistics, so that these drown in it and the decay is left.
_LARGE = 2.0**20


class Reestimation:
    """Finds the running averages of a data set; compiled once."""

    def __init__(self, model: keras.Model, data: batches.Batches):
        """Makes ready; measures nothing yet.

        Args:
          model: a built model.
          data: on which statistics are taken, a batch at a time.
        """
        self._model = model
        self._data = data
        self._places = [
            place
            for place, variable in enumerate(model.non_trainable_variables)
            if variable.path.rpartition("/")[2].startswith("moving_")
        ]
        self._kept: list[float] | None = None
        self._step = tf.function(self._next, autograph=False, reduce_retracing=True)

    def at(self, weights: list[tf.Tensor], others: list[tf.Tensor]) -> list[tf.Tensor]:
        """Returns `others` with the running averages of the data for `weights`."""
        sums: list[Any] = []
        count = 0
        for inputs, _ in self._data:
            if self._kept is None:
                self._kept = self._decays(weights, others, inputs)
            if not self._places:
                return others
            found = self._step(weights, self._filled(others, 0.0), inputs)
            size = int(tf.shape(tf.nest.flatten(inputs)[0])[0])
            terms = [size * found[place].numpy() for place in self._places]
            sums = [s + t for s, t in zip(sums, terms, strict=True)] if sums else terms
            count += size
        replaced = list(others)
        for place, total, kept in zip(
            self._places, sums, self._kept or [], strict=True
        ):
            mean = total / (count * (1.0 - kept))
            replaced[place] = tf.cast(mean, others[place].dtype)
        return replaced

    def _decays(
        self, weights: list[tf.Tensor], others: list[tf.Tensor], inputs: Any
    ) -> list[float]:
        """Returns the decay of every running average, and forgets those that stay."""
        large = self._step(weights, self._filled(others, _LARGE), inputs)
        # A frozen layer does not move its averages, and its outputs depend on them.
        self._places = [
            place for place in self._places if np.any(large[place].numpy() != _LARGE)
        ]
        large = self._step(weights, self._filled(others, _LARGE), inputs)
        small = self._step(weights, self._filled(others, 0.0), inputs)
        # Equal for all entries but for rounding.
        return [
            float(np.median(large[place].numpy() - small[place].numpy())) / _LARGE
            for place in self._places
        ]

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
        _, after = self._model.stateless_call(weights, others, inputs, training=True)
        return [tf.cast(value, tf.float64) for value in after]
