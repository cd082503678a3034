"""What a run is expected to cost; for lists and progress bars only.

Two numbers, measured on two cores of an AMD EPYC (see BUILD_NOTES.md), describe a step
of a dense network: arithmetic of 4.4 operations a weight and example (the first layer
has no gradient for its inputs), and a pass over weights and accumulators.
"""

import math

from bsgen import config, data

_OPERATIONS_PER_SECOND = 2e11
_SECONDS_PER_WEIGHT = 1.5e-10
_EXACT_SECONDS = 0.04  # one exact minimum of a small convex cost


def seconds(run: config.RunConfig) -> float:
    """Returns the expected wall time of a run on two cores."""
    if isinstance(run.optimizer, config.NewtonConfig):
        return _EXACT_SECONDS
    widths = [math.prod(data.input_shape(run.data.name)), *run.model.hidden_units, 10]
    weights = sum(a * b for a, b in zip(widths, widths[1:], strict=False))
    batch_size = run.batch_size or run.data.train_size or 1000
    arithmetic = 4.4 * batch_size * weights / _OPERATIONS_PER_SECOND
    return run.num_steps * (arithmetic + weights * _SECONDS_PER_WEIGHT)
