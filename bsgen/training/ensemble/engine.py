"""The ensemble engine: trains many runs of a small model as one compiled program.

Runs that share model, pool, batch size and budget form a group; a group is split into
chunks whose weights, accumulators and activations fit a memory budget. On a CPU the
budget is the cache: more runs in a program pay off only while they fit it. On a GPU it
is memory: a small model is launch-bound there, and a hundred runs cost little more than
one.

A run's weights depend on its own configuration alone: initial weights and batches
follow from its seeds, and no operation mixes runs. Which other runs share its program
changes the rounding at most.
"""

import functools
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from bsgen import config, data, errors, models
from bsgen.training import records, step_plan
from bsgen.training.ensemble import chunk, stacked_program

_CPU_BYTES = 8 * 2**20  # about a shared cache; tuned, see BUILD_NOTES.md
_GPU_BYTES = 4 * 2**30
_MAX_RUNS = 256
# The fields of a run, its data and its optimizer that this engine supports.
_HONOURED = {
    *("data", "model", "optimizer"),
    *("batch_size", "num_steps", "evaluation_steps", "seed"),
    *("name", "train_size", "validation_size", "scaling", "subset_seed", "sampling"),
    *("learning_rate", "momentum", "nesterov", "l2", "clip_norm"),
}


def train(
    runs: Sequence[config.RunConfig],
    data_dir: str | None = None,
    memory_bytes: int | None = None,
    on_steps: Callable[[config.RunConfig, int], None] = lambda run, steps: None,
) -> Iterator[records.RunRecord]:
    """Trains every run and yields its record as soon as its chunk has finished.

    Args:
      runs: configurations with a `MomentumConfig`, any mixture; all are checked against
        their data before the first step is taken.
      data_dir: where prepared datasets lie.
      memory_bytes: budget of one program; None chooses by the device.
      on_steps: called with a run and the number of its steps just taken.

    Yields:
      One record a run, in the order of finishing.

    Raises:
      UserError: a batch larger than the training subset; a model with state; an
        optimizer, schedule, precision or augmentation that only `loop` has.
    """
    groups: dict[tuple, list[chunk.Member]] = {}
    for run in runs:
        for field, value in only_in_loop(run).items():
            remedy = "the ensemble engine has none; train it with training.loop"
            raise errors.UserError(field, value, remedy)
        member = chunk.Member(run, check(run, data_dir))
        groups.setdefault(_group_key(member, data_dir), []).append(member)
    for group in groups.values():
        model, pool, program = _program(*_program_key(group[0].run, data_dir))
        most = max_runs(model, group[0].batch_size, memory_bytes)
        num_chunks = -(-len(group) // most)
        size = -(-len(group) // num_chunks)  # chunks of equal size share a compilation
        for start in range(0, len(group), size):
            members = chunk.Chunk(group[start : start + size], program, pool)
            yield from members.train(on_steps)


def check(run: config.RunConfig, data_dir: str | None = None) -> data.Split:
    """Returns the run's split of its pool, after checking the run against it.

    Raises:
      UserError: a batch larger than the training subset.
    """
    split = _split(run.data, data_dir)
    step_plan.base_batch_size(run, len(split.train))
    return split


def only_in_loop(run: config.RunConfig) -> dict[str, object]:
    """Returns the settings of a run of SGD that only `loop` supports, by field name."""
    chosen = run.sgd.chosen() | run.data.chosen() | run.chosen()
    return {name: value for name, value in chosen.items() if name not in _HONOURED}


@functools.lru_cache(maxsize=64)
def _split(data_config: config.DataConfig, data_dir: str | None) -> data.Split:
    """Draws a split once for all runs that share it."""
    return data.split(data.load_pool(data_config, data_dir), data_config)


def _group_key(member: chunk.Member, data_dir: str | None) -> tuple:
    """Returns a key that is equal for runs that one program may train."""
    run = member.run
    return (
        _program_key(run, data_dir),
        run.data.scaling == "standardize",
        run.data.validation_size > 0,
        member.batch_size,
        run.num_steps,
        run.evaluation_steps,
    )


def _program_key(run: config.RunConfig, data_dir: str | None) -> tuple:
    # A random task has a pool for each seed and size; other pools depend on the name.
    pool = (
        run.data
        if data.find(run.data.name).is_random
        else config.DataConfig(run.data.name)
    )
    optimizer = run.sgd
    clip = optimizer.clip_norm is not None
    return run.model, pool, data_dir, optimizer.nesterov, clip


@functools.lru_cache(maxsize=8)
def _program(
    model_config: config.ModelConfig,
    data_config: config.DataConfig,
    data_dir: str | None,
    nesterov: bool,
    clip: bool,
) -> tuple[keras.Model, data.Pool, stacked_program.Program]:
    """Returns model, pool and program, cached with all that it has compiled."""
    pool = data.load_pool(data_config, data_dir)
    model = models.build(model_config, pool.inputs.shape[1:], pool.num_classes)
    if model.non_trainable_variables:
        remedy = "has state (batch statistics, say); the ensemble engine takes none"
        raise errors.UserError("model", model_config.name, remedy)
    program = stacked_program.Program(model, pool.inputs, pool.labels, nesterov, clip)
    return model, pool, program


def max_runs(
    model: keras.Model, batch_size: int, memory_bytes: int | None = None
) -> int:
    """Returns how many runs of `model` one program should train, at least 1.

    Counts weight, accumulator and gradient, and each layer's output with its gradient.
    """
    weights = sum(int(np.prod(w.shape)) for w in model.trainable_variables)
    outputs = sum(int(np.prod(layer.output.shape[1:])) for layer in model.layers)
    bytes_per_run = 4 * (3 * weights + 2 * batch_size * outputs)
    if memory_bytes is None:
        memory_bytes = _CPU_BYTES
        if tf.config.list_physical_devices("GPU"):
            memory_bytes = _GPU_BYTES
    return int(np.clip(memory_bytes // bytes_per_run, 1, _MAX_RUNS))
