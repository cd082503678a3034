"""The devices that train one run: one, several of a machine, or several machines.

Wraps the `tf.distribute` strategies, with what the loop needs to know about them and
the few values on which their workers have to agree.
"""

import contextlib
import functools
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import config, errors
from bsgen.training import cluster, interruption, provenance


class Devices:
    """A `tf.distribute` strategy and this process's place in it.

    Attributes:
      strategy: the strategy.
      num_workers: processes that train together.
      worker: the number of this process; 0 is the chief, which alone writes files.
      num_replicas: devices of all workers.
      hardware: `provenance.hardware` of them.
    """

    def __init__(self, hardware: config.HardwareConfig):
        """Makes the strategy; several workers wait for each other here.

        Raises:
          UserError: there are too few devices, TF_CONFIG is missing or invalid, or
            another worker did not start within `cluster.PATIENCE_SECONDS`.
        """
        self.num_workers, self.worker = 1, 0
        if hardware.strategy == "multi_worker":
            place = cluster.place()
            self.num_workers, self.worker = len(place.workers), place.index
            cluster.meet(place)
            with interruption.at_once():
                self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
        elif hardware.strategy == "mirrored":
            self.strategy = _mirrored(_local_devices(hardware.num_devices))
        else:
            self.strategy = tf.distribute.get_strategy()
        self.num_replicas = self.strategy.num_replicas_in_sync
        self.hardware = provenance.hardware("loop", self.num_replicas, self.num_workers)

    @property
    def replicas_of_worker(self) -> int:
        """Devices of this worker."""
        return self.num_replicas // self.num_workers

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the files."""
        return self.worker == 0

    def on_each_replica(self, array: np.ndarray) -> Any:
        """Returns a copy of an array on the device of each of this worker's replicas.

        The result is an argument for `strategy.run`.
        """
        if self.strategy is tf.distribute.get_strategy():  # the default one
            return tf.constant(array)
        names = self.strategy.extended.worker_devices

        def place(context: tf.distribute.experimental.ValueContext) -> tf.Tensor:
            with tf.device(names[context.replica_id_in_sync_group % len(names)]):
                return tf.constant(array)

        return self.strategy.experimental_distribute_values_from_function(place)

    def largest(self, values: Sequence[int]) -> list[int]:
        """Returns the maximum of each value over the workers, on every worker."""
        if self.num_workers == 1:
            return list(values)
        own = np.zeros([self.num_workers, len(values)])
        own[self.worker] = values
        return [int(value) for value in self._sum(own).max(axis=0)]

    def share_of_chief(self, variables: Iterable[keras.Variable]) -> None:
        """Copies the chief's values of the variables to every worker."""
        if self.num_workers == 1:
            return
        for variable in variables:
            # float64 holds every float32 and every count of steps exactly.
            value = variable.numpy().astype(np.float64) * self.is_chief
            variable.assign(self._sum(value).astype(variable.dtype))

    def _sum(self, value: np.ndarray) -> np.ndarray:
        def of_replica(value: tf.Tensor) -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            first = context.replica_id_in_sync_group % self.replicas_of_worker == 0
            return value * tf.cast(first, value.dtype)

        parts = self.strategy.run(of_replica, args=(tf.constant(value),))
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, parts, None).numpy()


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.MirroredStrategy:
    """Returns the only strategy of these devices.

    A second strategy would number its collectives from the start again, and confuse
    them with those of the first.
    """
    return tf.distribute.MirroredStrategy(list(devices))


def _local_devices(wanted: int | None) -> tuple[str, ...]:
    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    if kind == "CPU" and wanted is not None:
        _divide_cpu(wanted)
    devices = tf.config.list_logical_devices(kind)
    if wanted is not None and wanted > len(devices):
        remedy = f"this machine has {len(devices)} {kind} device(s)"
        raise errors.UserError("num_devices", wanted, remedy)
    return tuple(device.name for device in devices[:wanted])


def _divide_cpu(wanted: int) -> None:
    """Makes logical CPUs; their number is fixed once TensorFlow has started."""
    physical = tf.config.list_physical_devices("CPU")[0]
    with contextlib.suppress(RuntimeError):
        tf.config.set_logical_device_configuration(
            physical, [tf.config.LogicalDeviceConfiguration()] * wanted
        )
