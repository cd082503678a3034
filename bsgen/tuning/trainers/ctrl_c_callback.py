"""A Keras callback that raises a lost Ctrl-C after every batch."""

from typing import Any

import keras

from bsgen import interrupts


class CtrlC(keras.callbacks.Callback):
    """Ends `fit` and `evaluate` at the next batch; see `interrupts.check`."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Raises a lost Ctrl-C; Keras calls this."""
        interrupts.check()

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Raises a lost Ctrl-C; Keras calls this."""
        interrupts.check()
