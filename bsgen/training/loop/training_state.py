"""Everything that training steps change, as named arrays for checkpoints."""

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors, layers
from bsgen.training import draw_counters

_OF_STD = "/variance"  # ends the name of a ghost variance; older ones were deviations


class TrainingState:
    """The variables of a model and its optimizer, and what it carries, by name.

    Attributes:
      carried: the states of a network that carries any, after the last batch.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        carried: tuple[tf.Tensor, ...] = (),
    ):
        """Takes a built model, its built optimizer, and the states it begins with."""
        self.carried = carried
        self._model = model
        self._optimizer = optimizer

    def variables(self) -> dict[str, keras.Variable]:
        """Returns the variables by name."""
        # The counters of random draws follow from the step.
        counters = {id(each) for each in draw_counters.of(self._model)}
        kept = [each for each in self._model.variables if id(each) not in counters]
        of_std = self._layers_of_std()
        # Keras numbers layers across the whole process, so paths are no names.
        return {
            f"{kind}/{index:04d}" + _OF_STD * (id(variable) in of_std): variable
            for kind, variables in (
                ("model", kept),
                ("optimizer", self._optimizer.variables),
            )
            for index, variable in enumerate(variables)
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the values by name."""
        return {name: each.numpy() for name, each in self._values().items()}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Sets all variables to what `arrays` returned.

        Raises:
          UserError: the arrays are those of another model.
        """
        values = self._values()
        arrays = self._with_variances(arrays)
        for name in sorted({*values, *arrays}):
            found = arrays[name].shape if name in arrays else None
            wanted = tuple(values[name].shape) if name in values else None
            if found != wanted:
                remedy = f"a checkpoint of another model: {name} has shape {found}, "
                remedy += f"not {wanted}; give another folder or --resume=never"
                raise errors.UserError("output_dir", "checkpoint", remedy)
        for name, variable in self.variables().items():
            variable.assign(arrays[name])
        self.carried = tuple(tf.constant(arrays[name]) for name in self._carried())

    def _values(self) -> dict[str, keras.Variable | tf.Tensor]:
        return {**self.variables(), **self._carried()}

    def _carried(self) -> dict[str, tf.Tensor]:
        return {f"carried/{index:04d}": s for index, s in enumerate(self.carried)}

    def _layers_of_std(self) -> dict[int, layers.GhostBatchNormalization]:
        """Returns layers that average standard deviations, by `id` of the variance."""
        return {
            id(layer.moving_variance): layer
            for layer in self._model.layers
            if isinstance(layer, layers.GhostBatchNormalization)
            and layer.running_spread == "std"
        }

    def _with_variances(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Squares the standard deviations that older checkpoints hold."""
        arrays = dict(arrays)
        for name, variable in self.variables().items():
            older = name.removesuffix(_OF_STD)
            if older != name and older in arrays:
                layer = self._layers_of_std()[id(variable)]
                arrays[name] = layer.variance_of_std(arrays.pop(older)).numpy()
        return arrays
