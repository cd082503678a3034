"""The network of the last run, which the next run takes over if it is built alike.

To trace the steps of a small network takes longer than to take them. So one network
with its compiled steps serves all runs of which `same_network.alike` is equal: its
variables are set back to what they were, and the next run is, bit for bit, what it
would have been on its own.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from bsgen import data, measures
from bsgen.training import weight_distance
from bsgen.training.loop import replica_program


@dataclasses.dataclass(eq=False)
class Network:
    """A network with all that is compiled for it.

    Attributes:
      model: the Keras model.
      optimizer: built, with a learning rate that is assigned before every step.
      program: its compiled steps.
      hessians: of the mean loss, by the number of training examples; measured so far.
    """

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    program: replica_program.ReplicaProgram
    hessians: dict[int | None, measures.Hessian] = dataclasses.field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        self._initial = {id(each): each.numpy() for each in self._variables}

    @property
    def _variables(self) -> list[keras.Variable]:
        return [*self.model.variables, *self.optimizer.variables]

    def reset(self) -> None:
        """Sets all variables to what they were when the network was built."""
        for variable in self._variables:
            variable.assign(self._initial[id(variable)])

    def distances(self) -> dict[str, float]:
        """Returns how far the weights are from where they were when it was built.

        The seed decides where that was, so a run that was stopped finds it again. It is
        kept in the memory of the host, where the sums are taken too.
        """
        weights = self.model.trainable_variables
        start = [self._initial[id(each)] for each in weights]
        moved = measures.weight_distance([each.numpy() for each in weights], start)
        return weight_distance.recorded(moved.per_variable.values())


class Networks:
    """Keeps one network, of the last run."""

    def __init__(self) -> None:
        self._made_from: tuple[Any, ...] = ()
        self._network: Network | None = None

    def of(
        self, key: tuple[Any, ...], source: data.Source, build: Callable[[], Network]
    ) -> Network:
        """Returns a network as built.

        Args:
          key: of all that shapes it but the examples.
          source: the examples, which the compiled steps may hold.
          build: makes it, unless the network of the last run has the same key and
            source.
        """
        known = self._made_from
        if self._network is None or known[0] != key or known[1] is not source:
            self._network = None  # two might exceed the memory
            self._network, self._made_from = build(), (key, source)
        else:
            self._network.reset()
        return self._network
