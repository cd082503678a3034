"""Counts of weights, for the tests of the networks."""

import math


def trainable(model):
    """How many numbers training changes."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def running(model):
    """How many numbers the running statistics are."""
    return sum(math.prod(weight.shape) for weight in model.non_trainable_weights)
