"""Loss and metrics on the line between two models.

Jastrzebski et al. (2018), figure 4, after Keskar et al. (2017): alpha = 0 is one
trained model, alpha = 1 the other, and how fast the loss rises around each shows its
width. The paper does not say what it does with the running averages of batch norm.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from bsgen import errors, interrupts
from bsgen.measures import progress
from bsgen.measures.objective import compiled_loss, evaluation
from bsgen.measures.operators import linear_operator

_DEFAULT_ALPHAS = np.linspace(-1.0, 2.0, 31)


@dataclasses.dataclass(frozen=True, eq=False)
class LossAlongLine:
    """What was found at start + alpha (end - start).

    Attributes:
      alphas: [A]; fewer than asked for if interrupted.
      loss: [A], mean over the data; infinite or NaN where the model overflows.
      metrics: for each metric, [A].
      distance: |end - start| of the trainable weights, what one alpha is worth.
      running_statistics: "keep" (interpolated) or "reestimate".
      stopped_because: "complete" or "interrupted".
      mode: "inference", and what `mean_loss.MeanLoss` has to say.
    """

    alphas: linear_operator.FloatArray
    loss: linear_operator.FloatArray
    metrics: Mapping[str, linear_operator.FloatArray]
    distance: float
    running_statistics: evaluation.RunningStatistics
    stopped_because: progress.StoppedBecause
    mode: str = "inference"


@interrupts.kept()
def loss_along_line(
    model: keras.Model,
    loss: compiled_loss.Loss,
    data: Any,
    start: keras.Model | Sequence[Any],
    end: keras.Model | Sequence[Any],
    alphas: npt.ArrayLike = _DEFAULT_ALPHAS,
    *,
    loss_weights: Any = None,
    regularization: bool = True,
    metrics: evaluation.Metrics | None = None,
    running_statistics: evaluation.RunningStatistics = "keep",
    l2: float = 0.0,
    batch_size: int = 256,
    on_progress: progress.OnProgress | None = None,
) -> LossAlongLine:
    """Measures the MEAN loss on the line through two sets of weights.

    Args:
      model: a built model; only its architecture counts, it is not changed.
      loss: whatever `compile` takes as one; None for the model's own.
      data: (inputs, targets) or (inputs, targets, sample weights), arrays, or a
        tf.data.Dataset of such batches.
      loss_weights: as for `compile`.
      regularization: whether the losses that the model adds are counted, those of its
        layers' regularisers above all.
      start: a model of the same variables, or their values: all of them, as of
        `get_weights()`, or the trainable ones.
      end: the same.
      alphas: [A], finite; 0 is the start, 1 the end.
      metrics: by name, callables of (targets, outputs) to values [batch, ...], such as
        `keras.metrics.sparse_categorical_accuracy`.
      running_statistics: "keep" interpolates the running averages of batch norm as the
        weights, and beyond an end keeps that end's (a variance must not fall below 0);
        "reestimate" takes them from `data` in training mode, anew at every alpha.
      l2: of a penalty l2 |w|^2 / 2 added to the loss, at least 0.
      batch_size: examples a call, for arrays; "reestimate" takes statistics of them.
      on_progress: is told after every alpha, which count as products.

    Raises:
      UserError: an argument is wrong.
    """
    places = np.atleast_1d(np.asarray(alphas, np.float64))
    if places.ndim != 1 or not places.size or not np.isfinite(places).all():
        raise errors.UserError("alphas", alphas, "give finite numbers, [A]")
    first = evaluation.state_of(model, start, "start")
    last = evaluation.state_of(model, end, "end")
    evaluate = evaluation.Evaluation(
        model,
        loss,
        data,
        metrics=metrics,
        running=running_statistics,
        l2=l2,
        batch_size=batch_size,
        loss_weights=loss_weights,
        regularization=regularization,
    )
    states = (_between(first, last, alpha) for alpha in places)
    values, stopped_because = evaluation.profile(
        evaluate, states, len(places), on_progress=on_progress
    )
    squares = [
        np.sum((b - a) ** 2) for a, b in zip(first.weights, last.weights, strict=True)
    ]
    return LossAlongLine(
        alphas=places[: len(values["loss"])],
        loss=values.pop("loss"),
        metrics=values,
        distance=float(np.sqrt(np.sum(squares))),
        running_statistics=running_statistics,
        stopped_because=stopped_because,
        mode=evaluate.mode,
    )


def _between(
    start: evaluation.State, end: evaluation.State, alpha: float
) -> evaluation.State:
    inside = min(max(alpha, 0.0), 1.0)
    return evaluation.State(
        [a + alpha * (b - a) for a, b in zip(start.weights, end.weights, strict=True)],
        [
            a + inside * (b - a) if a.dtype.kind == "f" else a
            for a, b in zip(start.others, end.others, strict=True)
        ],
    )
