"""Trains many runs of a small model as one compiled program."""

from bsgen.training.ensemble.engine import check, max_runs, plan, train, train_together

__all__ = ["check", "max_runs", "plan", "train", "train_together"]
