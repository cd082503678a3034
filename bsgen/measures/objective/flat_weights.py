"""The trainable weights of a Keras model as one vector.

The order is that of `model.trainable_variables`, each flattened; every vector and
matrix of this room follows it.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from bsgen import errors

MAX_PARAMETERS = 5000  # of a matrix: 200 MB


class FlatWeights:
    """Reads, sets and cuts the P trainable weights of a model.

    Attributes:
      num_parameters: P.
    """

    def __init__(self, model: keras.Model):
        """Notes the shapes of a built model's weights.

        Raises:
          UserError: the model has no trainable weights.
        """
        self._model = model
        self._shapes = [tuple(v.shape) for v in model.trainable_variables]
        self._sizes = [int(np.prod(shape)) for shape in self._shapes]
        self.num_parameters = sum(self._sizes)
        if not self.num_parameters:
            remedy = "it has no trainable weights; build it, or unfreeze a layer"
            raise errors.UserError("model", model.name, remedy)

    def read(self) -> npt.NDArray[Any]:
        """Returns the weights [P], in their own dtype."""
        values = [v.numpy().ravel() for v in self._model.trainable_variables]
        return np.concatenate(values)

    def check_finite(self) -> None:
        """Checks the weights.

        Raises:
          UserError: one is not finite.
        """
        if not np.isfinite(self.read()).all():
            remedy = "some of its weights are not finite; give one that did not diverge"
            raise errors.UserError("model", self._model.name, remedy)

    def check_small(self) -> None:
        """Checks that a matrix [P, P] can be held.

        Raises:
          UserError: there are more than `MAX_PARAMETERS` weights.
        """
        if self.num_parameters > MAX_PARAMETERS:
            remedy = f"its {self.num_parameters} weights make too large a matrix; "
            remedy += f"give a model of at most {MAX_PARAMETERS}"
            raise errors.UserError("model", self._model.name, remedy)

    def assign(self, weights: npt.NDArray[Any]) -> None:
        """Sets the weights from a vector [P]."""
        parts = np.split(weights, np.cumsum(self._sizes)[:-1])
        variables = self._model.trainable_variables
        for variable, part, shape in zip(variables, parts, self._shapes, strict=True):
            variable.assign(part.reshape(shape))

    def tensors(self) -> list[tf.Tensor]:
        """Returns the weights as tensors, one a variable."""
        return [tf.convert_to_tensor(v.value) for v in self._model.trainable_variables]

    def cut(self, vector: tf.Tensor) -> list[tf.Tensor]:
        """Returns a vector [P] as tensors of the variables' shapes and dtypes.

        Raises:
          UserError: it has another length.
        """
        if vector.shape != (self.num_parameters,):
            remedy = f"give [{self.num_parameters}], one number a trainable weight"
            raise errors.UserError("vector", tuple(vector.shape), remedy)
        return [
            tf.cast(tf.reshape(part, shape), variable.dtype)
            for part, shape, variable in zip(
                tf.split(vector, self._sizes),
                self._shapes,
                self._model.trainable_variables,
                strict=True,
            )
        ]


def join(parts: list[tf.Tensor]) -> tf.Tensor:
    """Returns tensors, one a variable, as one vector [P] in float64."""
    return tf.concat([tf.reshape(tf.cast(p, tf.float64), [-1]) for p in parts], axis=0)
