"""Trains one run of any network on any devices, and resumes it after a crash."""

from bsgen.training.loop.engine import train
from bsgen.training.loop.observer import Observer, Progress
from bsgen.training.loop.options import Options

__all__ = ["Observer", "Options", "Progress", "train"]
