"""Trains one run of any network on any devices, and resumes it after a crash."""

from bsgen.training.loop.engine import Progress, train

__all__ = ["Progress", "train"]
