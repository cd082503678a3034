"""Trains many runs of a small model as one compiled program."""
