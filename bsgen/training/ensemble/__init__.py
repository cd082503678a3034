"""Trains many runs of a small model as one compiled program."""

from bsgen.training.ensemble.engine import check, max_runs, train

__all__ = ["check", "max_runs", "train"]
