"""Some runs of an ensemble that take their steps together, in one program."""

import dataclasses
import time
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from bsgen import config, data, interrupts, models
from bsgen.data import sampling, scaling
from bsgen.training import records, step_plan
from bsgen.training.ensemble import stacked_program

_MAX_POSITIONS = 4 * 2**20  # entries of the array of batches that one call takes
_MAX_STEPS_PER_CALL = 1000
_SAMPLING = {"shuffle": sampling.batches, "independent": sampling.independent_batches}


@dataclasses.dataclass
class Member:
    """A run, its split of the pool, and what has been recorded of it so far."""

    run: config.RunConfig
    split: data.Split
    curve: dict[str, list[float | None]] = dataclasses.field(default_factory=dict)
    final: dict[str, float | None] = dataclasses.field(default_factory=dict)
    diverged: bool = False

    @property
    def batch_size(self) -> int:
        """The run's batch size, perhaps the full batch."""
        return step_plan.base_batch_size(self.run, len(self.split.train))

    def add(self, step: int, metrics: dict[str, float]) -> None:
        """Adds an evaluation to the curve; the last one is also the final one."""
        for name, value in {"step": step, **metrics}.items():
            self.curve.setdefault(name, []).append(value)
        self.final = dict(metrics)

    def to_record(self, seconds: float) -> records.RunRecord:
        """Returns the record of the run at its end."""
        if self.diverged:
            return records.RunRecord(self.run, "diverged", self.curve, {}, seconds)
        return records.RunRecord(self.run, "completed", self.curve, self.final, seconds)


class Chunk:
    """Runs of equal model, pool, batch size and budget."""

    def __init__(
        self,
        members: Sequence[Member],
        program: stacked_program.Program,
        pool: data.Pool,
    ):
        """Initialises the weights of the members, whose program works on the pool."""
        self._members = members
        self._rows = list(members)  # those in the program, along its run axis
        self._program = program
        self._state = _initial_state(self._rows, pool)
        dtype = self._state.weights[0].dtype
        self._settings = _settings(self._rows, pool, dtype)
        first = members[0]
        self._budget, self._batch_size = first.run, first.batch_size
        max_steps = _MAX_POSITIONS // (self._batch_size * len(members))
        max_steps = int(np.clip(max_steps, 1, _MAX_STEPS_PER_CALL))
        self._max_steps = min(max_steps, self._budget.num_steps)

    def train(
        self, on_steps: Callable[[config.RunConfig, int], None]
    ) -> list[records.RunRecord]:
        """Trains all runs to their end.

        A run whose weights stop being finite is marked as diverged. Once half of the
        chunk has diverged the others continue in a smaller program; when all have, it
        ends.

        Args:
          on_steps: called with a run and the number of its steps just taken.
        """
        started = time.perf_counter()
        step = 0
        for target in self._budget.evaluation_steps:
            while step < target and self._rows:
                interrupts.check()
                num_steps = min(self._max_steps, target - step)
                self._state, finite = self._program.take_steps(
                    self._state,
                    self._settings,
                    tf.constant(self._positions(step, num_steps)),
                    tf.constant(num_steps),
                )
                step += num_steps
                for member, is_finite in zip(self._rows, finite.numpy(), strict=True):
                    member.diverged |= not is_finite
                    on_steps(member.run, num_steps)
                self._drop_diverged()
            if self._rows:
                self._evaluate(step)
        seconds = (time.perf_counter() - started) / len(self._members)
        return [member.to_record(seconds) for member in self._members]

    def _positions(self, step: int, num_steps: int) -> np.ndarray:
        """Returns the pool positions of the next batches, padded to [max_steps, R, B].

        All calls so share one compilation.
        """
        shape = self._max_steps, len(self._rows), self._batch_size
        positions = np.zeros(shape, np.int32)
        drawn: dict[tuple, np.ndarray] = {}
        for row, member in enumerate(self._rows):
            train_size = len(member.split.train)
            stream = (member.run.seed, train_size, member.run.data.sampling)
            if stream not in drawn:
                draw = _SAMPLING[member.run.data.sampling]
                drawn[stream] = draw(
                    member.run.seed, step, num_steps, self._batch_size, train_size
                )
            positions[:num_steps, row] = member.split.train[drawn[stream]]
        return positions

    def _drop_diverged(self) -> None:
        """Drops diverged runs once they are half; a new size costs a compilation."""
        keep = [row for row, member in enumerate(self._rows) if not member.diverged]
        if keep and len(keep) <= len(self._rows) / 2:
            self._state, self._settings = tf.nest.map_structure(
                lambda tensor: tf.gather(tensor, keep), (self._state, self._settings)
            )
        elif keep:
            return
        self._rows = [self._rows[row] for row in keep]

    def _evaluate(self, step: int) -> None:
        """Records test and validation metrics; at the end, those of training too."""
        parts = ["test"]
        if len(self._rows[0].split.validation):
            parts.append("validation")
        measured = self._measure(parts)
        at_end = step == self._budget.num_steps
        training = self._measure(["train"]) if at_end else [{} for _ in self._rows]
        for member, found, at_last in zip(self._rows, measured, training, strict=True):
            if not member.diverged:
                member.add(step, found)
                member.final |= at_last

    def _measure(self, parts: Sequence[str]) -> list[dict[str, float]]:
        """Returns each run's cross-entropy and accuracy on parts of its split."""
        values: list[dict[str, float]] = [{} for _ in self._rows]
        for part in parts:
            positions = [getattr(member.split, part) for member in self._rows]
            metrics = self._program.evaluate(self._state, self._settings, positions)
            for own, cross_entropy, accuracy in zip(values, *metrics, strict=True):
                own[f"{part}_cross_entropy"] = float(cross_entropy)
                own[f"{part}_accuracy"] = float(accuracy)
        return values


def _settings(
    rows: list[Member], pool: data.Pool, dtype: tf.DType
) -> stacked_program.Settings:
    optimizers = [member.run.sgd for member in rows]
    scalings = [
        scaling.fit(member.run.data.scaling, pool.inputs[member.split.train])
        for member in rows
    ]
    rank = pool.inputs.ndim - 1
    # With the rank of an input each, so that none of their axes meets the run axis.
    scales = [
        np.reshape(s.scale, (1,) * (rank - np.ndim(s.scale)) + np.shape(s.scale))
        for s in scalings
    ]
    columns = (
        [each.learning_rate for each in optimizers],
        [each.momentum for each in optimizers],
        [each.l2 for each in optimizers],
        [np.inf if each.clip_norm is None else each.clip_norm for each in optimizers],
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
