"""The random potential around the weights: how the loss scatters with the distance.

Hoffer, Hubara & Soudry (2017), arXiv 1705.08741, appendix B: from the initial weights
w_0, w = w_0 + z v with a random direction v of norm one, over all trainable weights
together, and z uniform in [0, c]; then std = sqrt(E (L(w) - L(w_0))^2) against |w -
w_0| (eq. 8). `theory.random_potential` has the estimators and what they mean.

**Batch norm.** The paper does not say how it normalises. Running averages are 0 and 1
at the initial weights, not those of any data, and any others belong to other weights
than those of a point in the ball. So by default they are found again from the data at
every point ("reestimate"): where all data fit in a batch, the loss is then that of
training on the full batch, for plain batch norm exactly. "keep" takes the model's own.

**Speed.** Directions are drawn on the device, from (seed, number of the direction), so
that they do not depend on how many are evaluated in a call. On a CPU `tf.map_fn` over
the weights of several directions takes as long as `tf.vectorized_map` (2.2 and 2.0 ms a
direction for five layers of 64 units and 1000 digits, one thread, where a call for each
takes 8), and it works with every layer.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors, interrupts, statistics, theory
from bsgen.measures import progress
from bsgen.measures.landscape import evaluation, model_state
from bsgen.measures.objective import compiled_loss, flat_weights, given_model
from bsgen.measures.operators.linear_operator import FloatArray
from bsgen.theory import random_potential as potential

# Directions in a call: as many as take about a second, within these limits. Our choice.
_MAX_DIRECTIONS = 64
_MAX_BYTES = 2**28  # of their weights
_SECONDS = 0.5


@dataclasses.dataclass(frozen=True, eq=False)
class RandomPotential:
    """Losses at random places in a ball around the weights.

    Attributes:
      distances: [D], |w - w_0|; fewer than asked for if interrupted.
      differences: [D], L(w) - L(w_0).
      initial_loss: L(w_0).
      max_distance: c.
      num_parameters: P.
      metrics: for each metric, [D], at w.
      spread: the law std = scale distance^exponent of eq. 8.
      spread_about_mean: the same of differences less their mean at their distance.
      running_statistics: "reestimate" or "keep".
      stopped_because: "complete" or "interrupted".
      mode: "inference", and the notes of `mean_loss.MeanLoss.mode`.
    """

    distances: FloatArray
    differences: FloatArray
    initial_loss: float
    max_distance: float
    num_parameters: int
    metrics: Mapping[str, FloatArray]
    spread: theory.Spread
    spread_about_mean: theory.Spread
    running_statistics: evaluation.RunningStatistics
    stopped_because: progress.StoppedBecause
    mode: str = "inference"

    @property
    def value(self) -> float:
        """The exponent alpha of eq. 2: std ~ distance^(alpha / 2)."""
        return self.spread.alpha

    @property
    def standard_error(self) -> float:
        """Of `value`, over the directions."""
        return 2 * self.spread.standard_error

    @property
    def exponent(self) -> statistics.Interval:
        """The exponent alpha / 2 of std, with its 95 % interval over the directions."""
        return self.spread.interval

    def binned(self, num_bins: int) -> theory.Bins:
        """Returns std in bins of equal width, as in figure 4.

        Args:
          num_bins: b, at least 1.
        """
        return theory.bin_differences(
            self.distances, self.differences, self.max_distance, num_bins
        )

    def summary(self) -> dict[str, Any]:
        """Returns the numbers that do not belong to single directions."""
        exponent, lower, upper = self.exponent
        named = (
            *("value", "standard_error", "initial_loss", "max_distance"),
            *("num_parameters", "running_statistics", "stopped_because", "mode"),
        )
        return {name: getattr(self, name) for name in named} | {
            "exponent": exponent,
            "exponent_interval": [lower, upper],
            "exponent_about_mean": self.spread_about_mean.exponent,
            "scale": self.spread.scale,
            "num_directions": len(self.distances),
        }


@interrupts.kept()
def random_potential(
    model: given_model.Model,
    loss: compiled_loss.Loss,
    data: Any,
    max_distance: float,
    *,
    num_directions: int = 1000,
    seed: int = 0,
    running_statistics: evaluation.RunningStatistics = evaluation.REESTIMATE,
    on_progress: progress.OnProgress | None = None,
    keep_partial: bool = False,
    **options: Any,
) -> RandomPotential:
    """Measures the MEAN loss at random places around the model's weights.

    Args not named here are those of `evaluation.Evaluation`.

    Args:
      model: a model, or a function that builds one; it is not changed.
      max_distance: c, above 0, in the unit of the weights. The paper takes the largest
        distance that training reaches.
      num_directions: D, at least 10.
      seed: of directions and distances, at least 0.
      running_statistics: of batch norm, see above.
      on_progress: called with alpha so far after some directions, which count as
        products.
      keep_partial: whether Ctrl-C returns what is known so far, instead of raising
        KeyboardInterrupt; with fewer than 10 directions it raises it all the same.

    Raises:
      UserError: an argument is wrong, the loss is not finite at the model's weights or
        in the ball, or it is the same everywhere.
    """
    reach = errors.check_real("max_distance", max_distance, 0.0)
    if reach == 0.0:
        raise errors.UserError("max_distance", reach, "give a number above 0")
    count = errors.check_integer("num_directions", num_directions, potential.MIN_POINTS)
    draw = np.random.default_rng(errors.check_integer("seed", seed, 0))
    model = given_model.built(model, data)
    evaluate = evaluation.Evaluation(
        model, loss, data, running_statistics=running_statistics, **options
    )
    ball = _Ball(model, seed)
    centre = evaluate.at_each(*ball.at(0, np.zeros(1)))["loss"].item()
    if not np.isfinite(centre):
        remedy = f"its loss is {centre} at its own weights; give one that is finite"
        raise errors.UserError("model", model.name, remedy)
    distances = reach * (1.0 - draw.random(count))  # above 0
    found: dict[str, FloatArray] = {}
    stopped_because: progress.StoppedBecause = progress.COMPLETE
    size, done = 1, 0
    try:
        while done < count:
            begun = time.perf_counter()
            some = distances[done : done + size]
            values = evaluate.at_each(*ball.at(done, some))
            _check_finite(some, values["loss"], reach)
            found = {n: np.append(found.get(n, []), v) for n, v in values.items()}
            done += len(some)
            if on_progress is not None:
                value, error = _alpha(distances[:done], found["loss"] - centre)
                on_progress(progress.Progress(done, count, value, error))
            if time.perf_counter() - begun < _SECONDS:
                size = min(2 * size, ball.most_at_once)
    except KeyboardInterrupt:
        enough = done >= potential.MIN_POINTS
        stopped_because = progress.interrupted(keep_partial and enough)
    distances, differences = distances[:done], found.pop("loss") - centre
    return RandomPotential(
        distances=distances,
        differences=differences,
        initial_loss=centre,
        max_distance=reach,
        num_parameters=ball.num_parameters,
        metrics=found,
        spread=theory.fit_spread(distances, differences),
        spread_about_mean=theory.fit_spread(
            distances, theory.about_mean(distances, differences)
        ),
        running_statistics=evaluate.running_statistics,
        stopped_because=stopped_because,
        mode=evaluate.mode,
    )


class _Ball:
    """Weights at distances from a model's own, in directions that it draws.

    Attributes:
      num_parameters: P.
      most_at_once: how many of them may be held together.
    """

    def __init__(self, model: keras.Model, seed: int):
        flat = flat_weights.FlatWeights(model)
        flat.check_finite()
        self.num_parameters = flat.num_parameters
        self._weights, self._others = model_state.of(model, model, "model").tensors(
            model
        )
        is_double = any(w.dtype == tf.float64 for w in self._weights)
        self._dtype = tf.float64 if is_double else tf.float32
        held = self.num_parameters * self._dtype.size
        self.most_at_once = int(np.clip(_MAX_BYTES // held, 1, _MAX_DIRECTIONS))
        self._seed = tf.constant(seed, tf.int64)
        self._moved = tf.function(self._move, autograph=False, reduce_retracing=True)

    def at(
        self, first: int, distances: FloatArray
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Returns weights, [K, ...] each, and the other variables.

        Args:
          first: number of the first direction.
          distances: [K], along the first and the following ones.
        """
        numbers = first + tf.range(len(distances), dtype=tf.int64)
        return self._moved(numbers, tf.constant(distances, tf.float64)), self._others

    def _move(self, numbers: tf.Tensor, distances: tf.Tensor) -> list[tf.Tensor]:
        size = self.num_parameters

        def direction(number: tf.Tensor) -> tf.Tensor:
            key = tf.stack([self._seed, number])
            return tf.random.stateless_normal(
                [size], key, dtype=self._dtype, alg="philox"
            )

        drawn = tf.map_fn(direction, numbers, fn_output_signature=self._dtype)
        lengths = tf.norm(tf.cast(drawn, tf.float64), axis=1)
        moves = drawn * tf.cast(distances / lengths, self._dtype)[:, tf.newaxis]
        parts = tf.split(moves, [int(np.prod(w.shape)) for w in self._weights], axis=1)
        return [
            weight + tf.cast(tf.reshape(part, [-1, *weight.shape]), weight.dtype)
            for weight, part in zip(self._weights, parts, strict=True)
        ]


def _check_finite(distances: FloatArray, losses: FloatArray, reach: float) -> None:
    wrong = ~np.isfinite(losses)
    if wrong.any():
        nearest = float(distances[wrong].min())
        remedy = f"the loss is not finite at a distance of {nearest:.3g}; give less"
        raise errors.UserError("max_distance", reach, remedy)


def _alpha(distances: FloatArray, differences: FloatArray) -> tuple[float, float]:
    """Returns alpha and its standard error, nan and inf before they are known."""
    try:
        spread = theory.fit_spread(distances, differences)
    except errors.UserError:  # too few points so far
        return float("nan"), float("inf")
    return spread.alpha, 2 * spread.standard_error
