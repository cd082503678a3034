"""Measures the runs of a program on their own examples, in inference."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from bsgen.data import text
from bsgen.models import losses
from bsgen.training.ensemble.stacked_data import Settings, State
from bsgen.training.ensemble.stacked_model import StackedModel

_SLICE = 2048  # examples a run evaluates at once; bounds the memory


class Evaluation:
    """The metrics of a loss, of stacked runs of one model."""

    def __init__(self, model: StackedModel, loss: losses.Loss):
        """Prepares it for the model."""
        self._model = model
        self._loss = loss

    def means(
        self, state: State, settings: Settings, positions: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """Returns, for each metric of the loss, its mean over the examples.

        A text is read in order, with what is carried at 0 at the start.

        Args:
          state: the weights to measure; what it carries is left alone.
          settings: of the runs; only the scaling of the inputs is used.
          positions: for each run the pool positions of its examples, [T_r].

        Returns:
          float64 [R] each.
        """
        sums = np.zeros((len(self._loss.metrics), len(positions)))
        carried: list[tf.Tensor] = []
        for places, counted in self._batches(positions):
            if self._model.carried and not carried:
                dtype, shape = state.weights[0].dtype, places.shape
                carried = [tf.zeros([*shape, u], dtype) for u in self._model.carried]
            variables = state.weights, state.statistics, carried
            per_example, carried = self._measure(variables, settings, places)
            for total, values in zip(sums, per_example, strict=True):
                total += np.where(counted, values.numpy(), 0).sum(axis=1, dtype=float)
        return list(sums / [len(own) for own in positions])

    def _batches(
        self, positions: Sequence[np.ndarray]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields positions [R, B], and whether each counts, batch by batch."""
        if self._model.carried:
            orders = [text.evaluation_batches(len(own)) for own in positions]
        else:  # in one batch, which is cut below
            orders = [_all_at_once(len(own)) for own in positions]
        num_steps, width = np.max([order.shape for order, _ in orders], axis=0)
        places = np.zeros((num_steps, len(positions), width), np.int32)
        counted = np.zeros(places.shape, bool)
        for run, (own, (order, counts)) in enumerate(
            zip(positions, orders, strict=True)
        ):
            part = slice(order.shape[0]), run, slice(order.shape[1])
            places[part], counted[part] = own[order], counts
        for of_step, counts in zip(places, counted, strict=True):
            for first in range(0, width, _SLICE):
                last = first + _SLICE
                yield of_step[:, first:last], counts[:, first:last]

    @tf.function(reduce_retracing=True)
    def _measure(
        self,
        variables: tuple[list[tf.Tensor], ...],
        settings: Settings,
        positions: tf.Tensor,
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Returns each metric's value for each example, [R, B], and what is carried."""

        def one_run(run: tuple) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
            own, inputs, labels = run
            outputs, _, carried = self._model.call(own, inputs)
            targets = self._loss.targets(inputs, labels)
            values = [m.per_example(targets, outputs) for m in self._loss.metrics]
            return values, carried

        examples = self._model.gather(settings, positions)
        return tf.vectorized_map(one_run, (variables, *examples))


def _all_at_once(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the order of examples that do not follow each other, one batch."""
    return np.arange(count)[np.newaxis], np.ones((1, count), bool)
