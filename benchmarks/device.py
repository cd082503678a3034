"""The device that benchmarks run on: its name, and how fast it copies memory.

Both are asked from TensorFlow in a process of its own, so that the process that asks
holds no device, and every contender finds the memory of a GPU free.
"""

import concurrent.futures
import ctypes
import json
import multiprocessing
import os
import sys
import time
from typing import NamedTuple

# Contenders that take turns share a GPU: none may take all of its memory at its start.
# TensorFlow and JAX read this when they first use the device.
SHARED_MEMORY = {
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
# Set where `find` shall read the device, as a line of JSON, from standard input.
GIVEN = "BSGEN_BENCHMARKS_DEVICE_GIVEN"
_GPU_BYTES, _CPU_BYTES = 2**30, 2**28  # far above any cache
_GPU_COPIES, _CPU_COPIES = 100, 5
_ROUNDS = 3


class Device(NamedTuple):
    """A device.

    Attributes:
      name: of the card, or of the processor with the number of its cores.
      is_gpu: whether it is a GPU.
      bandwidth: bytes read and written a second by copies of an array far larger than
        any cache; the best of some rounds.
    """

    name: str
    is_gpu: bool
    bandwidth: float

    def __str__(self) -> str:
        return f"{self.name}, copies at {self.bandwidth / 1e9:,.0f} GB/s"


def find() -> Device:
    """Returns the device that TensorFlow computes on, asked in another process."""
    if os.environ.get(GIVEN):
        return Device(*json.loads(sys.stdin.readline()))
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(_find).result()


def has_card() -> bool:
    """Returns, in milliseconds, whether NVIDIA's driver finds a card."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int()
    failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    return not failed and count.value > 0


def leave_to_children() -> None:
    """Keeps TensorFlow in this process off the GPU, before anything was computed."""
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")


def copy_bandwidth(num_bytes: int, num_copies: int) -> float:
    """Returns the bytes read and written a second by copies of `num_bytes` of float32.

    The copies are chained in one compiled loop, so that no launch is waited for, and
    each changes the values, so that none is left out.
    """
    import tensorflow as tf

    @tf.function(jit_compile=True)
    def chain(array: tf.Tensor) -> tf.Tensor:
        _, array = tf.while_loop(
            lambda index, _: index < num_copies,
            lambda index, array: (index + 1, 1.0 - array),
            (0, array),
        )
        return array

    def take() -> float:
        begun = time.perf_counter()
        chain(source)[0].numpy()  # waits for the last copy
        return time.perf_counter() - begun

    source = tf.zeros(num_bytes // 4)
    take()  # compiles
    fastest = min(take() for _ in range(_ROUNDS))
    return 2 * num_bytes * num_copies / fastest


def _find() -> Device:
    os.environ.update(SHARED_MEMORY)
    from bsgen.training import provenance
    from launch import entry

    entry.load_tensorflow()
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        bandwidth = copy_bandwidth(_CPU_BYTES, _CPU_COPIES)
        return Device(provenance.processor(), False, bandwidth)
    details = tf.config.experimental.get_device_details(gpus[0])
    bandwidth = copy_bandwidth(_GPU_BYTES, _GPU_COPIES)
    return Device(details.get("device_name", "GPU"), True, bandwidth)
