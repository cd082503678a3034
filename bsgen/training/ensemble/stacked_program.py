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
from bsgen.optimizers import clipping
from bsgen.training.ensemble.stacked_data import Batches, Settings, State
from bsgen.training.ensemble.stacked_evaluation import Evaluation
from bsgen.training.ensemble.stacked_model import StackedModel

_FEW_WEIGHTS = 6  # of three dense layers


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
          model: maps [batch, D...] to outputs; one with several inputs carries the
            others from step to step, see `bsgen.models.network`.
          inputs: the pool [P, D...] in its stored dtype.
          labels: of the pool, [P, ...].
          nesterov: whether all runs use Nesterov's momentum.
          loss: what is minimised, and its metrics.
          on_gpu: in the form that suits a GPU; None for whether there is one.
        """
        if on_gpu is None:
            on_gpu = bool(tf.config.list_physical_devices("GPU"))
        self._stacked = StackedModel(model, inputs, labels, on_gpu)
        self._evaluation = Evaluation(self._stacked, loss)
        self.carried = self._stacked.carried
        self._nesterov = nesterov
        self.loss = loss
        self.takes_all_steps = on_gpu
        # Where steps are short, several of them in one iteration of the loop: 21 us a
        # step instead of 37. Deep networks take long to compile, and gain nothing.
        few = len(model.trainable_variables) <= _FEW_WEIGHTS
        self.compiles_fast = few and not self.carried
        self.block = 4 if self.compiles_fast else 1
        # XLA has no convolution with other filters for each example.
        convolutions = keras.layers.Conv1D | keras.layers.Conv2D
        self._unrolled = any(isinstance(x, convolutions) for x in model.layers)

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
        def gradient(run: tuple) -> tuple[list[tf.Tensor], ...]:
            return self._gradient(run, number)

        others = batch.example_weights, settings.draw_seeds
        carried = state.carried
        if not isinstance(batch.begins_epoch, tuple):
            begins = batch.begins_epoch[:, None, None]
            carried = [tf.where(begins, tf.zeros_like(x), x) for x in carried]
        gradients, statistics, carried = self._each_run(
            gradient, (state.weights, state.statistics, *examples, *others, carried)
        )
        if not isinstance(batch.clip_norms, tuple):
            gradients = clipping.clip_by_global_norm(gradients, batch.clip_norms)
        state = State(state.weights, state.accumulators, statistics, carried)
        return self._update(state, settings, batch, gradients)

    def _examples(
        self, settings: Settings, batches: Batches
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns inputs, [K, R, B, ...], and labels as the networks see them."""
        inputs, labels = self._stacked.gather(settings, batches.positions)
        if batches.draws:
            inputs = _augment(inputs, batches.draws, settings.fill)
        return inputs, labels

    def _gradient(self, run: tuple, number: tf.Tensor) -> tuple[list[tf.Tensor], ...]:
        """Returns the gradient of one run, its new statistics and what it carries."""
        weights, statistics, inputs, labels, example_weights, draw_seeds, carried = run
        with tf.GradientTape() as tape:
            tape.watch(weights)
            outputs, statistics, carried = self._stacked.call(
                (weights, statistics, carried), inputs, draw_seeds, number
            )
            targets = self.loss.targets(inputs, labels)
            of_examples = self.loss.per_example(targets, outputs)
            if isinstance(example_weights, tuple):
                loss = tf.reduce_mean(of_examples)
            else:
                loss = tf.reduce_sum(of_examples * example_weights)
        # That of an embedding has a row for each token, equal ones apart.
        gradients = map(tf.convert_to_tensor, tape.gradient(loss, weights))
        return list(gradients), statistics, carried

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
        return state._replace(weights=weights, accumulators=accumulators)

    def evaluate(
        self, state: State, settings: Settings, positions: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """Measures every run on its own examples, see `stacked_evaluation`."""
        return self._evaluation.means(state, settings, positions)


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
