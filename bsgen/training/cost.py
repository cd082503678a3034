"""What runs are expected to cost; for lists and progress bars only.

A step of a program of the ensemble engine takes a fixed price for each layer, which its
runs share; and for each run a pass over weights and accumulators, a price for each
layer, whatever its width, and arithmetic. That of an example is 4.4 operations for each
multiplication of the forward pass (the first layer has no gradient for its inputs), and
as much as 68 multiplications for each output of a layer: in narrow networks activations
and their gradients take most of the time. Runs that are trained one by one take a
start, 6 operations a multiplication of the forward pass and example, and for each step
a fixed price and the pass over weights; those that share a network build it once.
Evaluations of held-out examples may take as long as the training, if there are many:
each has a fixed price, and each example that of a forward pass.
"""

import collections
import dataclasses
from collections.abc import Collection, Iterable

from bsgen import config, data, models
from bsgen.training import routing, same_network

_EXACT_SECONDS = 0.02  # one exact minimum of a small convex cost
_MEASURE_GRADIENTS = 60  # final measures, in gradients of the measured examples
_EVALUATION = 50  # price of one, whatever it computes, in steps of a run alone
OPERATIONS_TO_TRAIN = 4.4  # of the ensemble, a multiplication and example
# Operations of an evaluation, a multiplication and example; those of the ensemble are
# not compiled by XLA.
_OPERATIONS_TO_EVALUATE = {"ensemble": 6.0, "loop": 2.0}
_UNTIL_FITTED = 0.5  # of the steps of a run that ends at a training loss
_TAKEN_OVER = 0.1  # start of a run whose network is there, in parts of `loop_start`
# Of the ensemble engine, at the widths of 16 to 800 of the studies at quick scale; see
# BUILD_NOTES.md.
_OUTPUT = 68  # multiplications that take as long as an output of a layer
_LAYER = 2500  # weights whose pass takes as long as a layer of a run, however narrow
_NORMALIZED = 1.5  # arithmetic and compilation of a network with batch statistics
_RECURRENT = 5.0  # arithmetic of a recurrent network: token by token, and with gates
_CALIBRATED_LAYERS = 2  # of the network whose compilation and launch are measured
_TRAIN_SIZE = 1000  # of a task that may have any number
_RUNS_AT_ONCE = 256  # of one program
_SECONDS_A_PROCESS = 30.0  # of work, which make up for some seconds of start


@dataclasses.dataclass(frozen=True)
class Speed:
    """How fast a process trains on a machine, in seconds; `calibration` measures it.

    Attributes:
      device: the machine in words.
      start: before anything is trained: TensorFlow, devices, data.
      program: to compile a program of the ensemble engine, of a network of two layers.
      launch: of one of its steps, whatever it computes.
      weight: of a pass over a weight, its gradient and accumulator.
      operation: of an operation of the ensemble engine.
      loop_start: before the first step of a run that is trained alone.
      loop_step: of one of its steps, whatever it computes.
      loop_operation: of one of its operations, in convolutions.
    """

    device: str
    start: float
    program: float
    launch: float
    weight: float
    operation: float
    loop_start: float
    loop_step: float
    loop_operation: float


ONE_CORE = Speed(  # by one thread; see BUILD_NOTES.md
    "one core of an AMD EPYC",
    start=5.0,
    program=1.0,
    launch=1.5e-5,
    weight=4e-10,
    operation=3.4e-12,
    loop_start=0.7,
    loop_step=1.8e-4,
    loop_operation=1.2e-11,
)


