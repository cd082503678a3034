"""Keras callbacks: what is followed in a `model.fit` of anyone's own network."""

from bsgen.callbacks.weight_distance import WeightDistance

__all__ = ["WeightDistance"]
