"""Mean loss and metrics of a model over a data set, at any weights, compiled once.

The model itself is never changed, and runs in inference mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen import errors
from bsgen.measures import progress
from bsgen.measures.landscape import model_state, reestimation
from bsgen.measures.objective import (
    batches,
    compiled_loss,
    flat_weights,
    mean_loss,
    misfits,
    replicas,
)

Metrics: TypeAlias = Mapping[str, Callable[[Any, Any], Any]]

KEEP: Final = "keep"
REESTIMATE: Final = "reestimate"
# "keep": batch norm uses the running averages that it has (on a line: between those of
# its ends); "reestimate": those of the data, found again for every point.
RunningStatistics: TypeAlias = Literal["keep", "reestimate"]


class Evaluation:
    """Evaluates a model at given states; it compiles once.

    Attributes:
      running_statistics: see `RunningStatistics`.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: compiled_loss.Loss,
        data: Any,
        *,
        loss_weights: Any = None,
        regularization: bool = True,
        l2: float = 0.0,
        batch_size: int = 256,
        metrics: Metrics | None = None,
        running_statistics: RunningStatistics = KEEP,
    ):
        """Checks the arguments; those not named here are `measures.Hessian`'s.

        Args:
          batch_size: examples a call, for arrays; "reestimate" takes statistics of
            them.
          metrics: by name, callables of (targets, outputs) to values [batch, ...] or to
            their mean, such as `keras.metrics.sparse_categorical_accuracy`; none may be
            called "loss".

        Raises:
          UserError: an argument is wrong.
        """
        if running_statistics not in (KEEP, REESTIMATE):
            known = KEEP, REESTIMATE
            raise errors.unknown_name("running_statistics", running_statistics, known)
        self.running_statistics: RunningStatistics = running_statistics
        self._metrics = dict(metrics or {})
        for name, metric in self._metrics.items():
            if name == "loss" or not callable(metric):
                remedy = "give callables of (targets, outputs), none called 'loss'"
                raise errors.UserError("metrics", name, remedy)
        flat_weights.FlatWeights(model)  # refuses a model without trainable weights
        self._l2 = errors.check_real("l2", l2, 0.0)
        self._model = model
        self._loss = mean_loss.MeanLoss(
            model, loss, False, loss_weights, regularization
        )
        self._in_words = misfits.InWords(model, self._loss)
        self._batches = batches.Batches(data, batch_size, model)
        self._running = None
        if running_statistics == REESTIMATE:
            self._running = reestimation.Reestimation(model, self._batches)
        self._replicas = replicas.Replicas(model)
        self._step = self._replicas.compiled(self._sums)
        self._steps = self._replicas.compiled(self._sums_of_each)
        self._data_checked = False

    @property
    def mode(self) -> str:
        """See `mean_loss.MeanLoss`."""
        return self._loss.mode

    def at(self, state: model_state.State) -> dict[str, float]:
        """Returns `loss`, penalty included, and every metric; they may be infinite.

        Raises:
          UserError: the data are empty.
        """
        weights, others = state.tensors(self._model)
        if self._running is not None:
            others = self._running.at(weights, others)
        found = self._means(self._step, (weights, others))
        if self._l2:
            found["loss"] += self._l2 / 2 * sum(np.sum(w**2) for w in state.weights)
        return {name: float(value) for name, value in found.items()}

    def at_each(
        self, weights: list[tf.Tensor], others: list[tf.Tensor]
    ) -> dict[str, npt.NDArray[np.float64]]:
        """As `at`, for K states at once, [K], that have all but the weights in common.

        One call a batch of data evaluates all of them, one after the other, so that no
        layer has to be vectorised, and activations of one state alone are held.

        Args:
          weights: of `model.trainable_variables`, each [K, ...].
          others: of `model.non_trainable_variables`.

        Raises:
          UserError: the data are empty.
        """
        count = len(weights[0])
        given = others
        if self._running is not None:
            others = self._running.at(weights, others, several=True)
        own = [  # the running averages are each state's own already
            value if value is not old else tf.repeat(old[tf.newaxis], count, axis=0)
            for value, old in zip(others, given, strict=True)
        ]
        found = self._means(self._steps, (weights, own))
        if self._l2:
            flat = [np.reshape(w, (count, -1)).astype(np.float64) for w in weights]
            found["loss"] += self._l2 / 2 * sum(np.sum(w**2, axis=1) for w in flat)
        return found

    def _means(
        self, step: Any, states: tuple[list[tf.Tensor], list[tf.Tensor]]
    ) -> dict[str, Any]:
        """Returns the means over the data of loss and metrics, [] or [K] each."""
        variables = self._replicas.everywhere(states)
        totals = np.zeros(2 + len(self._metrics))
        with self._in_words.on(self._batches):
            for part in self._replicas.each(step, self._batches, variables):
                totals = totals + part.numpy()
        count, *sums = np.moveaxis(totals, -1, 0)
        if not np.all(count):
            raise errors.UserError("data", "empty", "give at least one example")
        if not np.isfinite(sums[0]).all() and not self._data_checked:
            batches.check_finite(self._batches)
            self._data_checked = True
        return dict(zip(("loss", *self._metrics), np.array(sums) / count, strict=True))

    def profile(
        self,
        states: Iterable[model_state.State],
        num_states: int,
        on_progress: progress.OnProgress | None = None,
        keep_from: int = 0,
    ) -> tuple[dict[str, npt.NDArray[np.float64]], progress.StoppedBecause]:
        """Evaluates states in turn.

        Args:
          states: the states.
          num_states: A, their number.
          on_progress: called with the loss after every state.
          keep_from: how many states must be known for Ctrl-C to return them, instead of
            raising KeyboardInterrupt; 0 to raise it always.

        Returns:
          Loss and metrics [A] by name, and "complete"; or fewer, and "interrupted".
        """
        found: list[dict[str, float]] = []
        stopped_because: progress.StoppedBecause = progress.COMPLETE
        try:
            for state in states:
                found.append(self.at(state))
                if on_progress is not None:
                    value = found[-1]["loss"]
                    on_progress(progress.Progress(len(found), num_states, value, 0.0))
        except KeyboardInterrupt:
            stopped_because = progress.interrupted(0 < keep_from <= len(found))
        names = ("loss", *self._metrics)
        return {n: np.array([row[n] for row in found]) for n in names}, stopped_because

    def _sums(
        self,
        variables: tuple[list[tf.Tensor], list[tf.Tensor]],
        *batch: Any,
    ) -> tf.Tensor:
        """Returns the number of examples, and loss and metrics times it."""
        weights, others = variables
        called = self._loss.call(weights, batch[0], others)
        means = [self._loss.value_of(batch, called)]
        for metric in self._metrics.values():
            values = metric(batch[1], called.outputs)
            means.append(tf.reduce_mean(tf.cast(values, tf.float64)))
        count = tf.cast(tf.shape(tf.nest.flatten(batch)[0])[0], tf.float64)
        return count * tf.stack([1.0, *(tf.cast(mean, tf.float64) for mean in means)])

    def _sums_of_each(
        self,
        variables: tuple[list[tf.Tensor], list[tf.Tensor]],
        *batch: Any,
    ) -> tf.Tensor:
        """As `_sums`, [K, ...], for the weights and others of K states."""
        return tf.map_fn(
            lambda own: self._sums(own, *batch),
            variables,
            fn_output_signature=tf.float64,
        )


def check_places(argument: str, places: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Returns places on a line [A], or refuses them where one is not finite.

    Raises:
      UserError: one is not, or they are not [A].
    """
    found = np.atleast_1d(np.asarray(places, np.float64))
    if found.ndim != 1 or not found.size or not np.isfinite(found).all():
        raise errors.UserError(argument, places, "give finite numbers, [A]")
    return found
