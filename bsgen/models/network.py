"""The entry of a network in the registry, which holds all that is known of it.

What every builder takes and returns: `input_shape` is that of one input, (height,
width, channels) or (height, width) for images; dense networks flatten it. `num_classes`
is the width of the output. `normalization` is a factory of
`bsgen.models.normalization`, None for none. `dropout` is the share dropped. `seed`
draws the initial weights and the dropout: equal seeds give equal weights. The result is
a functional Keras model, of inputs [batch, *input_shape] to logits [batch,
num_classes]. Docstrings of builders add the rest.
"""

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bsgen import config
from bsgen.models import sizes

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class Network:
    """How to build a network, how large it is, and its options.

    Attributes:
      builder: a function, or "module.function" of this package, which is imported when
        the network is built. It takes `input_shape`, `num_classes`, `seed`, the fields
        `takes` and the `arguments`.
      size: a function of input shape and number of classes that returns `sizes.Size`
        without TensorFlow. It also gets what it names of the fields and arguments.
      takes: the fields of `ModelConfig` that are arguments of the builder.
      arguments: others.
      precision: that the network always has, if not that of the run.
      reconstructs: whether its outputs are compared with its inputs, as of an
        autoencoder; there may be any number of values in [batch, ...] as long as an
        input has as many.
      carries_state: whether it reads a text, and carries its state from one window to
        the next: the model takes [tokens, *states] and returns [logits, *new states],
        with equal shapes of old and new ones, [batch, units] each, which begin at 0.
      stacks: whether many runs may be trained as one: of dense layers, and others for
        which XLA has one operation over stacked weights. Convolutions have none.
      stacks_window: of a network that stacks, the longest window with which it does.
    """

    builder: str | Callable[..., "keras.Model"]
    size: Callable[..., sizes.Size]
    takes: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    precision: str | None = None
    reconstructs: bool = False
    carries_state: bool = False
    stacks: bool = False
    stacks_window: int | None = None

    def released(self) -> "Network":
        """Returns the same network in the form of its authors' code."""
        arguments = {**self.arguments, "variant": "released"}
        return dataclasses.replace(self, arguments=arguments)

    def load_builder(self) -> Callable[..., "keras.Model"]:
        """Returns the builder, from its module if need be."""
        if not isinstance(self.builder, str):
            return self.builder
        module, _, function = self.builder.partition(".")
        return getattr(importlib.import_module(f"bsgen.models.{module}"), function)

    def all_arguments(self, settings: config.ModelConfig) -> dict[str, Any]:
        """Returns what a configuration chooses, and what is fixed, by argument."""
        choices = {field: getattr(settings, field) for field in self.takes}
        if settings.dropout is None:  # the builder's own
            choices.pop("dropout", None)
        return choices | dict(self.arguments)
