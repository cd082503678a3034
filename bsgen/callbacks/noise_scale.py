"""A Keras callback that logs the noise scale of the configuration that is running.

Smith & Le (2017), arXiv 1710.06451, eq. 26; Smith, Elsen & De (2020), arXiv 2006.15081,
section 3.2.
"""

import math
from typing import Any

import keras

from bsgen import errors, theory
from bsgen.callbacks import sgd_settings


class NoiseScale(keras.callbacks.Callback):
    """Logs noise scale and temperature of SGD at the end of each epoch.

    With learning rate e, momentum m, batch size B and N training examples,

        noise_scale = e N / (B (1 - m)),      temperature = e / (B (1 - m)),

    which `bsgen.theory` computes. Two settings of equal temperature end up alike, as
    long as the batch is small enough; what a larger batch takes away, a larger rate
    gives back. The gradients' own noise is not measured here but by
    `GradientNoiseScale`.

    Logs: `learning_rate` (of the next step, as Keras' own callbacks log it),
    `batch_size`, `noise_scale` and `temperature`.

    >>> import keras, numpy as np
    >>> from bsgen.callbacks import NoiseScale
    >>> inputs = np.random.default_rng(0).normal(size=(256, 8)).astype("float32")
    >>> targets = np.sin(inputs.sum(axis=1, keepdims=True))
    >>> model = keras.Sequential([keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.125, momentum=0.5), "mse")
    >>> history = model.fit(inputs, targets, batch_size=32, epochs=2, verbose=0,
    ...                     callbacks=[NoiseScale()]).history
    >>> history["batch_size"], history["noise_scale"]  # 0.125 256 / (32 (1 - 0.5))
    ([32.0, 32.0], [2.0, 2.0])

    B is that of the epoch's first batches, on all devices together, and N the number of
    examples in the epoch, both from the count that Keras keeps for the loss; B counts
    all batches of a step that accumulates gradients. It takes no time to speak of.
    """

    def __init__(self, batch_size: int | None = None, train_size: int | None = None):
        """Takes what the callback shall not find out by itself.

        Args:
          batch_size: B, at least 1, of a step; None for what `fit` is seen to feed. A
            model whose class has its own `train_step` may need it.
          train_size: N, at least 1; None for the examples of an epoch. Needed where an
            epoch is not a pass over the data, as with `steps_per_epoch`.

        Raises:
          UserError: one of them is not a whole number of at least 1.
        """
        super().__init__()
        given = {"batch_size": batch_size, "train_size": train_size}
        for name, value in given.items():
            if value is not None:
                errors.check_integer(name, value, 1)
        self._batch_size, self._train_size = batch_size, train_size
        self._seen_batch: float | None = None
        self._seen_examples: float | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Refuses an optimizer that is not SGD; Keras calls this."""
        sgd_settings.momentum(self.model)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Forgets what the last epoch was fed; Keras calls this."""
        self._seen_batch = self._seen_examples = None

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Looks once how large the batches are; Keras calls this."""
        if batch and self._seen_batch is None and self._batch_size is None:
            self._seen_batch = self._count() / batch

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Counts the epoch before validation sets the count to 0; Keras calls this."""
        if self._batch_size is None or self._train_size is None:
            self._seen_examples = self._count()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Puts the four values into the logs; Keras calls this."""
        if logs is None:
            return
        if self._seen_examples is None:
            self.on_test_begin()
        optimizer = sgd_settings.optimizer_of(self.model)
        accumulated = optimizer.gradient_accumulation_steps or 1
        examples = self._seen_examples or 0.0
        # All steps of the epoch may have been taken in one call.
        whole = math.ceil(examples / (self.params.get("steps") or 1))
        batch_size = self._batch_size or (self._seen_batch or whole) * accumulated
        train_size = self._train_size or examples
        rate = sgd_settings.learning_rate(self.model)
        momentum = sgd_settings.momentum(self.model)
        scale = theory.noise_scale(rate, batch_size, train_size, momentum)
        temperature = theory.temperature(rate, batch_size, momentum)
        logs["learning_rate"] = rate
        logs["batch_size"] = float(batch_size)
        logs["noise_scale"] = float(scale)
        logs["temperature"] = float(temperature)

    def _count(self) -> float:
        """Returns the examples of the epoch so far, which the mean loss is over."""
        for metric in self.model.metrics:
            if metric.name == "loss" and isinstance(metric, keras.metrics.Mean):
                return float(metric.count.numpy())
        remedy = "the model keeps no count of its examples; give both to NoiseScale"
        raise errors.UserError("batch_size, train_size", None, remedy)
