"""Finds the exact minimum of a convex cost, for the Bayesian evidence."""

from bsgen.training.minima.engine import check, paths, train

__all__ = ["check", "paths", "train"]
