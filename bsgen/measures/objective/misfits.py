"""One line for a model, loss and data that do not fit together."""

from __future__ import annotations

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
# What TensorFlow and Keras raise in such cases, mostly while they trace.
REFUSALS = (
    AttributeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    *_RUNNING,
)
_MAX_REASON = 200  # characters of their message
# What Keras says of ranks, and what most often is behind it.
_MEANT = {
    "must have rank (ndim) `target.ndim - 1`": "; are the targets one-hot? take a "
    "categorical loss that is not sparse, or targets.argmax(-1)",
    "`target` and `output` must have the same rank": "; are the targets class labels? "
    "take a sparse categorical loss",
}
_BEHIND_THE_REASON = r"Arguments received by|\s*Label values:|\s*\[\[\{\{node|\s*\[Op:"


class NotCompiled(errors.UserError):
    """The model runs eagerly, but not as a graph; `__cause__` is TensorFlow's error."""


class InWords:
    """Turns errors of Keras and TensorFlow into one line about the data."""

    def __init__(self, model: keras.Model, loss: mean_loss.MeanLoss):
        """Takes the model and the loss that are measured."""
        self._name = model.name
        self._loss = loss
        self._distributed = replicas.Replicas(model).count > 1
        self._fitted = False

    @contextlib.contextmanager
    def on(self, batches: Iterable[tuple[Any, ...]]) -> Iterator[None]:
        """Raises one line if model and loss cannot take the data gone through inside.

        Raises:
          UserError: in place of TensorFlow's or Keras' error.
        """
        if self._distributed and not self._fitted:
            # Keras adapts a loss to shapes by creating variables, which it cannot do on
            # a replica.
            self._failure(batches)
        try:
            if not self._fitted:
                for batch in itertools.islice(batches, 1):
                    self._loss.recognise_sum(batch)
            self._fitted = True
            yield
        except errors.UserError:
            raise
        except REFUSALS as error:
            failure = self._failure(batches)
            if failure is None and not isinstance(error, _RUNNING):
                remedy = "with this loss and data it runs step by step, but cannot be "
                remedy += f"compiled into a graph ({reason(error)})"
                raise NotCompiled("model", self._name, remedy) from error
            remedy = f"model and loss cannot take it ({reason(failure or error)})"
            raise errors.UserError("data", _shapes(batches), remedy) from error

    def _failure(self, batches: Iterable[tuple[Any, ...]]) -> Exception | None:
        """Returns the error that the loss of the first batch alone raises, or None."""
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


def reason(error: Exception) -> str:
    """Returns what Keras or TensorFlow says, without frames, nodes and arguments."""
    text = re.sub(r"\x1b\[\d*m|\{\{.*?\}\} ", "", str(error) or type(error).__name__)
    text = re.split(_BEHIND_THE_REASON, text)[0]
    if text.startswith("Graph execution error:"):  # and then the place in the code
        text = text.strip().splitlines()[-1]
    # Only the class of the layer is kept.
    text = re.sub(
        r"^Exception encountered when calling (\S+)\.call\(\)\.", r"\1:", text
    )
    words = " ".join(text.partition("Detected at node")[0].split())
    if len(words) > _MAX_REASON:
        words = f"{words[: _MAX_REASON - 3]}..."
    return words + "".join(meant for said, meant in _MEANT.items() if said in words)
