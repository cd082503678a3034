"""Digests that tell models and sets of examples apart.

The trials in a folder belong to one model on certain data. Without the digests, another
model or other data of the same size could continue the search with wrong scores.
"""

import hashlib
import inspect
import json
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen.tuning.trainers import examples as examples_lib

NAMES = ("model", "train_data", "validation_data")  # in a search's description
# Arrays up to this size are read whole; of larger ones, pieces of as much. Our choice.
_MOST_BYTES = 2**28
_NUM_PIECES = 256


def of(
    model: keras.Model,
    train_data: "examples_lib.Examples",
    validation_data: "examples_lib.Examples",
) -> dict[str, str]:
    """Returns the digests of a search's model and data, by `NAMES`."""
    digests = (of_model(model), of_examples(train_data), of_examples(validation_data))
    return dict(zip(NAMES, digests, strict=True))


def of_model(model: keras.Model) -> str:
    """Returns a digest of a model that has been evaluated.

    It covers layers with their settings, shapes and regularisers, which weights are
    trainable, loss and metrics, but neither the values of the weights nor the names
    that Keras makes up. Of a model that is no graph of layers it covers the shapes of
    the weights.
    """
    try:
        layers = _without_made_up_names(model.get_config())
        config = json.dumps(layers, sort_keys=True, default=_name)
    except (NotImplementedError, TypeError, ValueError):
        config = ""
    weights = [
        (tuple(weight.shape), str(weight.dtype), weight.trainable)
        for weight in model.weights
    ]
    parts = [
        type(model).__name__,
        config,
        weights,
        _described(model.loss),
        _described(_loss_weights(model)),
        [_described(metric) for metric in _flat_metrics(model)],
        model.dtype_policy.name,
    ]
    return _digest([repr(parts).encode()])


def of_examples(examples: "examples_lib.Examples") -> str:
    """Returns a digest of the shapes, types, contents and order of examples.

    Of a data set that gives other examples in every pass, of shapes and types.
    """
    return _digest(_pieces(examples))


def _pieces(examples: "examples_lib.Examples") -> Iterator[bytes]:
    yield str(tf.nest.map_structure(lambda _: 0, examples.targets)).encode()
    for array in examples.arrays:
        yield f"{array.shape} {array.dtype.kind}{array.dtype.itemsize}".encode()
        if examples.is_random:
            continue
        if array.dtype == object:
            yield repr(array.tolist()).encode()
            continue
        if array.nbytes <= _MOST_BYTES:
            yield np.ascontiguousarray(array).tobytes()
            continue
        rows = max(1, len(array) * _MOST_BYTES // array.nbytes // _NUM_PIECES)
        for start in np.linspace(0, len(array) - rows, _NUM_PIECES, dtype=int):
            yield np.ascontiguousarray(array[start : start + rows]).tobytes()


def _digest(pieces: Any) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()[:16]


def _flat_metrics(model: keras.Model) -> list[Any]:
    return [
        member
        for metric in model.metrics
        for member in getattr(metric, "metrics", None) or [metric]
    ]


def _loss_weights(model: keras.Model) -> Any:
    # The public `get_compile_config` serialises, and not every loss can be.
    return model._compile_config.config.get("loss_weights") if model.compiled else None


def _described(each: Any) -> Any:
    """Returns a loss or a metric in plain types."""
    if isinstance(each, dict):
        return {name: _described(value) for name, value in sorted(each.items())}
    if isinstance(each, list | tuple):
        return [_described(value) for value in each]
    if isinstance(each, keras.losses.Loss | keras.metrics.Metric):
        function = getattr(each, "_fn", getattr(each, "fn", None))
        try:
            config = {**each.get_config(), "fn": None, "name": None}
        except NotImplementedError:
            config = {}
        # Some of Keras' losses leave these out of their configuration.
        config["more"] = getattr(each, "_fn_kwargs", None)
        text = json.dumps(config, sort_keys=True, default=_name)
        return type(each).__name__, text, _described(function)
    if callable(each):
        try:
            return inspect.getsource(each)
        except (OSError, TypeError):
            return _name(each)
    return each


def _name(each: Any) -> str:
    return getattr(each, "__qualname__", type(each).__name__)


def _without_made_up_names(config: Any) -> Any:
    """Returns a configuration whose layers are numbered by their first appearance."""
    numbers: dict[str, str] = {}

    def collect(part: Any) -> None:
        if isinstance(part, dict):
            own = part.get("config", part)
            # A policy's name says what it is: "mixed_float16".
            if isinstance(own, dict) and part.get("class_name") != "DTypePolicy":
                if isinstance(own.get("name"), str):
                    numbers.setdefault(own["name"], f"layer {len(numbers)}")
            part = [each for key, each in part.items() if key != "dtype"]
        if isinstance(part, list | tuple):
            for each in part:
                collect(each)

    def replace(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: replace(each) for key, each in part.items()}
        if isinstance(part, list | tuple):
            return [replace(each) for each in part]
        return numbers.get(part, part) if isinstance(part, str) else part

    collect(config)
    return replace(config)
