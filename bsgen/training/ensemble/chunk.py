"""Trains one chunk of an ensemble: runs that take their steps together."""

import dataclasses
import time
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from bsgen import config, data, interrupts, models
from bsgen.data import sampling, scaling
from bsgen.training import records
from bsgen.training.ensemble import stacked_program

_MAX_POSITIONS = 4 * 2**20  # entries of the array of batches that one call takes
_MAX_STEPS_PER_CALL = 1000
_SAMPLING = {"shuffle": sampling.batches, "independent": sampling.independent_batches}


@dataclasses.dataclass
class Member:
    """A run of a chunk, and what has been recorded of it so far."""

    run: config.RunConfig
    split: data.Split
    curve: dict[str, list[float | None]] = dataclasses.field(default_factory=dict)
    final: dict[str, float | None] = dataclasses.field(default_factory=dict)
    diverged: bool = False

    def record(self, step: int, values: dict[str, float]) -> None:
        """Adds an evaluation to the curve; the last one is the final one."""
        for name, value in {"step": step, **values}.items():
            self.curve.setdefault(name, []).append(value)
        self.final = dict(values)


def train(
    members: Sequence[Member],
    program: stacked_program.Program,
    pool: data.Pool,
    batch_size: int,
    on_steps: Callable[[config.RunConfig, int], None],
) -> list[records.RunRecord]:
    """Trains runs of equal model, pool, batch size and budget to their end.

    A run whose weights stop being finite is marked as diverged; once half of the chunk
    has diverged the others go on in a smaller program, and when all have, it ends.

    Returns:
      One record a member, in their order.
    """
    started = time.perf_counter()
    rows = list(members)  # those in the program, in the order of its run axis
    state = _initial_state(rows, pool)
    settings = _settings(rows, pool, state.weights[0].dtype)
    max_steps = _MAX_POSITIONS // (batch_size * len(rows))
    max_steps = int(np.clip(max_steps, 1, _MAX_STEPS_PER_CALL))
    budget = rows[0].run
    max_steps = min(max_steps, budget.num_steps)
    step = 0
    for target in budget.evaluation_steps:
        while step < target and rows:
            interrupts.check()
            num_steps = min(max_steps, target - step)
            positions = _positions(rows, step, num_steps, max_steps, batch_size)
            state, finite = program.take_steps(state, settings, positions, num_steps)
            step += num_steps
            for member, is_finite in zip(rows, finite.numpy(), strict=True):
                member.diverged |= not is_finite
                on_steps(member.run, num_steps)
            rows, state, settings = _without_diverged(rows, state, settings)
        if rows:
            _evaluate(rows, program, state, settings, step)
    seconds = (time.perf_counter() - started) / len(members)
    return [_to_record(member, seconds) for member in members]


def _settings(
    rows: list[Member], pool: data.Pool, dtype: tf.DType
) -> stacked_program.Settings:
    optimizers = [member.run.sgd for member in rows]
    scalings = [
        scaling.fit(member.run.data.scaling, pool.inputs[member.split.train])
        for member in rows
    ]
    rank = pool.inputs.ndim - 1
    # Each as one of a run, whose axes the run axis must not meet.
    scales = [
        np.reshape(s.scale, (1,) * (rank - np.ndim(s.scale)) + np.shape(s.scale))
        for s in scalings
    ]
    clip_norms = [
        np.inf if settings.clip_norm is None else settings.clip_norm
        for settings in optimizers
    ]
    columns = (
        [settings.learning_rate for settings in optimizers],
        [settings.momentum for settings in optimizers],
        [settings.l2 for settings in optimizers],
        clip_norms,
        [np.broadcast_to(s.offset, pool.inputs.shape[1:]) for s in scalings],
        scales,
    )
    return stacked_program.Settings(
        *(tf.constant(np.stack(column), dtype) for column in columns)
    )


def _initial_state(rows: list[Member], pool: data.Pool) -> stacked_program.State:
    drawn = {}
    for member in rows:
        seed = member.run.seed
        if seed not in drawn:
            shape = pool.inputs.shape[1:]
            model = models.build(member.run.model, shape, pool.num_classes, seed)
            drawn[seed] = [weight.numpy() for weight in model.trainable_variables]
    stacked = zip(*(drawn[member.run.seed] for member in rows), strict=True)
    weights = [tf.constant(np.stack(copies)) for copies in stacked]
    return stacked_program.State(weights, [tf.zeros_like(weight) for weight in weights])


def _positions(
    rows: list[Member], step: int, num_steps: int, max_steps: int, batch_size: int
) -> np.ndarray:
    """Returns the pool positions of the next batches, padded to [max_steps, R, B]."""
    positions = np.zeros((max_steps, len(rows), batch_size), np.int32)
    streams: dict[tuple, np.ndarray] = {}
    for row, member in enumerate(rows):
        train_size = len(member.split.train)
        stream = (member.run.seed, train_size, member.run.data.sampling)
        if stream not in streams:
            draw = _SAMPLING[member.run.data.sampling]
            streams[stream] = draw(
                member.run.seed, step, num_steps, batch_size, train_size
            )
        positions[:num_steps, row] = member.split.train[streams[stream]]
    return positions


def _without_diverged(
    rows: list[Member], state: stacked_program.State, settings: stacked_program.Settings
) -> tuple[list[Member], stacked_program.State, stacked_program.Settings]:
    """Drops diverged runs once they are half; a new size costs a compilation."""
    keep = [row for row, member in enumerate(rows) if not member.diverged]
    if not keep or len(keep) > len(rows) / 2:
        return rows if keep else [], state, settings
    state, settings = tf.nest.map_structure(
        lambda tensor: tf.gather(tensor, keep), (state, settings)
    )
    return [rows[row] for row in keep], state, settings


def _evaluate(
    rows: list[Member],
    program: stacked_program.Program,
    state: stacked_program.State,
    settings: stacked_program.Settings,
    step: int,
) -> None:
    """Records test and validation metrics, and those of the training set at the end."""
    parts = ["test", "validation"] if len(rows[0].split.validation) else ["test"]
    measured = _measure(parts, rows, program, state, settings)
    at_end = step == rows[0].run.num_steps
    training = _measure(["train"], rows, program, state, settings) if at_end else None
    for row, member in enumerate(rows):
        if not member.diverged:
            member.record(step, measured[row])
            if training:
                member.final |= training[row]


def _measure(
    parts: list[str],
    rows: list[Member],
    program: stacked_program.Program,
    state: stacked_program.State,
    settings: stacked_program.Settings,
) -> list[dict[str, float]]:
    """Returns cross-entropy and accuracy on parts of the split, a dictionary a run."""
    values: list[dict[str, float]] = [{} for _ in rows]
    for part in parts:
        positions = [getattr(member.split, part) for member in rows]
        metrics = program.evaluate(state, settings, positions)
        for own, cross_entropy, accuracy in zip(values, *metrics, strict=True):
            own[f"{part}_cross_entropy"] = float(cross_entropy)
            own[f"{part}_accuracy"] = float(accuracy)
    return values


def _to_record(member: Member, seconds: float) -> records.RunRecord:
    if member.diverged:
        return records.RunRecord(member.run, "diverged", member.curve, {}, seconds)
    return records.RunRecord(
        member.run, "completed", member.curve, member.final, seconds
    )
