"""The compiled program of an ensemble: many SGD steps of many runs in one call.

Every weight carries a leading run axis R: `tf.vectorized_map` turns the model of one
run into the model of all, and a `tf.while_loop` compiled by XLA takes the steps. The
positions of each batch's examples are an input, so the program has no random state.
"""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from bsgen import models, theory
from bsgen.optimizers import momentum

_EVALUATION_SLICE = 2048  # examples a run evaluates at once; bounds the memory


class State(NamedTuple):
    """What training changes: lists of [R, ...] tensors."""

    weights: list[tf.Tensor]
    accumulators: list[tf.Tensor]


class Settings(NamedTuple):
    """The settings in which runs of one program differ; the first axis is the run.

    All have the dtype of the weights, in which the inputs are also scaled.

    Attributes:
      learning_rate, momentum, l2: [R].
      clip_norm: [R], infinite where a run does not clip.
      offset: [R, D...], subtracted from the inputs.
      scale: [R, 1...] or [R, D...], multiplies the result.
    """

    learning_rate: tf.Tensor
    momentum: tf.Tensor
    l2: tf.Tensor
    clip_norm: tf.Tensor
    offset: tf.Tensor
    scale: tf.Tensor


class Program:
    """Trains and evaluates stacked copies of one model on one pool of examples."""

    def __init__(
        self,
        model: keras.Model,
        inputs: np.ndarray,
        labels: np.ndarray,
        nesterov: bool = False,
        clip: bool = False,
    ):
        """Puts the pool on the device.

        Args:
          model: maps [batch, D...] to logits; all its weights are trainable.
          inputs: the pool [P, D...] in its stored dtype.
          labels: class numbers [P].
          nesterov: whether all runs use Nesterov's momentum.
          clip: whether gradients are clipped by their global norm.
        """
        self._model = model
        self._inputs = tf.constant(inputs)
        self._labels = tf.constant(labels, tf.int32)
        self._nesterov = nesterov
        self._clip = clip

    @tf.function(jit_compile=True)
    def take_steps(
        self,
        state: State,
        settings: Settings,
        positions: tf.Tensor,
        num_steps: tf.Tensor,
    ) -> tuple[State, tf.Tensor]:
        """Takes `num_steps` steps in one call.

        Args:
          state: weights and accumulators before the first step.
          settings: of the runs.
          positions: int32 [K, R, B], K >= num_steps: the pool positions of each batch.
            Calls of equal K share one compilation.
          num_steps: int32, how many of the K batches to take.

        Returns:
          The state after the last step, and which runs have finite weights, [R] bool.
        """

        def step(index: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
            inputs, labels = self._batch(settings, positions[index])
            gradients = tf.vectorized_map(
                self._gradient, (state.weights, inputs, labels)
            )
            if self._clip:
                gradients = momentum.clip_by_global_norm(gradients, settings.clip_norm)
            return index + 1, self._update(state, settings, gradients)

        _, state = tf.while_loop(
            lambda index, _: index < num_steps, step, (tf.constant(0), state)
        )
        finite = [
            tf.reduce_all(tf.math.is_finite(w), axis=range(1, w.shape.rank))
            for w in state.weights
        ]
        return state, tf.reduce_all(tf.stack(finite), axis=0)

    def _batch(
        self, settings: Settings, positions: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        inputs = tf.cast(tf.gather(self._inputs, positions), settings.offset.dtype)
        inputs = (inputs - settings.offset[:, None]) * settings.scale[:, None]
        return inputs, tf.gather(self._labels, positions)

    def _gradient(self, run: tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]) -> list:
        weights, inputs, labels = run
        with tf.GradientTape() as tape:
            tape.watch(weights)
            logits, _ = self._model.stateless_call(weights, [], inputs, training=True)
            loss = tf.reduce_mean(models.cross_entropy(labels, logits))
        return tape.gradient(loss, weights)

    def _update(self, state: State, settings: Settings, gradients: list) -> State:
        weights, accumulators = [], []
        for weight, accumulator, gradient in zip(*state, gradients, strict=True):
            per_run = [-1] + [1] * (weight.shape.rank - 1)
            weight, accumulator = theory.momentum_update(
                weight,
                accumulator,
                gradient,
                tf.reshape(settings.learning_rate, per_run),
                tf.reshape(settings.momentum, per_run),
                tf.reshape(settings.l2, per_run),
                self._nesterov,
            )
            weights.append(weight)
            accumulators.append(accumulator)
        return State(weights, accumulators)

    def evaluate(
        self, state: State, settings: Settings, positions: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Measures every run on its own examples.

        Args:
          state: the weights to measure.
          settings: of the runs; only the scaling of the inputs is used.
          positions: for each run the pool positions of its examples, [T_r].

        Returns:
          Mean cross-entropy in nats [R] and accuracy in [0, 1] [R], as float64.
        """
        counts = np.array([len(own) for own in positions])
        padded = np.zeros((len(positions), counts.max()), np.int32)
        for row, own in zip(padded, positions, strict=True):
            row[: len(own)] = own
        mask = np.arange(counts.max()) < counts[:, None]
        sums = np.zeros((2, len(positions)))
        for first in range(0, counts.max(), _EVALUATION_SLICE):
            part = slice(first, first + _EVALUATION_SLICE)
            per_example = self._evaluate(state.weights, settings, padded[:, part])
            for total, values in zip(sums, per_example, strict=True):
                total += np.where(mask[:, part], values.numpy(), 0).sum(1, dtype=float)
        return sums[0] / counts, sums[1] / counts

    @tf.function(reduce_retracing=True)
    def _evaluate(
        self, weights: list[tf.Tensor], settings: Settings, positions: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        def one_run(run: tuple) -> tuple[tf.Tensor, tf.Tensor]:
            weights, inputs, labels = run
            logits, _ = self._model.stateless_call(weights, [], inputs, training=False)
            return models.cross_entropy(labels, logits), models.correct(labels, logits)

        return tf.vectorized_map(one_run, (weights, *self._batch(settings, positions)))
