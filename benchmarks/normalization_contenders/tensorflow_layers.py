"""GhostBatchNormalization, Keras' layer, and a loop over ghosts, in both modes."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from benchmarks import normalization_problem
from bsgen import layers

_GHOST_SIZES = (64, 128)


class SplitAndLoop(keras.layers.Layer):
    """A Python loop over ghosts, each through one Keras BatchNormalization."""

    def __init__(self, num_ghosts: int, dtype: str):
        super().__init__(dtype=dtype)
        self._num_ghosts = num_ghosts
        self._normalization = keras.layers.BatchNormalization(dtype=dtype)

    def build(self, input_shape: Sequence[int]) -> None:
        """Builds the one layer."""
        self._normalization.build(input_shape)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Normalizes ghost after ghost."""
        parts = tf.split(inputs, self._num_ghosts)
        outputs = [self._normalization(part, training=training) for part in parts]
        return tf.concat(outputs, 0)


def functions(
    problem: normalization_problem.Problem,
) -> dict[str, Callable[[], np.ndarray]]:
    """Returns by title what takes the steps of a problem and waits until it is done.

    Each returns the sum of the gradients of beta, [channels]. The loop over ghosts is
    for a CPU: on a GPU it takes minutes to compile.
    """
    policy = "float32" if problem.dtype == "float32" else f"mixed_{problem.dtype}"
    kinds = {"Keras": keras.layers.BatchNormalization(dtype=policy)}
    for size in _GHOST_SIZES:
        ghosts = layers.GhostBatchNormalization(size, dtype=policy)
        kinds[f"ghosts of {size}"] = ghosts
    if not problem.on_gpu:
        kinds["loop, 64"] = SplitAndLoop(max(problem.shape[0] // 64, 1), policy)
    arrays = [tf.cast(each, problem.dtype) for each in problem.arrays()]
    for layer in kinds.values():
        layer.build(problem.shape)
    return {
        f"{title}, {mode}": _chain(layer, arrays, problem.num_steps, mode == "XLA")
        for mode in ("XLA", "graph")
        for title, layer in kinds.items()
    }


def _chain(
    layer: keras.layers.Layer, arrays: list[tf.Tensor], num_steps: int, jit: bool
) -> Callable[[], np.ndarray]:
    weights = [weight.value for weight in layer.trainable_variables]

    def step(
        inputs: tf.Tensor, upstream: tf.Tensor, total: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
        gradients = tape.gradient(outputs, [inputs, *weights], upstream)
        of_inputs, of_gamma, of_beta = gradients
        return of_inputs, outputs, total + tf.stack([of_gamma, of_beta])

    def two_steps(index: tf.Tensor, *state: tf.Tensor) -> tuple:
        # In pairs, so that XLA may write into the buffers that the last step has read.
        return index + 2, *step(*step(*state))

    @tf.function(jit_compile=jit)
    def steps(inputs: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
        total = tf.zeros([2, inputs.shape[-1]])
        start = (0, inputs, upstream, total)
        return tf.while_loop(lambda index, *_: index < num_steps, two_steps, start)[-1]

    # On a CPU the bytes of a small result are there only when all is done.
    return lambda: steps(*arrays).numpy()[1]
