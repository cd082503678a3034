"""Which way a Keras metric points, and its best and worst possible values.

The metric's class decides, never its name: "acc" in a name means nothing. For a metric
that Keras does not know, its author is asked.
"""

import inspect
import math
from typing import Literal, NamedTuple

import keras

from bsgen import errors

Mode = Literal["max", "min"]
_METRICS, _LOSSES = keras.metrics, keras.losses


class Direction(NamedTuple):
    """Which way is better.

    Attributes:
      mode: "max" where more is better, "min" where less is.
      worst: bound of the metric, infinite if there is none.
      best: bound of the metric, likewise.
    """

    mode: Mode
    worst: float
    best: float


_SHARE = Direction("max", 0.0, 1.0)
_CORRELATION = Direction("max", -1.0, 1.0)
_COUNT_OF_HITS = Direction("max", 0.0, math.inf)
_ERROR = Direction("min", math.inf, 0.0)
_LOSS = Direction("min", math.inf, -math.inf)

# Names in keras.metrics. Looked up in this order by `isinstance`, so a user's subclass
# counts as its parent, F1Score as FBetaScore, and all that is like IoU as that.
_OF_CLASSES = {
    _SHARE: """
        Accuracy BinaryAccuracy CategoricalAccuracy SparseCategoricalAccuracy
        TopKCategoricalAccuracy SparseTopKCategoricalAccuracy AUC Precision Recall
        PrecisionAtRecall RecallAtPrecision SensitivityAtSpecificity
        SpecificityAtSensitivity FBetaScore IoU
    """,
    _CORRELATION: "CosineSimilarity PearsonCorrelation ConcordanceCorrelation",
    Direction("max", -math.inf, 1.0): "R2Score",
    _COUNT_OF_HITS: "TruePositives TrueNegatives",
    _ERROR: """
        FalsePositives FalseNegatives MeanSquaredError RootMeanSquaredError
        MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredLogarithmicError
        LogCoshError Hinge SquaredHinge CategoricalHinge
    """,
    _LOSS: """
        BinaryCrossentropy CategoricalCrossentropy SparseCategoricalCrossentropy
        KLDivergence Poisson
    """,
}
_OF_FUNCTIONS = {
    _METRICS.binary_accuracy: _SHARE,
    _METRICS.categorical_accuracy: _SHARE,
    _METRICS.sparse_categorical_accuracy: _SHARE,
    _METRICS.top_k_categorical_accuracy: _SHARE,
    _METRICS.sparse_top_k_categorical_accuracy: _SHARE,
    _METRICS.pearson_correlation: _CORRELATION,
    _METRICS.concordance_correlation: _CORRELATION,
    **{
        function: _LOSS
        for name, function in inspect.getmembers(_LOSSES, inspect.isfunction)
        if name not in ("get", "serialize", "deserialize")
    },
}


def direction(
    name: str, metric: keras.metrics.Metric | None, mode: str | None = None
) -> Direction:
    """Returns which way a metric points.

    Args:
      name: of the value, as `evaluate` calls it.
      metric: the object that computes it; None if it is unknown.
      mode: the user's word, which always counts.

    Raises:
      UserError: `mode` is none of "max", "min" and None; or it is None, and Keras does
        not know the direction of the metric.
    """
    if mode not in (None, "max", "min"):
        raise errors.UserError("mode", mode, "give 'max', 'min' or None")
    known = _LOSS if is_loss(name, metric) else _known(metric)
    if mode is not None:
        low, high = sorted((known or _LOSS)[1:])
        worst, best = (low, high) if mode == "max" else (high, low)
        return Direction("max" if mode == "max" else "min", worst, best)
    if known is None:
        remedy = f"say whether more of {name!r} is better: 'max' or 'min'"
        raise errors.UserError("mode", mode, remedy)
    return known


def is_loss(name: str, metric: keras.metrics.Metric | None) -> bool:
    """Returns whether a value is a loss.

    Keras tracks the whole loss in a `Mean` named "loss", and that of an output in one
    named "OUTPUT_loss"; models with a training step of their own do the same.
    """
    tracks_loss = metric is None or type(metric) is keras.metrics.Mean
    return tracks_loss and (name == "loss" or name.endswith("_loss"))


def _known(metric: keras.metrics.Metric | None) -> Direction | None:
    for found, names in _OF_CLASSES.items():
        if isinstance(metric, tuple(getattr(_METRICS, name) for name in names.split())):
            return found
    # Keras wraps functions, and losses that serve as metrics.
    function = getattr(metric, "_fn", None)
    if isinstance(function, keras.losses.Loss):
        return _LOSS
    if inspect.isfunction(function) and function in _OF_FUNCTIONS:
        return _OF_FUNCTIONS[function]
    # Keras' own callbacks use this attribute; a later Keras may have more metrics.
    keras_says = getattr(metric, "_direction", None)
    if keras_says == "up":
        return Direction("max", -math.inf, math.inf)
    return _LOSS if keras_says == "down" else None
