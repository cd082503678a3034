"""How the outputs of a model depend on its weights, over the data.

The check of Smith & Le (2017), arXiv 1710.06451, appendix A: one L2 coefficient for all
weights is a plausible prior if, at initialisation,

    <dy / dw_i> = 0   and   <dy / dw_i  dy / dw_j> = delta_ij,

with y a prediction or a logit and the mean over the data. A linear model meets both if
and only if its inputs are whitened, except for a bias. Its derivative is 1 for every
example: so its mean is 1 whatever the data are, its second moment is 1, as required,
and its products with the other derivatives average to their means.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen import errors, interrupts
from bsgen.data import array_forms
from bsgen.measures.objective import flat_weights, given_model, gradients, stateless
from bsgen.measures.operators import groupwise

_MAX_ENTRIES = 2**24  # derivatives held at once


@dataclasses.dataclass(frozen=True)
class OutputDerivatives:
    """Moments of the derivatives dy / dw_i over examples and outputs, inference mode.

    Attributes:
      mean: [P], in the order of `model.trainable_variables`, each flattened.
      second_moment_diagonal: [P], the mean squares.
      second_moment: [P, P], the mean products; None if not asked for.
    """

    mean: npt.NDArray[np.float64]
    second_moment_diagonal: npt.NDArray[np.float64]
    second_moment: npt.NDArray[np.float64] | None = dataclasses.field(repr=False)

    @property
    def largest_mean(self) -> float:
        """The largest |mean|; 0 for a plausible prior, 1 for the bias of one output."""
        return float(np.max(np.abs(self.mean)))

    @property
    def covariance(self) -> npt.NDArray[np.float64] | None:
        """[P, P], second_moment - mean mean^T: 0 in the row of a bias."""
        if self.second_moment is None:
            return None
        return self.second_moment - np.outer(self.mean, self.mean)


@interrupts.kept()
def output_derivatives(
    model: given_model.Model,
    inputs: Any,
    output: int | None = None,
    covariance: bool = True,
) -> OutputDerivatives:
    """Measures the derivatives of the outputs by each trainable weight.

    Moments are means over the examples, and over the outputs as well if `output` is
    None. A weight that feeds only one of K outputs, as in a linear model, then has a
    second moment of 1 / K at best, since the other outputs do not depend on it: to
    compare it with 1, ask for the output that it feeds.

    Args:
      model: a model with one output tensor [batch, ...], or a function that builds one.
      inputs: [N, ...], N at least 1; of several inputs a list, tuple or dictionary.
      output: index of one of the flattened outputs; None for all.
      covariance: whether to compute the matrix, for at most 5000 weights.

    Raises:
      UserError: there are no inputs or weights, no such output or several output
        tensors, or the matrix would be too large.
    """
    inputs = array_forms.part("inputs", inputs)
    num_examples = array_forms.count("inputs", inputs)
    model = given_model.built(model, (inputs, np.zeros(num_examples)))
    num_parameters = flat_weights.FlatWeights(model).num_parameters
    num_outputs = _count_outputs(model, _cut(inputs, slice(1)))
    if covariance and num_parameters > flat_weights.MAX_PARAMETERS:
        remedy = (
            f"the matrix of {num_parameters} weights is too large (the limit is "
            f"{flat_weights.MAX_PARAMETERS}); give False for mean and diagonal"
        )
        raise errors.UserError("covariance", True, remedy)
    if output is not None and not 0 <= output < num_outputs:
        remedy = f"the model has outputs 0 to {num_outputs - 1}"
        raise errors.UserError("output", output, remedy)
    chosen = range(num_outputs) if output is None else [output]
    jacobian = _compiled_jacobian(model, chosen)
    rows_per_example = len(chosen)
    batch_size = max(1, _MAX_ENTRIES // (num_parameters * rows_per_example))
    total = np.zeros(num_parameters)
    total_squares = np.zeros(num_parameters)
    total_products = np.zeros((num_parameters, num_parameters)) if covariance else None
    for start in range(0, num_examples, batch_size):
        interrupts.check()
        some = _cut(inputs, slice(start, start + batch_size))
        rows = jacobian(some).numpy().astype(np.float64)
        total += rows.sum(axis=0)
        total_squares += np.square(rows).sum(axis=0)
        if total_products is not None:
            total_products += rows.T @ rows
    count = num_examples * rows_per_example
    return OutputDerivatives(
        mean=total / count,
        second_moment_diagonal=total_squares / count,
        second_moment=None if total_products is None else total_products / count,
    )


def _cut(inputs: Any, examples: slice) -> Any:
    return tf.nest.map_structure(lambda a: tf.convert_to_tensor(a[examples]), inputs)


def _count_outputs(model: keras.Model, example: Any) -> int:
    """Returns how many outputs an example has, in the one tensor that is allowed."""
    outputs = tf.nest.flatten(given_model.call(model, example, "inputs"))
    if len(outputs) > 1:
        remedy = f"it has {len(outputs)} output tensors; give a model of one"
        raise errors.UserError("model", model.name, remedy)
    return int(np.prod(outputs[0].shape[1:]))


def _compiled_jacobian(model: keras.Model, chosen: Sequence[int]) -> Any:
    """Returns a function of inputs [B, ...] to derivatives [B * chosen, P]."""

    def outputs_of(weights: groupwise.Weights, example: Any) -> tf.Tensor:
        others = [tf.convert_to_tensor(v) for v in model.non_trainable_variables]
        batch = tf.nest.map_structure(lambda part: part[tf.newaxis], example)
        (outputs,) = tf.nest.flatten(
            stateless.call(model, weights, others, batch).outputs
        )
        return tf.gather(tf.reshape(outputs, [-1]), chosen)

    def rows_at_once(weights: groupwise.Weights, example: Any) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            outputs = outputs_of(weights, example)
        groupwise.check_no_control_flow(outputs)
        rows = tape.jacobian(outputs, weights, unconnected_gradients="zero")
        return tf.concat([tf.reshape(r, [len(chosen), -1]) for r in rows], axis=1)

    def rows_one_by_one(weights: groupwise.Weights, example: Any) -> tf.Tensor:
        def row(weights: groupwise.Weights, place: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                tape.watch(weights)
                output = outputs_of(weights, example)[place]
            parts = gradients.gradient_or_zeros(tape, output, weights)
            return tf.concat([tf.reshape(part, [-1]) for part in parts], axis=0)

        return groupwise.one_by_one(row, weights, tf.range(len(chosen)))

    def jacobian(inputs: Any) -> tf.Tensor:
        weights = [tf.convert_to_tensor(v) for v in model.trainable_variables]
        rows = groupwise.each(rows_at_once, weights, inputs, alone=rows_one_by_one)
        return tf.reshape(rows, [-1, rows.shape[-1]])

    return tf.function(jacobian, autograph=False)