def seconds(
    run: config.RunConfig, keeps_network: bool = False, speed: Speed = ONE_CORE
) -> float:
    """Returns the time that a process is expected to take for a run among others.

    Args:
      run: any configuration.
      keeps_network: as in `routing.engine`.
      speed: of the machine.
    """
    trained_by = routing.engine(run, keeps_network)
    if trained_by == "minima":
        return _EXACT_SECONDS
    dataset = data.find(run.data.name)
    size = models.size(run.model, dataset.input_shape, dataset.num_classes)
    train_size = _train_size(run)
    batch_size = run.batch_size or train_size
    evaluated = _OPERATIONS_TO_EVALUATE[trained_by] * _examples_evaluated(run)
    if trained_by == "ensemble":
        operations = OPERATIONS_TO_TRAIN * batch_size * run.num_steps
        operations *= _NORMALIZED if _is_normalized(run.model) else 1.0
        operations *= _RECURRENT if models.carries_state(run.model) else 1.0
        arithmetic = products(size) * (operations + evaluated) * speed.operation
        return arithmetic + run.num_steps * passed(size) * speed.weight
    pass_over_weights = size.weights * speed.weight
    examples = run.num_steps * batch_size
    share = 1.0 if run.stop_train_loss is None else _UNTIL_FITTED
    measured = 0
    if run.final_measures:
        measured = _MEASURE_GRADIENTS * (run.measured_examples or train_size)
    operations = 6 * (share * examples + measured) + share * evaluated
    arithmetic = size.multiplications * operations * speed.loop_operation
    steps = run.num_steps * (speed.loop_step + pass_over_weights)
    evaluations = len(run.evaluation_steps) * _EVALUATION * speed.loop_step
    starting = _TAKEN_OVER * speed.loop_start
    return starting + arithmetic + share * (steps + evaluations)


def products(size: models.Size) -> float:
    """Returns the arithmetic of an example in the ensemble, in multiplications."""
    return size.multiplications + _OUTPUT * size.outputs


def passed(size: models.Size) -> float:
    """Returns what a step of a run takes besides, in passes over a weight."""
    return size.weights + _LAYER * size.layers


def images(run: config.RunConfig) -> int:
    """Returns how many examples the steps of SGD take; 0 for another optimizer."""
    if not isinstance(run.optimizer, config.MomentumConfig):
        return 0
    return run.num_steps * (run.batch_size or _train_size(run))


def _train_size(run: config.RunConfig) -> int:
    usual = data.find(run.data.name).train_size
    return run.data.train_size or usual or _TRAIN_SIZE


def _examples_evaluated(run: config.RunConfig) -> int:
    """Returns how many examples all evaluations of a run pass through its network."""
    dataset = data.find(run.data.name)
    held_out = (dataset.test_size or 0) + run.data.validation_size
    if run.stop_train_loss is not None:
        held_out += _train_size(run)
    return len(run.evaluation_steps) * held_out + _train_size(run)


def _layers(model: config.ModelConfig, dataset_name: str) -> int:
    dataset = data.find(dataset_name)
    return models.size(model, dataset.input_shape, dataset.num_classes).layers


def _is_normalized(model: config.ModelConfig) -> bool:
    return model.normalization != "none" and "normalization" in models.takes(model)


def total_seconds(
    runs: Iterable[config.RunConfig],
    keep_networks: Collection[str] = (),
    speed: Speed = ONE_CORE,
    measuring: float = 0.0,
    most_processes: int = 1,
) -> float:
    """Returns the expected wall time of runs that are trained together.

    To the time of each it adds what they share: the start, and for each program of the
    ensemble engine (one for a network, a batch size and a budget; the engine may do
    better) its compilation, the launches of its steps and its evaluations; and for
    each network of runs that are trained alone, building it.

    Args:
      runs: any mixture.
      keep_networks: keys of runs whose networks are needed afterwards.
      speed: of the machine.
      measuring: seconds of other work of one process.
      most_processes: that divide the work; for little work there are fewer.
    """
    total = measuring
    programs: collections.Counter = collections.Counter()
    networks = set()
    for run in runs:
        kept = run.key in keep_networks
        total += seconds(run, kept, speed)
        engine = routing.engine(run, kept)
        if engine == "ensemble":
            evaluations = len(run.evaluation_steps)
            program = run.model, run.data.name, run.batch_size, run.num_steps
            programs[(*program, evaluations)] += 1
        elif engine == "loop":
            networks.add(same_network.alike(run))
    for (network, dataset, _, num_steps, evaluations), number in programs.items():
        depth = _layers(network, dataset) / _CALIBRATED_LAYERS
        each = num_steps * depth * speed.launch
        each += evaluations * _EVALUATION * speed.loop_step
        compiling = depth * speed.program
        compiling *= _NORMALIZED if _is_normalized(network) else 1.0
        total += compiling + -(-number // _RUNS_AT_ONCE) * each
    total += len(networks) * speed.loop_start
    if not total:
        return 0.0
    return speed.start + total / num_processes(total, most_processes)


def num_processes(total: float, most: int) -> int:
    """Returns how many processes, at least 1, should divide work.

    Args:
      total: expected seconds of one process.
      most: that there may be.
    """
    return max(1, min(most, int(total / _SECONDS_A_PROCESS)))
