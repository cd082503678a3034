"""The ensemble engine: trains many runs of a small model as one compiled program.

Runs of one kind, such as equal model and pool, may share a program; `grouping` says
which do. On a CPU a program is bounded by the cache: more runs pay off only while they
fit it. On a GPU it is bounded by memory, and a chunk that exceeds it all the same is
split.

A run's weights depend on its own configuration alone: initial weights and batches
follow from its seeds, and no operation mixes runs. Which other runs share its program
changes the rounding at most.
"""

import dataclasses
import functools
import logging
from collections.abc import Callable, Hashable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from bsgen import config, data, errors, models
from bsgen.models import losses
from bsgen.training import carried_state, draw_counters, records, routing
from bsgen.training.ensemble import chunk, grouping, stacked_program
from bsgen.training.ensemble.member import Member
from bsgen.training.loop import preprocessing, shares

_LOGGER = logging.getLogger(__name__)


def train(
    runs: Sequence[config.RunConfig],
    data_dir: str | None = None,
    memory_bytes: int | None = None,
    on_steps: Callable[[config.RunConfig, int], None] = lambda run, steps: None,
    warn: Callable[[str], None] = _LOGGER.warning,
) -> Iterator[records.RunRecord]:
    """Trains every run and yields its record as soon as it has ended.

    Args:
      runs: configurations with a `MomentumConfig`, any mixture; all are checked against
        their data before the first step is taken.
      data_dir: where prepared datasets lie.
      memory_bytes: budget of one program; None chooses by the device.
      on_steps: called with a run and the number of its steps just taken; those of a
        chunk that is trained again are told again.
      warn: called with a line when a chunk is split, as it exceeds the memory.

    Yields:
      One record a run, in the order of finishing.

    Raises:
      UserError: a run does not fit its data, or has something that only `loop` has.
      OutOfMemory: the device does not hold a single run.
    """
    for together in plan(runs, data_dir, memory_bytes):
        yield from train_together(together.runs, data_dir, on_steps, warn)


@dataclasses.dataclass(frozen=True)
class Together:
    """Runs that are trained by one program.

    Attributes:
      runs: they.
      program: equal for those that share what is compiled, for each number of runs.
    """

    runs: list[config.RunConfig]
    program: Hashable


def plan(
    runs: Sequence[config.RunConfig],
    data_dir: str | None = None,
    memory_bytes: int | None = None,
) -> list[Together]:
    """Returns how `train` divides runs into programs, in order; arguments as there.

    Raises:
      UserError: a run does not fit its data, or has something that only `loop` has.
    """
    for run in runs:
        for field, value in routing.only_in_loop(run).items():
            remedy = "the ensemble engine does not take it; train with training.loop"
            raise errors.UserError(field, value, remedy)
    loads = [_load(run, data_dir) for run in runs]
    return [
        Together(
            [runs[place] for place in places],
            (loads[places[0]].kind, max(loads[place].batch_size for place in places)),
        )
        for group in grouping.divide(loads, _device(), memory_bytes)
        for places in group
    ]


def check(run: config.RunConfig, data_dir: str | None = None) -> Member:
    """Returns the run with its split of its pool, after checking it against that.

    Raises:
      UserError: the run does not fit its data.
    """
    carried_state.check(run)
    member = Member(run, _split(run.data, data_dir))
    preprocessing.check(run, data.load_pool(_pool_key(run), data_dir))
    shares.check(run, member.plan.batch_sizes, num_replicas=1, parts=1)
    return member


def max_runs(
    model: keras.Model, batch_size: int, memory_bytes: int | None = None
) -> int:
    """Returns how many runs of `model` one program should train, at least 1."""
    memory_bytes = memory_bytes or _device().memory_bytes
    return grouping.max_runs(*_sizes(model), batch_size, memory_bytes)


