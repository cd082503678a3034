"""A Keras callback that measures the gradients' noise scale during training.

McCandlish, Kaplan & Amodei (2018), arXiv 1812.06162, section 2.2 and appendix A.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from bsgen import errors
from bsgen.callbacks import half_batches, measured_steps


class GradientNoiseScale(keras.callbacks.Callback):
    """Measures tr(Sigma) / |G|^2 on the batches that `fit` trains with.

    Sigma is the covariance of the gradient of one example and G the mean gradient. The
    ratio is the batch size, in examples, at which noise and gradient are of equal
    length: well below it, doubling the batch nearly doubles what a step achieves; well
    above it, a larger batch hardly helps. It belongs to loss and weights, and grows
    while a network learns. `theory.noise_scale`, which `NoiseScale` logs, belongs to
    learning rate, momentum and batch size: how strongly SGD shakes the weights.

    Every `interval` steps it takes the gradients of both halves of the batch, and from
    their lengths one pair of estimates, each of them unbiased and far from exact. Both
    are averaged over the last measurements, and the ratio is that of the averages; the
    average of ratios would be wrong. No gradient outlives its measurement.

    Logs: `gradient_noise_scale` at the end of each epoch; NaN before the first
    measurement, and inf where the mean gradient cannot be told from 0.

    >>> import keras, numpy as np
    >>> from bsgen.callbacks import GradientNoiseScale
    >>> draw = np.random.default_rng(0)
    >>> inputs = draw.normal(size=(2048, 8)).astype("float32")
    >>> targets = inputs[:, :1] + draw.normal(size=(2048, 1)).astype("float32")
    >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(1e-4), "mse")
    >>> noise = GradientNoiseScale(interval=5)
    >>> history = model.fit(inputs, targets, batch_size=64, epochs=4, verbose=0,
    ...                     callbacks=[noise])
    >>> noise.steps[:3].tolist(), len(history.history["gradient_noise_scale"])
    ([5, 10, 15], 4)
    >>> bool(noise.value == noise.noise / noise.squared_gradient)
    True

    It is measured in training mode. With batch normalization each half is normalized by
    itself, as on two devices: then it is the noise of training with batches of half the
    size. A loss that is not a mean over the examples is refused.

    A measurement takes about the time of a step, so the default interval costs some 2 %
    of that of `fit` (`benchmarks.callbacks`), and the compilation of one more function.
    Training itself is not changed by a bit.
    """

    def __init__(
        self,
        interval: int = 50,
        smoothing: float = 0.95,
        backup_dir: str | os.PathLike | None = None,
    ):
        """Measures nothing yet.

        Args:
          interval: steps from one measurement to the next, at least 1.
          smoothing: in [0, 1), the share of its weight that a measurement keeps when
            the next one comes: 0.95 averages over about the last 20.
          backup_dir: a folder of its own for what was measured, with which a training
            that continues after its process has ended, as by
            `keras.callbacks.BackupAndRestore`, has the same averages; None for none.

        Raises:
          UserError: an argument is out of its range.
        """
        super().__init__()
        self._interval = errors.check_integer("interval", interval, 1)
        self._smoothing = errors.check_real("smoothing", smoothing, 0.0, 1.0)
        columns = half_batches.Moments._fields
        self._rows = measured_steps.MeasuredSteps(
            "gradient_noise_scale", columns, backup_dir
        )
        self._halves: half_batches.HalfBatches | None = None
        self._optimizer: keras.optimizers.Optimizer | None = None  # they belong to
        self._due = False
        self._start, self._step = 0, 0  # steps before the epoch, and before this call

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """The steps before which it measured, rising, [n]."""
        return self._rows.steps

    @property
    def noise(self) -> float:
        """Average of tr(Sigma), of one example; NaN before the first measurement."""
        return self._average("noise")

    @property
    def squared_gradient(self) -> float:
        """Average of |G|^2, which may fall below 0 where G is small."""
        return self._average("squared_gradient")

    @property
    def value(self) -> float:
        """The noise scale, in examples."""
        noise, squared_gradient = self.noise, self.squared_gradient
        if squared_gradient <= 0.0:
            return np.inf
        return noise / squared_gradient

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Looks at each batch before the training step does; Keras calls this."""
        self._unwrap()
        self._due = False
        if self.model.optimizer is not self._optimizer:
            self._optimizer, self._halves = self.model.optimizer, None
        self.model.train_function = _Measured(self.model.train_function, self)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Finds what was measured before; Keras calls this."""
        # Other callbacks may load weights where training begins, but not after.
        self._start = self._rows.begin(self.model)

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Measures at this step if it is time; Keras calls this."""
        # To ask the optimizer for its step is to wait for the device.
        self._step = self._start + batch
        last = self._step + self.model.steps_per_execution - 1  # of this call
        before = max(0, self._step - 1)
        self._due = last // self._interval > before // self._interval

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Puts the noise scale into the logs; Keras calls this."""
        if logs is not None:
            logs["gradient_noise_scale"] = float(self.value)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Leaves the model as it was; Keras calls this."""
        self._unwrap()

    def take(self) -> bool:
        """Returns whether to measure now, once for each step that was announced."""
        due, self._due = self._due, False
        return due

    def measure(self, batch: Any) -> None:
        """Measures on one batch, which the next step trains with."""
        if not self.model.built:  # before its first step
            return
        if self._halves is None:
            self._halves = half_batches.HalfBatches(self.model)
        moments = self._halves.measure(batch)
        if moments is not None:
            self._rows.add(self._step, moments)

    def _average(self, column: str) -> float:
        values = self._rows.column(column)
        if not len(values):
            return np.nan
        weights = self._smoothing ** np.arange(len(values) - 1.0, -1.0, -1.0)
        return float(np.average(values, weights=weights))

    def _unwrap(self) -> None:
        found = self.model.train_function
        if isinstance(found, _Measured) and found.callback is self:
            self.model.train_function = found.step


class _Measured:
    """A model's training step that measures first on the batch that it trains with."""

    def __init__(self, step: Callable[[Any], Any], callback: GradientNoiseScale):
        self.step, self.callback = step, callback

    def __call__(self, iterator: Iterator[Any]) -> Any:
        if not self.callback.take():
            return self.step(iterator)
        batches = [next(iterator)]
        self.callback.measure(batches[0])
        while len(batches) < self.callback.model.steps_per_execution:
            try:
                batches.append(next(iterator))
            except StopIteration:
                break
        return self.step(iter(batches))
