"""Names of keras-tuner's own oracles, for flags that are read without TensorFlow."""

NAMES = ("random", "grid", "hyperband", "bayesian")
