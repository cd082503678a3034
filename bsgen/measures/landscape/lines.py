"""Loss and metrics on the line between two models.

Jastrzebski et al. (2018), figure 4, after Keskar et al. (2017): alpha = 0 is one
trained model, alpha = 1 the other, and how fast the loss rises around each shows the
width of its minimum (`theory.basin_width`). The paper does not say what it does with
the running averages of batch norm.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from bsgen import interrupts
from bsgen.measures import progress
from bsgen.measures.landscape import evaluation, model_state
from bsgen.measures.objective import compiled_loss, given_model
from bsgen.measures.operators.linear_operator import FloatArray

_DEFAULT_ALPHAS = np.linspace(-1.0, 2.0, 31)


@dataclasses.dataclass(frozen=True, eq=False)
class LossAlongLine:
    """What was found at start + alpha (end - start).

    Attributes:
      alphas: [A]; fewer than asked for if interrupted.
      loss: [A], mean over the data; infinite or NaN where the model overflows.
      metrics: for each metric, [A].
      distance: |end - start| of the trainable weights, the length of one alpha.
      running_statistics: "keep" (interpolated) or "reestimate".
      stopped_because: "complete" or "interrupted".
      mode: "inference", and the notes of `mean_loss.MeanLoss.mode`.
    """

    alphas: FloatArray
    loss: FloatArray
    metrics: Mapping[str, FloatArray]
    distance: float
    running_statistics: evaluation.RunningStatistics
    stopped_because: progress.StoppedBecause
    mode: str = "inference"


@interrupts.kept()
def loss_along_line(
    model: given_model.Model,
    loss: compiled_loss.Loss,
    data: Any,
    start: keras.Model | Sequence[Any],
    end: keras.Model | Sequence[Any],
    alphas: npt.ArrayLike | None = None,
    *,
    on_progress: progress.OnProgress | None = None,
    keep_partial: bool = False,
    **options: Any,
) -> LossAlongLine:
    """Measures the MEAN loss on the line through two sets of weights.

    With `running_statistics="keep"` the running averages of batch norm are interpolated
    like the weights; beyond an end they are that end's, since a variance must not fall
    below 0.

    Args not named here are those of `evaluation.Evaluation`.

    Args:
      model: a model, or a function that builds one; only its architecture counts, and
        it is not changed.
      start: a model of the same variables, or their values: all of them, as of
        `get_weights()`, or the trainable ones.
      end: the same.
      alphas: [A], finite; 0 is the start, 1 the end; None for -1 to 2 in steps of 0.1.
      on_progress: called with the loss after every alpha, which count as products.
      keep_partial: whether Ctrl-C returns what is known so far instead of raising.

    Raises:
      UserError: an argument is wrong.
    """
    if alphas is None:
        alphas = _DEFAULT_ALPHAS
    places = evaluation.check_places("alphas", alphas)
    model = given_model.built(model, data)
    first = model_state.of(model, start, "start")
    last = model_state.of(model, end, "end")
    evaluate = evaluation.Evaluation(model, loss, data, **options)
    values, stopped_because = evaluate.profile(
        (_between(first, last, alpha) for alpha in places),
        len(places),
        on_progress,
        1 if keep_partial else 0,
    )
    squares = [
        np.sum((b - a) ** 2) for a, b in zip(first.weights, last.weights, strict=True)
    ]
    return LossAlongLine(
        alphas=places[: len(values["loss"])],
        loss=values.pop("loss"),
        metrics=values,
        distance=float(np.sqrt(np.sum(squares))),
        running_statistics=evaluate.running_statistics,
        stopped_because=stopped_because,
        mode=evaluate.mode,
    )


def _between(
    start: model_state.State, end: model_state.State, alpha: float
) -> model_state.State:
    inside = min(max(alpha, 0.0), 1.0)
    return model_state.State(
        [a + alpha * (b - a) for a, b in zip(start.weights, end.weights, strict=True)],
        [
            a + inside * (b - a) if a.dtype.kind == "f" else a
            for a, b in zip(start.others, end.others, strict=True)
        ],
    )
