"""`launch.reproduce` in a process of its own, for its tests."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
STUDIES = [f"smith_le_2017/fig{number}" for number in range(1, 9)]


def environment():
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}


def reproduce(*flags, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-m", "launch.reproduce", *flags],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
    )