def train_together(
    runs: Sequence[config.RunConfig],
    data_dir: str | None,
    on_steps: Callable[[config.RunConfig, int], None],
    warn: Callable[[str], None],
) -> Iterator[records.RunRecord]:
    """Trains runs of a `plan` as one program; if memory runs out, the rest as two.

    Args, yields and raises as `train`.
    """
    pool, program = _program(*_program_key(runs[0], data_dir))
    waiting = [runs]
    while waiting:
        together, ended = waiting.pop(0), set()
        members = [Member(run, _split(run.data, data_dir)) for run in together]
        try:
            for record in chunk.Chunk(members, program, pool).train(on_steps):
                ended.add(record.run.key)
                yield record
        except tf.errors.ResourceExhaustedError as error:
            network = runs[0].model.name
            if len(together) == 1:
                remedy = (
                    f"the memory of the device does not hold one run of {network}; "
                )
                remedy += "give a smaller batch"
                size = members[0].batch_size
                raise errors.OutOfMemory("batch_size", size, remedy) from error
            left = [run for run in together if run.key not in ended]
            half = -(-len(left) // 2)
            parts = [part for part in (left[:half], left[half:]) if part]
            waiting = parts + waiting
            warn(
                f"out of memory: {len(together)} runs of {network} at once are too "
                f"many; left are {' and '.join(str(len(part)) for part in parts)}"
            )


def _device() -> grouping.Device:
    on_gpu = tf.config.list_physical_devices("GPU")
    return grouping.GPU if on_gpu else grouping.CPU


def _load(run: config.RunConfig, data_dir: str | None) -> grouping.Load:
    # Not kept, as the plans of many long runs take much memory.
    member = check(run, data_dir)
    sizes = None  # the batch sizes of all steps, where they change
    if run.batch_size_schedule != config.Constant():
        train_size = len(member.split.train)
        sizes = run.batch_size_schedule, run.batch_size, train_size, run.num_steps
    # A program without clipping, augmentation or noise does not compute them.
    extras = run.sgd.clip_norm, run.data.augmentation, run.loss_noise
    chosen = tuple(value not in (None, "none", 0) for value in extras)
    model = _model(run.model, _pool_key(run), data_dir)
    shares.check_statistics(model, member.plan.batch_sizes, num_replicas=1)
    statistics = len(model.non_trainable_variables) - len(draw_counters.of(model))
    return grouping.Load(
        (_program_key(run, data_dir), sizes, chosen),
        len(model.trainable_variables),
        *_sizes(model),
        int(member.plan.batch_sizes.max()),
        run.num_steps,
        run.evaluation_steps,
        pads=not statistics,
    )


@functools.lru_cache(maxsize=64)
def _sizes(model: keras.Model) -> tuple[int, int]:
    """Returns the number of weights, and of all layers' outputs for one example."""
    weights = sum(int(np.prod(w.shape)) for w in model.trainable_variables)
    outputs = sum(
        int(np.prod(output.shape[1:]))
        for layer in model.layers
        for output in tf.nest.flatten(layer.output)
    )
    return weights, outputs


@functools.lru_cache(maxsize=256)  # the most runs of a program
def _split(data_config: config.DataConfig, data_dir: str | None) -> data.Split:
    """Draws a split once for all runs that share it."""
    return data.split(data.load_pool(data_config, data_dir), data_config)


def _pool_key(run: config.RunConfig) -> config.DataConfig:
    """A random task has a pool for each seed and size; others depend on the name."""
    is_random = data.find(run.data.name).is_random
    return run.data if is_random else config.DataConfig(run.data.name)


def _program_key(run: config.RunConfig, data_dir: str | None) -> tuple:
    loss = losses.of_run(run)
    return run.model, _pool_key(run), data_dir, run.sgd.nesterov, loss


@functools.lru_cache(maxsize=64)
def _model(
    settings: config.ModelConfig, pool_key: config.DataConfig, data_dir: str | None
) -> keras.Model:
    pool = data.load_pool(pool_key, data_dir)
    return models.build(settings, pool.inputs.shape[1:], pool.num_classes)


@functools.lru_cache(maxsize=8)
def _program(
    settings: config.ModelConfig,
    pool_key: config.DataConfig,
    data_dir: str | None,
    nesterov: bool,
    loss: losses.Loss,
) -> tuple[data.Pool, stacked_program.Program]:
    """Returns pool and program, cached with all that it has compiled."""
    pool = data.load_pool(pool_key, data_dir)
    model = _model(settings, pool_key, data_dir)
    program = stacked_program.Program(model, pool.inputs, pool.labels, nesterov, loss)
    return pool, program
