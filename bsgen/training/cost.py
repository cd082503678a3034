"""What a run is expected to cost; for lists and progress bars only.

Two numbers, measured on two cores of an AMD EPYC (see BUILD_NOTES.md), describe a step
of a dense network in the ensemble engine: arithmetic of 4.4 operations a weight and
example (the first layer has no gradient for its inputs), and a pass over weights and
accumulators. The other networks are trained one by one: a start, 6 operations a
multiplication of the forward pass and example, and a price a step.
"""

import math

from bsgen import config, data

_OPERATIONS_PER_SECOND = 2e11
_SECONDS_PER_WEIGHT = 1.5e-10
_EXACT_SECONDS = 0.04  # one exact minimum of a small convex cost
_HIDDEN_UNITS = {"mlp4": (512,) * 3, "f1": (512,) * 5}
# Multiplications of a forward pass on an image of CIFAR; of ImageNet for the last two.
_MULTIPLICATIONS = {
    "c1": 1.9e7,
    "c3": 1.9e7,
    "resnet44": 9.8e7,
    "resnet56": 1.26e8,
    "vgg11": 1.53e8,
    "vgg16": 3.13e8,
    "wrn_16_4": 4.2e8,
    "wrn_28_10": 5.2e9,
    "alexnet": 7e8,
    "resnet50": 4.1e9,
}
_LOOP_OPERATIONS_PER_SECOND = 1e11
_LOOP_START, _LOOP_STEP = 0.7, 2.5e-4  # seconds
_MEASURE_GRADIENTS = 150  # final measures, in gradients of the measured examples


def seconds(run: config.RunConfig) -> float:
    """Returns the expected wall time of a run on two cores."""
    if isinstance(run.optimizer, config.NewtonConfig):
        return _EXACT_SECONDS
    batch_size = run.batch_size or run.data.train_size or 1000
    weights = _weights(run)
    if run.model.name in ("mlp", "logistic_regression"):
        arithmetic = 4.4 * batch_size * weights / _OPERATIONS_PER_SECOND
        return run.num_steps * (arithmetic + weights * _SECONDS_PER_WEIGHT)
    work = _MULTIPLICATIONS.get(run.model.name, weights)
    examples = float(run.num_steps * batch_size)
    if run.final_measures:
        examples += _MEASURE_GRADIENTS * (run.measured_examples or 1000)
    arithmetic = 6 * work * examples / _LOOP_OPERATIONS_PER_SECOND
    passes = _LOOP_STEP + weights * _SECONDS_PER_WEIGHT
    return _LOOP_START + arithmetic + run.num_steps * passes


def _weights(run: config.RunConfig) -> int:
    """Returns the number of weights of a dense network, without biases."""
    hidden_units = _HIDDEN_UNITS.get(run.model.name, run.model.hidden_units)
    widths = [math.prod(data.find(run.data.name).input_shape), *hidden_units, 10]
    return sum(a * b for a, b in zip(widths, widths[1:], strict=False))
