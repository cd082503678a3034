"""The replicas of the `tf.distribute` strategy under which a model was created.

Each replica gets whole batches, so a measure's answer is that of a single replica up to
the order of float64 sums, in training mode too, whatever the number of batches is. All
replicas compute with the variables as they are read outside of them. A model that was
created under no strategy has one replica, the default device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from bsgen import interrupts

# A structure of tensors where there is one replica; else of a tensor for each.
PerReplica: TypeAlias = Any


class Replicas:
    """Compiles functions for all replicas, distributes batches and collects sums.

    Attributes:
      count: the number of replicas.
    """

    def __init__(self, model: keras.Model):
        """Finds the strategy from the model's variables.

        Args:
          model: a built model. Under a strategy of several machines each machine
            measures by itself, on one replica, since the others may not be measuring at
            the same time.
        """
        values = [variable.value for variable in model.variables]
        found = [getattr(value, "distribute_strategy", None) for value in values]
        self._strategy: Any = next(filter(None, found), None)
        if isinstance(self._strategy, tf.distribute.MultiWorkerMirroredStrategy):
            self._strategy = None
        self.count = self._strategy.num_replicas_in_sync if self._strategy else 1

    def compiled(self, function: Callable[..., Any]) -> Callable[..., PerReplica]:
        """Returns a function that runs on every replica, compiled."""
        chosen = function
        if self.count > 1:

            def chosen(*args: Any) -> PerReplica:
                return self._strategy.run(function, args)

        # Autograph would rewrite the user's loss and wrap the errors it raises.
        return tf.function(chosen, autograph=False, reduce_retracing=True)

    def everywhere(self, values: Any) -> PerReplica:
        """Returns a structure of tensors, unchanged, on every replica."""
        return self._place([values] * self.count)

    def shared_out(self, batches: Iterable[Any]) -> Iterator[tuple[int, Any, Any]]:
        """Distributes batches over the replicas, one to each at a time.

        Args:
          batches: structures of arrays or tensors.

        Yields:
          The number of replicas, counted from the first, that have a batch of their
          own; a batch for each replica, PerReplica; and PerReplica 1.0, or 0.0 for
          those without a batch of their own, which get that of the first.
        """
        shares = {self.count: self._shares(self.count)}
        waiting: list[Any] = []
        for batch in batches:
            interrupts.check()
            waiting.append(batch)
            if len(waiting) == self.count:
                yield self.count, self._place(waiting), shares[self.count]
                waiting = []
        if waiting:
            used = len(waiting)
            waiting += waiting[:1] * (self.count - used)
            yield used, self._place(waiting), self._shares(used)

    def each(
        self,
        function: Callable[..., PerReplica],
        batches: Iterable[Any],
        *shared: PerReplica,
    ) -> Iterator[Any]:
        """Yields what compiled `function(*shared, *batch)` returns for each batch."""
        for used, batch, _ in self.shared_out(batches):
            yield from self._local(function(*shared, *batch))[:used]

    def sum(self, values: PerReplica) -> Any:
        """Returns the sums over replicas of a structure of tensors."""
        if self.count == 1:
            return values
        reduce = tf.distribute.ReduceOp.SUM
        return tf.nest.map_structure(
            lambda value: self._strategy.reduce(reduce, value, axis=None), values
        )

    def _shares(self, used: int) -> PerReplica:
        ones = [tf.constant(float(i < used), tf.float64) for i in range(self.count)]
        return self._place(ones)

    def _place(self, values: list[Any]) -> PerReplica:
        """Returns one structure for each replica as one of PerReplica values."""
        if self.count == 1:
            return values[0]
        devices = self._strategy.extended.worker_devices

        def on_device(context: Any) -> Any:
            place = context.replica_id_in_sync_group
            with tf.device(devices[place]):
                return tf.nest.map_structure(tf.identity, values[place])

        return self._strategy.experimental_distribute_values_from_function(on_device)

    def _local(self, values: PerReplica) -> list[Any]:
        """Returns the structures of the replicas."""
        if self.count == 1:
            return [values]
        flat = [
            self._strategy.experimental_local_results(value)
            for value in tf.nest.flatten(values)
        ]
        return [
            tf.nest.pack_sequence_as(values, parts) for parts in zip(*flat, strict=True)
        ]
