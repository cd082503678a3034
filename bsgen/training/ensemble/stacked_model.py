"""One model, and its examples on the device, as the runs of a program call them."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from bsgen.training import draw_counters
from bsgen.training.ensemble.stacked_data import Settings


class StackedModel:
    """A model with its pool of examples, whose variables are those of each run."""

    def __init__(
        self, model: keras.Model, inputs: np.ndarray, labels: np.ndarray, on_gpu: bool
    ):
        """Puts the pool on the device; arguments are those of a program."""
        if on_gpu and inputs.dtype == np.uint8:
            # TensorFlow gathers no bytes on a GPU; bfloat16 holds them exactly.
            inputs = inputs.astype(tf.bfloat16.as_numpy_dtype)
        self._model = model
        self._inputs = tf.constant(inputs)
        self._labels = tf.constant(labels)
        counters = {id(each) for each in draw_counters.of(model)}
        self._counts = [id(v) in counters for v in model.non_trainable_variables]
        self.carried = [each.shape[-1] for each in model.inputs[1:]]

    def gather(
        self, settings: Settings, positions: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns inputs as the networks see them, and labels.

        Args:
          settings: of the runs; only the scaling is used, and not that of tokens.
          positions: in the pool, [..., R, B].
        """
        inputs, labels = (
            tf.gather(each, positions) for each in (self._inputs, self._labels)
        )
        if not self.carried:
            inputs = tf.cast(inputs, settings.offset.dtype)
            inputs = (inputs - settings.offset[:, None]) * settings.scale[:, None]
        return inputs, labels

    def call(
        self,
        variables: tuple[Sequence[tf.Tensor], ...],
        inputs: tf.Tensor,
        draw_seeds: Sequence[tf.Tensor] | None = None,
        number: tf.Tensor | int = 0,
    ) -> tuple[tf.Tensor, list[tf.Tensor], list[tf.Tensor]]:
        """Returns outputs, new statistics and what is carried on, of one run.

        Args:
          variables: its weights, statistics and what it carries.
          inputs: [batch, D...].
          draw_seeds: of dropout; None for inference.
          number: of the step.
        """
        weights, statistics, carried = variables
        trains = draw_seeds is not None
        # In inference nothing is drawn.
        seeds = [0] * sum(self._counts) if draw_seeds is None else draw_seeds
        counters = [
            tf.stack([tf.cast(x, tf.int64) for x in (s, number)]) for s in seeds
        ]
        kinds = iter(statistics), iter(counters)
        others = [next(kinds[counts]) for counts in self._counts]
        results, others = self._model.stateless_call(
            weights, others, [inputs, *carried] if carried else inputs, training=trains
        )
        outputs, *carried = results if carried else [results]
        new = zip(others, self._counts, strict=True)
        return outputs, [value for value, counts in new if not counts], carried
