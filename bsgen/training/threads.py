"""One thread for a process, whose sums then do not depend on the number of cores."""

import os
import pathlib

# TensorFlow reads its own when it starts, the libraries when they are imported.
ONE = dict.fromkeys(
    (
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
    ),
    "1",
)
_GPU_DRIVERS = ("/dev/nvidiactl", "/dev/dxg")


def use_one() -> None:
    """Lets this process use one thread; to be called before NumPy is imported.

    What the environment says already stays. Where there is a GPU nothing changes: its
    host uses threads to read data.
    """
    if not any(pathlib.Path(driver).exists() for driver in _GPU_DRIVERS):
        for name, value in ONE.items():
            os.environ.setdefault(name, value)
