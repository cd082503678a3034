"""What the callbacks cost in a plain `fit`, at their default settings.

    python -m benchmarks.callbacks

prints, for a dense network and a small convolutional one, the milliseconds of a step of
`fit` without callbacks and with each of them, and its time over the time without, taken
within each round: median, least and most. They take turns in one process, after all has
been compiled. What `GradientNoiseScale` costs is lost in the noise of a busy machine,
so it also measures at every step, which by default it does at every 50th. `Sharpness`
is missing: it costs what its data and interval make it.
Takes about three minutes on two cores.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

from benchmarks import device, shared_flags, tables
from launch import entry

_TURN = flags.DEFINE_integer(
    "turn", 200, "Steps of a turn; GradientNoiseScale measures every 50.", 50
)
_PLAIN = "none"
_COLUMNS = ("callback", "ms / step", "least-most", "over none", "least-most")
_BATCH_SIZE = 128
_NETWORKS = {
    "dense 784-800-10": ((28, 28), "mlp"),
    "convolutional": ((16, 16, 3), "cnn"),
}


class Fit:
    """A network of its own, trained in turns."""

    def __init__(self, network: str, callback: Callable[[], Any] | None, steps: int):
        """Builds the network and takes a first turn, which compiles all."""
        import keras
        import numpy as np

        shape, kind = _NETWORKS[network]
        rng = np.random.default_rng(0)
        count = steps * _BATCH_SIZE
        self._inputs = rng.normal(size=(count, *shape)).astype("float32")
        self._labels = rng.integers(10, size=count)
        layers = [keras.Input(shape)]
        if kind == "cnn":
            for channels in (16, 32):
                layers += [
                    keras.layers.Conv2D(channels, 3, strides=2, use_bias=False),
                    keras.layers.BatchNormalization(),
                    keras.layers.ReLU(),
                ]
        layers += [keras.layers.Flatten()]
        if kind == "mlp":
            layers += [keras.layers.Dense(800, "relu")]
        self._model = keras.Sequential([*layers, keras.layers.Dense(10)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self._model.compile(keras.optimizers.SGD(0.01, 0.9), loss)
        self._callbacks = [callback()] if callback else []
        self._steps = steps
        self.milliseconds()

    def milliseconds(self) -> float:
        """Takes a turn; returns the milliseconds of one step."""
        begun = time.perf_counter()
        self._model.fit(
            self._inputs,
            self._labels,
            batch_size=_BATCH_SIZE,
            shuffle=False,
            verbose=0,
            callbacks=self._callbacks,
        )
        return 1000.0 * (time.perf_counter() - begun) / self._steps


def rows(times: dict[str, list[float]]) -> list[list[str]]:
    """Returns the rows of a table from the milliseconds of each turn."""
    found = []
    for name, own in times.items():
        ratios = [a / b for a, b in zip(own, times[_PLAIN], strict=True)]
        found.append(
            [
                name,
                f"{statistics.median(own):.2f}",
                f"{min(own):.2f}-{max(own):.2f}",
                f"{statistics.median(ratios):.3f}",
                f"{min(ratios):.3f}-{max(ratios):.3f}",
            ]
        )
    return found


def main(arguments: Sequence[str]) -> None:
    """Runs the benchmark."""
    del arguments
    print(f"On {device.find()}")
    from bsgen import callbacks

    makers: dict[str, Callable[[], Any] | None] = {
        _PLAIN: None,
        "NoiseScale": callbacks.NoiseScale,
        "ClipFirstSteps": callbacks.ClipFirstSteps,
        "GradientNoiseScale": callbacks.GradientNoiseScale,
        "GradientNoiseScale, every step": lambda: callbacks.GradientNoiseScale(1),
        "WeightDistance": callbacks.WeightDistance,
    }
    for network in _NETWORKS:
        fits = {name: Fit(network, make, _TURN.value) for name, make in makers.items()}
        times: dict[str, list[float]] = {name: [] for name in fits}
        for _ in range(shared_flags.ROUNDS.value):
            for name, each in fits.items():
                times[name].append(each.milliseconds())
        tables.show(f"{network}, B = {_BATCH_SIZE}", _COLUMNS, rows(times))


if __name__ == "__main__":
    entry.run(main)
