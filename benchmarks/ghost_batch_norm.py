"""Speed of GhostBatchNormalization beside Keras, PyTorch and a loop over ghosts.

    python -m benchmarks.ghost_batch_norm

times forward + backward (the gradients of inputs, gamma and beta) in training mode, at
two convolutional shapes and a dense one, float32 and bfloat16, with XLA and in graph
mode. The contenders take turns in one process; the table has median times, also as a
fraction of Keras' BatchNormalization in the same mode. PyTorch runs eagerly, channels
first (channels last in memory). The last column is the time over the memory floor: five
passes over the tensor (read and write forward; read twice and write backward) at the
bandwidth of a copy of it, measured in the same rounds. Expected on two cores, in about
a minute: at most half of Keras' time under XLA in float32, at most 0.9 everywhere.
"""

import importlib
import importlib.util
import statistics
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf
from absl import flags

from benchmarks import shared_flags, stopwatch, tables
from bsgen import layers
from launch import entry

flags.adopt_module_key_flags(shared_flags)
_SHAPES = ((2048, 32, 32, 16), (1024, 8, 8, 256), (4096, 512))
_FLOOR_PASSES = 5
_COLUMNS = ("", "ms", "/ Keras", "/ floor")


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


def contenders(shape: Sequence[int], dtype: str) -> Iterator[tuple[str, Callable]]:
    """Yields titles, and functions that take one step and wait until it is done."""
    generator = np.random.default_rng(1)
    inputs, upstream = (
        generator.normal(size=shape).astype(np.float32) for _ in range(2)
    )
    policy = "float32" if dtype == "float32" else f"mixed_{dtype}"
    own = {
        f"ghosts of {size}": layers.GhostBatchNormalization(size, dtype=policy)
        for size in (64, 128)
        if shape[0] % size == 0
    }
    kinds = {
        "Keras": keras.layers.BatchNormalization(dtype=policy),
        **own,
        "loop, 64": SplitAndLoop(max(shape[0] // 64, 1), policy),
    }
    arrays = [tf.cast(each, dtype) for each in (inputs, upstream)]
    for layer in kinds.values():
        layer.build(inputs.shape)
    for jit in (True, False):
        for title, layer in kinds.items():
            yield f"{title}, {'XLA' if jit else 'graph'}", _step(layer, arrays, jit)
    if importlib.util.find_spec("torch"):
        yield "PyTorch, eager", _torch_step(inputs, upstream, dtype)
    source = np.zeros(arrays[0].shape, f"u{arrays[0].dtype.size}")
    target = np.ones_like(source)
    yield "copy", lambda: np.copyto(target, source)


def times(
    functions: dict[str, Callable[[], object]], rounds: int
) -> dict[str, list[float]]:
    """Returns seconds a call by title; all take turns, after one call to warm up."""
    results: dict[str, list[float]] = {title: [] for title in functions}
    for function in functions.values():
        function()
    for _ in range(rounds):
        for title, function in functions.items():
            results[title].append(stopwatch.seconds(function))
    return results


def rows(seconds: dict[str, list[float]]) -> list[list[str]]:
    """Returns the rows of the table, one a contender, and one of the memory floor."""
    medians = {title: statistics.median(each) for title, each in seconds.items()}
    # A copy reads once and writes once: two passes.
    floor = medians.pop("copy") * _FLOOR_PASSES / 2
    cells = []
    for title, median in medians.items():
        mode = title.rpartition(", ")[2].replace("eager", "graph")
        ratio = median / medians[f"Keras, {mode}"]
        row = [title, f"{1e3 * median:.1f}", f"{ratio:.2f}", f"{median / floor:.1f}"]
        cells.append(row)
    return [*cells, ["memory floor", f"{1e3 * floor:.1f}"]]


def _step(
    layer: keras.layers.Layer, arrays: list[tf.Tensor], jit: bool
) -> Callable[[], object]:
    weights = [weight.value for weight in layer.trainable_variables]

    @tf.function(jit_compile=jit)
    def step(inputs: tf.Tensor, upstream: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
        return [outputs, *tape.gradient(outputs, [inputs, *weights], upstream)]

    # On a CPU the bytes of a small result are there only when the step is done.
    return lambda: step(*arrays)[-1].numpy()


def _torch_step(
    inputs: np.ndarray, upstream: np.ndarray, dtype: str
) -> Callable[[], object]:
    torch = importlib.import_module("torch")
    channels = inputs.shape[-1]
    dense = inputs.ndim == 2
    layer = torch.nn.BatchNorm1d(channels) if dense else torch.nn.BatchNorm2d(channels)
    first, above = (
        torch.from_numpy(np.moveaxis(each, -1, 1)).to(getattr(torch, dtype))
        for each in (inputs, upstream)
    )
    first.requires_grad_()

    def step() -> object:
        first.grad = None
        layer(first).backward(above)
        return first.grad

    return step


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmark."""
    del arguments
    for shape in _SHAPES:
        for dtype in ("float32", "bfloat16"):
            seconds = times(dict(contenders(shape, dtype)), shared_flags.ROUNDS.value)
            tables.show(f"{shape}, {dtype}", _COLUMNS, rows(seconds))


if __name__ == "__main__":
    entry.run(main)
