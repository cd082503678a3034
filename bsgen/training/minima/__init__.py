"""Finds the exact minimum of a convex cost, for the Bayesian evidence."""

from bsgen.training.minima.engine import check, train

__all__ = ["check", "train"]
