"""The compiled program of an ensemble: many SGD steps of many runs in one call.

Every weight carries a leading run axis R: `tf.vectorized_map` turns the model of one
run into the model of all, and a `tf.while_loop` compiled by XLA takes the steps. All
that changes from step to step is an input, [K, R, ...], so the program has no random
state, and schedules, clipping and augmentation need no other program. Dropout alone
draws inside, from the run's seed and the number of the step.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import theory
from bsgen.data import augmentation
from bsgen.models import losses
from bsgen.optimizers import momentum
from bsgen.training import draw_counters
from bsgen.training.ensemble.stacked_data import Batches, Settings, State

_FEW_WEIGHTS = 6  # of three dense layers
_EVALUATION_SLICE = 2048  # examples a run evaluates at once; bounds the memory


class Program:
    """Trains and evaluates stacked copies of one model on one pool of examples."""

    def __init__(
        self,
        model: keras.Model,
        inputs: np.ndarray,
        labels: np.ndarray,
        nesterov: bool = False,
        loss: losses.Loss = losses.CROSS_ENTROPY,
        on_gpu: bool | None = None,
    ):
        """Puts the pool on the device.

        Args:
          model: maps [batch, D...] to outputs.
          inputs: the pool [P, D...] in its stored dtype.
          labels: of the pool, [P, ...].
          nesterov: whether all runs use Nesterov's momentum.
          loss: what is minimised, and its metrics.
          on_gpu: in the form that suits a GPU; None for whether there is one.
        """
        if on_gpu is None:
            on_gpu = bool(tf.config.list_physical_devices("GPU"))
        if on_gpu and inputs.dtype == np.uint8:
            # TensorFlow gathers no bytes on a GPU; bfloat16 holds them exactly.
            inputs = inputs.astype(tf.bfloat16.as_numpy_dtype)
        self._model = model
        self._inputs = tf.constant(inputs)
        self._labels = tf.constant(labels)
        self._nesterov = nesterov
        self.loss = loss
        self.takes_all_steps = on_gpu
        # Where steps are short, several of them in one iteration of the loop: 21 us a
        # step instead of 37. Deep networks take long to compile, and gain nothing.
        self.block = 4 if len(model.trainable_variables) <= _FEW_WEIGHTS else 1
        # XLA has no convolution with other filters for each example.
        convolutions = keras.layers.Conv1D | keras.layers.Conv2D
        self._unrolled = any(isinstance(x, convolutions) for x in model.layers)
        counters = {id(each) for each in draw_counters.of(model)}
        self._counts = [id(v) in counters for v in model.non_trainable_variables]

    @tf.function(jit_compile=True)
    def take_steps(
        self,
        state: State,
        settings: Settings,
        batches: Batches,
        num_steps: tf.Tensor,
        first_step: tf.Tensor,
    ) -> tuple[State, tf.Tensor]:
        """Takes up to K steps in one call; calls of equal K share a compilation.

        Args:
          state: before the first step.
          settings: of the runs.
          batches: of K steps.
          num_steps: int32, how many of them are taken.
          first_step: int64, the number of the first one.

        Returns:
          The state after the last step, and which runs have finite weights, [R] bool.
        """
        limit, block = num_steps, 1
        if self.takes_all_steps:
            # Known when the program is compiled, so that XLA needs no answer from the
            # device before each step. The last ones change nothing.
            limit = batches.positions.shape[0]
            block = math.gcd(limit, self.block)

        def iteration(index: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
            own = _slice(batches, index, block)
            # The examples of several steps are gathered at once.
            examples = self._examples(settings, own)
            for step in range(block):
                batch, inputs, labels = tf.nest.map_structure(
                    lambda tensor, step=step: tensor[step], (own, *examples)
                )
                number = first_step + tf.cast(index + step, tf.int64)
                new = self._step(state, settings, batch, (inputs, labels), number)
                if self.takes_all_steps:
                    new = _where(index + step < num_steps, new, state)
                state = new
            return index + block, state

        _, state = tf.while_loop(
            lambda index, _: index < limit, iteration, (tf.constant(0), state)
        )
        finite = [
            tf.reduce_all(tf.math.is_finite(w), axis=range(1, w.shape.rank))
            for w in state.weights
        ]
        return state, tf.reduce_all(tf.stack(finite), axis=0)

    def _step(
        self,
        state: State,
        settings: Settings,
        batch: Batches,
        examples: tuple[tf.Tensor, tf.Tensor],
        number: tf.Tensor,
    ) -> State:
        def gradient(run: tuple) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
            return self._gradient(run, number)

        others = batch.example_weights, settings.draw_seeds
        gradients, statistics = self._each_run(
            gradient, (state.weights, state.statistics, *examples, *others)
        )
        if not isinstance(batch.clip_norms, tuple):
            gradients = momentum.clip_by_global_norm(gradients, batch.clip_norms)
        return self._update(state, settings, batch, gradients, statistics)

    def _examples(
        self, settings: Settings, batches: Batches
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns inputs, [K, R, B, ...], and labels as the networks see them."""
        inputs, labels = self._gather(settings, batches.positions)
        if batches.draws:
            inputs = _augment(inputs, batches.draws, settings.fill)
        return inputs, labels

    def _gather(
        self, settings: Settings, positions: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns scaled inputs, and labels, at positions [..., R, B]."""
        inputs = tf.cast(tf.gather(self._inputs, positions), settings.offset.dtype)
        inputs = (inputs - settings.offset[:, None]) * settings.scale[:, None]
        return inputs, tf.gather(self._labels, positions)

    def _gradient(
        self, run: tuple, number: tf.Tensor
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Returns the gradient of one run, and its new statistics."""
        weights, statistics, inputs, labels, example_weights, draw_seeds = run
        counters = [tf.stack([seed, number]) for seed in draw_seeds]
        with tf.GradientTape() as tape:
            tape.watch(weights)
            outputs, others = self._model.stateless_call(
                weights, self._others(statistics, counters), inputs, training=True
            )
            targets = self.loss.targets(inputs, labels)
            of_examples = self.loss.per_example(targets, outputs)
            if isinstance(example_weights, tuple):
                loss = tf.reduce_mean(of_examples)
            else:
                loss = tf.reduce_sum(of_examples * example_weights)
        new = zip(others, self._counts, strict=True)
        return tape.gradient(loss, weights), [value for value, no in new if not no]

    def _others(
        self, statistics: Sequence[tf.Tensor], counters: Sequence[tf.Tensor]
    ) -> list[tf.Tensor]:
        """Returns the variables that are not trained, in the model's order."""
        kinds = iter(statistics), iter(counters)
        return [next(kinds[counts]) for counts in self._counts]

    def _each_run(self, function: Callable[[tuple], Any], of_runs: tuple) -> Any:
        """Returns the function's results, stacked: for each run, of its part."""
        if not self._unrolled:
            return tf.vectorized_map(function, of_runs)
        results = [
            function(tf.nest.map_structure(lambda stacked, i=run: stacked[i], of_runs))
            for run in range(of_runs[2].shape[0])
        ]
        return tf.nest.map_structure(lambda *parts: tf.stack(parts), *results)

    def _update(
        self,
        state: State,
        settings: Settings,
        batch: Batches,
        gradients: list[tf.Tensor],
        statistics: list[tf.Tensor],
    ) -> State:
        weights, accumulators = [], []
        resets = not isinstance(batch.momenta, tuple)
        momenta = batch.momenta if resets else settings.momentum
        pairs = zip(state.weights, state.accumulators, gradients, strict=True)
        for weight, accumulator, gradient in pairs:
            weight, accumulator = theory.momentum_update(
                weight,
                accumulator,
                gradient,
                _as_rank_of(weight, batch.learning_rates),
                _as_rank_of(weight, momenta),
                _as_rank_of(weight, settings.l2_of(weight)),
                self._nesterov,
            )
            weights.append(weight)
            accumulators.append(accumulator)
        return State(weights, accumulators, statistics)

    def evaluate(
        self, state: State, settings: Settings, positions: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """Measures every run on its own examples.

        Args:
          state: the weights to measure.
          settings: of the runs; only the scaling of the inputs is used.
          positions: for each run the pool positions of its examples, [T_r].

        Returns:
          For each metric of the loss its mean over the examples, float64 [R].
        """
        counts = np.array([len(own) for own in positions])
        padded = np.zeros((len(positions), counts.max()), np.int32)
        for row, own in zip(padded, positions, strict=True):
            row[: len(own)] = own
        mask = np.arange(counts.max()) < counts[:, None]
        sums = np.zeros((len(self.loss.metrics), len(positions)))
        for first in range(0, counts.max(), _EVALUATION_SLICE):
            part = slice(first, first + _EVALUATION_SLICE)
            per_example = self._evaluate(
                (state.weights, state.statistics), settings, padded[:, part]
            )
            for total, values in zip(sums, per_example, strict=True):
                total += np.where(mask[:, part], values.numpy(), 0).sum(1, dtype=float)
        return list(sums / counts)

    @tf.function(reduce_retracing=True)
    def _evaluate(
        self,
        variables: tuple[list[tf.Tensor], list[tf.Tensor]],
        settings: Settings,
        positions: tf.Tensor,
    ) -> list[tf.Tensor]:
        def one_run(run: tuple) -> list[tf.Tensor]:
            (weights, statistics), inputs, labels = run
            counters = [tf.zeros([2], tf.int64)] * sum(self._counts)  # not used
            others = self._others(statistics, counters)
            outputs, _ = self._model.stateless_call(
                weights, others, inputs, training=False
            )
            targets = self.loss.targets(inputs, labels)
            return [m.per_example(targets, outputs) for m in self.loss.metrics]

        examples = self._gather(settings, positions)
        return tf.vectorized_map(one_run, (variables, *examples))


def _augment(
    inputs: tf.Tensor, draws: tuple[tf.Tensor, ...], fill: tf.Tensor
) -> tf.Tensor:
    """Returns images [K, R, B, H, W, C], augmented."""
    *batch, height, width, channels = inputs.shape
    flat = tf.reshape(inputs, [-1, height, width, channels])
    rows, columns, flips = (tf.reshape(draw, [-1]) for draw in draws)
    fills = tf.broadcast_to(fill[:, None], [*batch, fill.shape[1]])
    fills = tf.reshape(fills, [-1, 1, 1, fill.shape[1]])
    augmented = augmentation.apply(flat, rows, columns, flips, fills)
    return tf.reshape(augmented, inputs.shape)


def _slice(batches: Batches, index: tf.Tensor, block: int) -> Batches:
    """Returns the batches of `block` steps from `index` on."""

    def cut(tensor: tf.Tensor) -> tf.Tensor:
        _, *others = tensor.shape
        return tf.slice(tensor, [index, *(0 for _ in others)], [block, *others])

    return tf.nest.map_structure(cut, batches)


def _where(taken: tf.Tensor, new: State, old: State) -> State:
    return tf.nest.map_structure(lambda a, b: tf.where(taken, a, b), new, old)


def _as_rank_of(tensor: tf.Tensor, of_runs: tf.Tensor) -> tf.Tensor:
    """Returns numbers of runs, [R], so that they broadcast against [R, ...]."""
    return tf.reshape(of_runs, [-1] + [1] * (tensor.shape.rank - 1))
