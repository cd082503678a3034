"""Gradients of batches of given examples, at fixed weights, less the full gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen import errors
from bsgen.data import forms
from bsgen.measures.landscape import random_directions
from bsgen.measures.noise import group_gradients
from bsgen.measures.objective import (
    batches,
    compiled_loss,
    flat_weights,
    given_model,
    gradients,
    mean_loss,
)
from bsgen.measures.operators.linear_operator import FloatArray

_Reduced = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class BatchGradients:
    """Gradients of the mean loss of batches, in inference mode.

    With batch statistics the gradient of a batch would be no mean of gradients of
    examples.

    Attributes:
      num_examples: N.
      gradient: the full one, [P].
      mode: "inference", and the notes of `mean_loss.MeanLoss.mode`.
    """

    def __init__(
        self,
        model: given_model.Model,
        loss: compiled_loss.Loss,
        data: Any,
        loss_weights: Any = None,
        regularization: bool = True,
    ):
        """Measures the full gradient; arguments are those of `measures.Hessian`.

        Raises:
          UserError: an argument is wrong, there is one example only, or something is
            not finite.
        """
        model = given_model.built(model, data)
        data = forms.arrays("data", data, model)  # batches are drawn from them
        self._objective = mean_loss.MeanLoss(
            model, loss, False, loss_weights, regularization
        )
        # The batch size is larger than any data set: all examples are one batch.
        (self._everything,) = batches.Batches(data, 2**62)
        self._objective.recognise_sum(self._everything)
        if self._objective.is_sum:
            remedy = "its reduction is a sum over the batch; give one that is a mean"
            raise errors.UserError("loss", self._objective.name, remedy)
        self._groups = group_gradients.GroupGradients(
            model, loss, data, loss_weights=loss_weights, regularization=regularization
        )
        self._model = model
        self._functions: dict[_Reduced, Any] = {}
        self._example_trace: float | None = None
        self.gradient = self._groups.mean()
        self.num_examples = self._groups.num_groups
        if self.num_examples < 2:
            remedy = "a covariance needs at least 2 examples"
            raise errors.UserError("data", "1 example", remedy)
        self.mode = self._objective.mode

    def update(self) -> None:
        """Measures the full gradient at the weights that the model has now."""
        self._example_trace = None
        everything = np.arange(self.num_examples)[np.newaxis]
        no_directions = np.empty((0, len(self.gradient)))
        from_last = self.compiled(itself, no_directions)(everything)[0]
        self.gradient = self.gradient + from_last

    def directions(self, num_random: int, seed: int) -> FloatArray:
        """Returns unit vectors [1 + K, P]: along the full gradient, and K random ones.

        The first is 0 if the gradient is.
        """
        count = errors.check_integer("num_directions", num_random, 0)
        length = np.linalg.norm(self.gradient)
        rows = [self.gradient / length if length else self.gradient]
        for number in range(count):
            parts = random_directions.random_direction(
                self._model, (seed, number), "unit"
            )
            rows.append(np.concatenate([part.ravel() for part in parts]))
        return np.stack(rows)

    def example_trace(self) -> float:
        """Returns tr(F), which is kept until the next `update`."""
        if self._example_trace is None:
            self._example_trace, _ = self.of_examples(self.directions(0, 0))
        return self._example_trace

    def of_examples(self, directions: FloatArray) -> tuple[float, FloatArray]:
        """Returns tr(F), and the variances of F along unit vectors [1 + K]."""
        found = [self._groups.deviations(self.gradient, each) for each in directions]
        projections = np.stack([each.projections for each in found])
        degrees = self.num_examples - 1
        trace = float(found[0].squared_norms.sum() / degrees)
        return trace, (projections**2).sum(axis=1) / degrees

    def compiled(
        self, reduced: _Reduced, directions: FloatArray
    ) -> Callable[[npt.NDArray[Any]], FloatArray]:
        """Returns a compiled function to what `reduced` makes of batches.

        The deviations are from the gradient of the last `update`; what is compiled is
        kept for the next call.

        Args:
          reduced: of the deviation of a batch's gradient, [P], and of the directions;
            its result may have any shape.
          directions: unit vectors, [1 + K, P].

        Returns:
          A function of positions [batches, B], whose results are [batches, ...].
        """
        flat = flat_weights.FlatWeights(self._model)

        def deviations(
            gradient: tf.Tensor,
            directions: tf.Tensor,
            data: tuple[Any, ...],
            positions: tf.Tensor,
        ) -> tf.Tensor:
            weights = flat.tensors()

            def one(places: tf.Tensor) -> tf.Tensor:
                batch = tf.nest.map_structure(lambda a: tf.gather(a, places), data)
                with tf.GradientTape() as tape:
                    tape.watch(weights)
                    value = self._objective.value(weights, batch)
                parts = gradients.gradient_or_zeros(tape, value, weights)
                return reduced(flat_weights.join(parts) - gradient, directions)

            return tf.map_fn(one, positions, fn_output_signature=tf.float64)

        if reduced not in self._functions:
            # Autograph would rewrite the user's loss and wrap the errors it raises.
            self._functions[reduced] = tf.function(
                deviations, autograph=False, reduce_retracing=True
            )
        function = self._functions[reduced]
        fixed = self.gradient, directions, self._everything
        return lambda positions: function(*fixed, positions).numpy()


def itself(move: tf.Tensor, directions: tf.Tensor) -> tf.Tensor:
    """Returns a deviation as it is, for `BatchGradients.compiled`."""
    del directions
    return move
