"""Trains one run of any network on any devices, and resumes it after a crash."""

from bsgen.training.loop.engine import train
from bsgen.training.loop.options import Options
from bsgen.training.observer import Observer, TrainingProgress

__all__ = ["Observer", "Options", "TrainingProgress", "train"]
