"""Readers of the files in which datasets are published, for use without a network."""
