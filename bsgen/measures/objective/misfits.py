"""Model, loss and data that do not fit together, said in one line."""

import contextlib
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf

from bsgen import errors
from bsgen.measures.objective import mean_loss, replicas

_RUNNING = (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError)
# What TensorFlow and Keras raise for what does not fit together, most while they trace.
REFUSALS = (
    AttributeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    *_RUNNING,
)
_MAX_REASON = 200  # characters of what they say


class NotCompiled(errors.UserError):
    """TensorFlow makes no graph of what runs eagerly; `__cause__` is what it raised."""


class InWords:
    """Says what Keras or TensorFlow raise in terms of the data."""

    def __init__(self, model: keras.Model, loss: mean_loss.MeanLoss):
        """Takes what is measured."""
        self._name = model.name
        self._loss = loss
        self._distributed = replicas.Replicas(model).count > 1
        self._fitted = False

    @contextlib.contextmanager
    def on(self, batches: Iterable[tuple[Any, ...]]) -> Iterator[None]:
        """Says in one line when model and loss cannot take the data.

        Args:
          batches: that are being measured.

        Raises:
          UserError: in place of what TensorFlow or Keras raised.
        """
        if self._distributed and not self._fitted:
            # Keras makes variables when it fits shapes, which no replica can.
            self._failure(batches)
        try:
            if not self._fitted:
                self._recognise_sum(batches)
            self._fitted = True
            yield
        except errors.UserError:
            raise
        except REFUSALS as error:
            reason = self._failure(batches)
            if reason is None and not isinstance(error, _RUNNING):
                remedy = "with this loss and data it runs step by step, but cannot be "
                remedy += f"compiled into a graph ({_first_words(error)})"
                raise NotCompiled("model", self._name, remedy) from error
            remedy = f"model and loss cannot take it ({_first_words(reason or error)})"
            raise errors.UserError("data", _shapes(batches), remedy) from error

    def _recognise_sum(self, batches: Iterable[tuple[Any, ...]]) -> None:
        for batch in itertools.islice(batches, 1):
            self._loss.recognise_sum(batch)

    def _failure(self, batches: Iterable[tuple[Any, ...]]) -> Exception | None:
        """Returns what is raised for the loss of the first batch alone."""
        first = next(iter(batches), None)
        if first is None:
            return None
        batch = tf.nest.map_structure(tf.convert_to_tensor, first)
        try:
            self._loss.value(self._loss.weights(), batch)
        except errors.UserError:
            raise
        except REFUSALS as error:
            return error
        return None


def _shapes(batches: Iterable[tuple[Any, ...]]) -> str:
    batch = next(iter(batches))
    return " and ".join(
        f"{name} {keras.tree.map_structure(lambda a: tuple(a.shape), part)}"
        for name, part in zip(("inputs", "targets", "weights"), batch, strict=False)
    )


def _first_words(error: Exception) -> str:
    """Returns what Keras or TensorFlow says, without colours, frames and arguments."""
    text = re.sub(r"\x1b\[\d*m|\{\{.*?\}\} ", "", str(error) or type(error).__name__)
    # What runs in a graph says first where.
    text = re.sub(r"^Graph execution error:\s*(Detected at .*\n)?(<.*>\n)?", "", text)
    # Of the layer its class is kept.
    text = re.sub(
        r"^Exception encountered when calling (\S+)\.call\(\)\.", r"\1:", text
    )
    text = re.split(r"Arguments received by|Detected at node", text)[0]
    words = " ".join(text.split())
    return words if len(words) <= _MAX_REASON else words[: _MAX_REASON - 3] + "..."
