"""The score of the best constant answer on validation data, by the user's metric."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen.tuning.trainers import constant_candidates, metric_values
from bsgen.tuning.trainers import examples as examples_lib

_MOST_NUMBERS = 2**22  # of outputs, at once
_MOST_EXAMPLES = 8192  # at once


def best(
    model: keras.Model,
    place: int,
    sign: int,
    train_data: "examples_lib.Examples",
    validation_data: "examples_lib.Examples",
) -> float | None:
    """Returns the best score of a constant output; higher is better.

    A loss is that of the outputs alone, without penalties on weights: a constant needs
    none. Several outputs are optimized one after the other.

    Args:
      model: compiled and evaluated; its metrics are used.
      place: of the metric among the values of the model.
      sign: 1 where more of the metric is better, -1 where less is.
      train_data: see `constant_candidates.candidates`.
      validation_data: that the answers are scored on.

    Returns:
      None if no constant answer can be scored: the model computes loss or metrics by
      itself, or its targets do not show what its outputs mean.
    """
    if computes_by_itself(model):
        return None
    outputs = model(_first_inputs(validation_data), training=False)
    shapes = [tuple(each.shape[1:]) for each in tf.nest.flatten(outputs)]
    targets, train_targets = (
        _in_order_of_outputs(model, outputs, data.targets)
        for data in (validation_data, train_data)
    )
    if not len(targets) == len(train_targets) == len(shapes):
        return None
    masks = _masks(model, validation_data, outputs)
    weights = validation_data.weights
    common = weights if isinstance(weights, np.ndarray) else None
    choices = [
        constant_candidates.candidates(
            target, train, shape, common if mask is None else mask.astype(np.float32)
        )
        for target, train, shape, mask in zip(
            targets, train_targets, shapes, masks, strict=True
        )
    ]
    if not all(choices):
        return None
    scorer = _Scorer(model, place, sign, validation_data, outputs, masks)
    answer = [choice[0] for choice in choices]
    score = scorer.score(answer)
    for i, choice in enumerate(choices):
        scores = [scorer.score([*answer[:i], one, *answer[i + 1 :]]) for one in choice]
        answer[i] = choice[int(np.argmax(scores))]
        score = max(score, *scores)
    return score if math.isfinite(score) else None


def computes_by_itself(model: keras.Model) -> bool:
    """Returns whether a model computes its loss or metrics without Keras."""
    names = ("test_step", "compute_loss", "compute_metrics", "_compute_loss")
    return model._compile_loss is None or any(
        getattr(type(model), name) is not getattr(keras.Model, name) for name in names
    )


class _Scorer:
    def __init__(
        self,
        model: keras.Model,
        place: int,
        sign: int,
        data: "examples_lib.Examples",
        outputs: Any,
        masks: Sequence[np.ndarray | None],
    ):
        self._model, self._place, self._sign = model, place, sign
        self._outputs, self._masks = outputs, masks
        numbers = sum(int(np.prod(each.shape[1:])) for each in tf.nest.flatten(outputs))
        size = max(1, min(_MOST_EXAMPLES, _MOST_NUMBERS // max(numbers, 1)))
        self._parts = [data.targets, *([] if data.weights is None else [data.weights])]
        self._slices = [slice(i, i + size) for i in range(0, len(data), size)]

    def score(self, answer: Sequence[np.ndarray]) -> float:
        """Returns the score of constant outputs; -inf where it is not finite."""
        model = self._model
        model.reset_metrics()
        total, count = 0.0, 0
        measured: dict[str, Any] = {}
        for part in self._slices:
            targets, *weights = tf.nest.map_structure(
                lambda array, part=part: tf.constant(array[part]), self._parts
            )
            size = int(tf.nest.flatten(targets)[0].shape[0])
            flat = [
                tf.constant(np.broadcast_to(each, (size, *each.shape)))
                for each in answer
            ]
            for tensor, mask in zip(flat, self._masks, strict=True):
                if mask is not None:
                    tensor._keras_mask = tf.constant(mask[part])
            outputs = tf.nest.pack_sequence_as(self._outputs, flat)
            weight = weights[0] if weights else None
            # The public `compute_loss` adds the penalties of regularisers.
            loss = model._compile_loss(targets, outputs, weight)
            total, count = total + size * float(loss), count + size
            measured = model.compute_metrics(None, targets, outputs, weight)
        measured = {**measured, "loss": total / count}
        found = metric_values.values(model, measured)[self._place].value
        score = self._sign * float(found)
        return score if math.isfinite(score) else -math.inf


def _first_inputs(data: "examples_lib.Examples") -> Any:
    (batch,) = data.in_order(1).take(1)
    return batch[0]


def _masks(
    model: keras.Model, data: "examples_lib.Examples", outputs: Any
) -> list[np.ndarray | None]:
    """Returns each output's mask [n, *places] on all examples, if it has one."""
    kept = [getattr(each, "_keras_mask", None) for each in tf.nest.flatten(outputs)]
    if all(mask is None for mask in kept):
        return [None] * len(kept)
    found: list[list[np.ndarray]] = [[] for _ in kept]
    for batch in data.in_order():
        each_of = tf.nest.flatten(model(batch[0], training=False))
        for masks, each in zip(found, each_of, strict=True):
            masks.append(np.asarray(getattr(each, "_keras_mask", None)))
    return [
        None if mask is None else np.concatenate(parts)
        for mask, parts in zip(kept, found, strict=True)
    ]


def _in_order_of_outputs(model: keras.Model, outputs: Any, targets: Any) -> list[Any]:
    """Returns the targets in the order of the outputs, flat."""
    if isinstance(targets, dict) and not isinstance(outputs, dict):
        names = getattr(model, "output_names", [])
        return [targets[name] for name in names] if {*names} == {*targets} else []
    return tf.nest.flatten(targets)
