"""Everything that training steps change, as named arrays for checkpoints."""

import keras
import numpy as np

from bsgen import errors, layers
from bsgen.training import draw_counters

_OF_STD = "/variance"  # ends the name of a ghost variance; older ones were deviations


class TrainingState:
    """The variables of a model and its optimizer, by name."""

    def __init__(self, model: keras.Model, optimizer: keras.optimizers.Optimizer):
        """Takes a built model and its built optimizer."""
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
        return {name: each.numpy() for name, each in self.variables().items()}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Sets all variables to what `arrays` returned.

        Raises:
          UserError: the arrays are those of another model.
        """
        variables = self.variables()
        arrays = self._with_variances(arrays)
        for name in sorted({*variables, *arrays}):
            found = arrays[name].shape if name in arrays else None
            wanted = tuple(variables[name].shape) if name in variables else None
            if found != wanted:
                remedy = f"a checkpoint of another model: {name} has shape {found}, "
                remedy += f"not {wanted}; give another folder or --resume=never"
                raise errors.UserError("output_dir", "checkpoint", remedy)
        for name, variable in variables.items():
            variable.assign(arrays[name])

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
