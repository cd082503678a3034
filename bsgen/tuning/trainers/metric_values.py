"""The values that `evaluate` returns for a model, each with its metric.

Keras numbers whatever its user did not name: the second `AUC()` of a process is called
"auc_1", the second unnamed output "dense_1". So a metric is identified by its place
among those of the model, which is the same in all models of one function, and is shown
with the name that it would have if the process built one model only.
"""

import re
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.tuning.trainers import ctrl_c_callback, metric_direction


class MetricValue(NamedTuple):
    """One value of `evaluate`.

    Attributes:
      name: as in a process that builds one model only.
      key: as in this process.
      metric: that computes it; None where the model's own `test_step` returns it.
      value: a float, or [n] of them.
    """

    name: str
    key: str
    metric: keras.metrics.Metric | None
    value: Any

    @property
    def is_loss(self) -> bool:
        """Whether it is the loss, or that of one output."""
        return metric_direction.is_loss(self.key, self.metric)


def evaluate(model: keras.Model, batches: tf.data.Dataset) -> list[MetricValue]:
    """Returns the values of a model on data, in the order of its metrics."""
    callbacks = [ctrl_c_callback.CtrlC()]
    measured = model.evaluate(batches, return_dict=True, verbose=0, callbacks=callbacks)
    return values(model, measured)


def values(model: keras.Model, measured: dict[str, Any]) -> list[MetricValue]:
    """Returns what was measured, in the order of the model's metrics.

    Args:
      model: that has been evaluated.
      measured: values by name, as `evaluate` returns them.
    """
    metrics = _metrics(model)
    if set(metrics) != set(measured):  # the model has a test_step of its own
        metrics = dict.fromkeys(measured)
    first = _first_numbers(model, metrics)
    return [
        MetricValue(_as_in_a_fresh_process(key, first), key, metric, measured[key])
        for key, metric in metrics.items()
    ]


def place(found: list[MetricValue], metric: Any = None) -> int:
    """Returns the place of the metric to tune.

    Args:
      found: the values of a model.
      metric: name, function or object; None for the first that is no loss, else the
        loss.

    Raises:
      UserError: there is no such metric, or it has more than one value.
    """
    chosen = _place(found, metric)
    if np.ndim(found[chosen].value):
        count = np.size(found[chosen].value)
        remedy = f"it has {count} values; average them, such as by average='macro'"
        raise errors.UserError("metric", found[chosen].name, remedy)
    return chosen


def _place(found: list[MetricValue], metric: Any) -> int:
    if metric is None:
        whole = [i for i, each in enumerate(found) if each.key == "loss"]
        others = [i for i, each in enumerate(found) if not each.is_loss]
        return [*others, *whole, 0][0]
    for i, each in enumerate(found):
        if not isinstance(metric, str) and each.metric is not None:
            if metric in (each.metric, getattr(each.metric, "_fn", None)):
                return i
    for field in ("name", "key"):
        names = [getattr(each, field) for each in found]
        if metric in names:
            return names.index(metric)
    raise errors.unknown_name("metric", metric, [each.name for each in found])


def _metrics(model: keras.Model) -> dict[str, keras.metrics.Metric]:
    """Returns the metrics of a model by the keys that `evaluate` gives them."""
    found: dict[str, keras.metrics.Metric] = {}
    for metric in model.metrics:
        result = metric.result()
        if not isinstance(result, dict):
            found[metric.name] = metric
            continue
        # What `compile` was given lies together in one metric, in the same order.
        members = getattr(metric, "metrics", [])
        if len(members) != len(result):
            members = [metric] * len(result)
        for (name, value), member in zip(result.items(), members, strict=True):
            names = value if isinstance(value, dict) else [name]
            found.update(dict.fromkeys(names, member))
    return found


def _first_numbers(model: keras.Model, metrics: dict[str, Any]) -> dict[str, int]:
    """Returns the least number that Keras gave to each of its own names in a model."""
    first: dict[str, int] = {}
    for each in [*model.layers, *metrics.values()]:
        name = getattr(each, "name", "")
        stem, number = re.fullmatch(r"(.*?)(?:_(\d+))?", name).groups()  # type: ignore
        # "binary_io_u" is the name that Keras makes of BinaryIoU.
        if stem and stem.replace("_", "") == type(each).__name__.lower():
            first[stem] = min(int(number or 0), first.get(stem, int(number or 0)))
    return first


def _as_in_a_fresh_process(key: str, first: dict[str, int]) -> str:
    for stem, offset in first.items():

        def lower(match: re.Match[str], stem: str = stem, offset: int = offset) -> str:
            number = int(match.group(1)) - offset
            return f"{stem}_{number}" if number > 0 else stem

        if offset:
            key = re.sub(rf"(?<![a-z0-9]){stem}_(\d+)(?![a-z0-9])", lower, key)
    return key
