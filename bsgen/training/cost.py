"""What a run is expected to cost; for lists and progress bars only.

Measured on two cores of an AMD EPYC (see BUILD_NOTES.md). A step of a dense network in
the ensemble engine takes 4.4 operations a weight and example (the first layer has no
gradient for its inputs), and a pass over weights and accumulators. Networks that are
trained one by one take a start, 6 operations a multiplication of the forward pass and
example, and for each step a fixed price and the pass over weights.
"""

from bsgen import config, data, models
from bsgen.training import routing

_OPERATIONS_PER_SECOND = 2e11
_SECONDS_PER_WEIGHT = 1.5e-10
_EXACT_SECONDS = 0.04  # one exact minimum of a small convex cost
_LOOP_OPERATIONS_PER_SECOND = 1e11
_LOOP_START, _LOOP_STEP = 0.7, 2.5e-4  # seconds
_MEASURE_GRADIENTS = 150  # final measures, in gradients of the measured examples
_TRAIN_SIZE = 1000  # of a task that may have any number


def seconds(run: config.RunConfig, keeps_network: bool = False) -> float:
    """Returns the expected wall time of a run on two cores; see `routing.engine`."""
    trained_by = routing.engine(run, keeps_network)
    if trained_by == "minima":
        return _EXACT_SECONDS
    dataset = data.find(run.data.name)
    size = models.size(run.model, dataset.input_shape, dataset.num_classes)
    train_size = run.data.train_size or dataset.train_size or _TRAIN_SIZE
    batch_size = run.batch_size or train_size
    pass_over_weights = size.weights * _SECONDS_PER_WEIGHT
    if trained_by == "ensemble":
        arithmetic = 4.4 * batch_size * size.weights / _OPERATIONS_PER_SECOND
        return run.num_steps * (arithmetic + pass_over_weights)
    examples = float(run.num_steps * batch_size)
    if run.final_measures:
        examples += _MEASURE_GRADIENTS * (run.measured_examples or train_size)
    arithmetic = 6 * size.multiplications * examples / _LOOP_OPERATIONS_PER_SECOND
    return _LOOP_START + arithmetic + run.num_steps * (_LOOP_STEP + pass_over_weights)
