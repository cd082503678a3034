"""Some runs of an ensemble that take their steps together, in one program."""

import concurrent.futures
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from bsgen import config, data, interrupts
from bsgen.training import records, weight_distance
from bsgen.training.ensemble import (
    call_length,
    distances,
    initial_state,
    stacked_program,
)
from bsgen.training.ensemble.feeds import Feed
from bsgen.training.ensemble.member import Member
from bsgen.training.ensemble.stacked_data import Batches

_MAX_POSITIONS = 4 * 2**20  # entries of the array of batches that one call takes
# So many are taken whether needed or not: 0.5 MB, and 8 MB where another compilation
# would take seconds.
_SMALL_POSITIONS, _SMALL_BESIDE_COMPILING = 2**17, 2**21
_MAX_STEPS_PER_CALL = 1000


class _Call(NamedTuple):
    """The steps first to last - 1, with their batches."""

    first: int
    last: int
    batches: Batches


class Chunk:
    """Runs of equal model and pool that begin together.

    They may differ in all that `stacked_program` takes as data, in the number of their
    steps and in the steps after which they are evaluated. Batch sizes may differ where
    no layer has statistics of the batch.
    """

    def __init__(
        self,
        members: Sequence[Member],
        program: stacked_program.Program,
        pool: data.Pool,
    ):
        """Initialises the weights of the members, whose program works on the pool."""
        self._rows = list(members)  # those in the program, along its run axis
        self._program = program
        num_streams = max(row.batch_size_at(0) for row in members)
        self._state, self._settings = initial_state.make(
            self._rows, pool, program.carried, num_streams
        )
        # What the runs' distances are measured from; kept for those that ask alone.
        asked = any(row.run.weight_distance for row in self._rows)
        self._start = self._state.weights if asked else []
        self._feed = self._new_feed()
        self._lengths: dict[int, int] = {}  # of calls, by batch size

    def train(
        self, on_steps: Callable[[config.RunConfig, int], None]
    ) -> Iterator[records.RunRecord]:
        """Trains all runs to their end, and yields each record as soon as it is made.

        A run whose weights stop being finite has diverged, and ends. Once half of the
        runs have ended, the others continue in a smaller program.

        Args:
          on_steps: called with a run and the number of its steps just taken.
        """
        yield from self._evaluate(0)
        with concurrent.futures.ThreadPoolExecutor(1) as host:
            call = self._next_call(0)
            while call is not None:
                interrupts.check()
                # The host draws the next batches while the device works.
                next_call = host.submit(self._next_call, call.last)
                yield from self._take_steps(call, on_steps)
                yield from self._evaluate(call.last)
                step, call = call.last, next_call.result()
                if self._drop_ended(step):
                    call = self._next_call(step)

    def _next_call(self, step: int) -> _Call | None:
        """Returns the steps from `step` to the next event; None if no run is left."""
        running = self._running(step)
        if not running:
            return None
        size = self._feed.batch_size(step)
        if size not in self._lengths:
            self._lengths[size] = self._choose_length(running, step, size)
        last = min(
            step + self._lengths[size],
            *(row.next_evaluation(step) for row in running),
            *(row.plan.segment_end(step) for row in running),
        )
        batches = self._feed.batches(step, last, self._lengths[size])
        return _Call(step, last, tf.nest.map_structure(tf.constant, batches))

    def _choose_length(self, running: Sequence[Member], step: int, size: int) -> int:
        """Returns K for the calls from `step` to where the batch size changes."""
        most = _MAX_POSITIONS // (size * len(self._rows))
        most = int(np.clip(most, 1, _MAX_STEPS_PER_CALL))
        end = min(row.plan.segment_end(step) for row in running)
        stops = {min(at, end) for row in running for at in row.evaluations if at > step}
        stretches = np.diff([step, *sorted(stops)])
        if self._program.takes_all_steps:
            return call_length.choose(stretches, most, self._program.block)
        # Programs of other budgets then often have the same K, and are not compiled.
        fast = self._program.compiles_fast
        small = _SMALL_POSITIONS if fast else _SMALL_BESIDE_COMPILING
        alike = small // (size * len(self._rows))
        longest = 1 << int(stretches.max() - 1).bit_length()
        return min(most, max(longest, alike))

    def _take_steps(
        self, call: _Call, on_steps: Callable[[config.RunConfig, int], None]
    ) -> Iterator[records.RunRecord]:
        """Takes the steps of a call; yields the records of runs that diverge."""
        begun = time.perf_counter()
        running = self._running(call.first)
        self._state, finite = self._program.take_steps(
            self._state,
            self._settings,
            call.batches,
            tf.constant(call.last - call.first),
            tf.constant(call.first, tf.int64),
        )
        is_finite = dict(zip(self._rows, finite.numpy(), strict=True))
        _share(time.perf_counter() - begun, running)
        for row in running:
            on_steps(row.run, call.last - call.first)
            row.diverged = not is_finite[row]
        yield from (row.to_record() for row in running if row.diverged)

    def _evaluate(self, step: int) -> Iterator[records.RunRecord]:
        """Measures the runs that are due; yields the records of those at their end.

        Test and validation examples are measured; at the end, those of training too.
        """
        begun = time.perf_counter()
        due = [row for row in self._rows if row.is_due(step)]
        at_end = [row for row in due if step == row.run.num_steps]
        test = self._measure("test", due)
        held_out = [row for row in due if len(row.split.validation)]
        validation = self._measure("validation", held_out)
        training = self._measure("train", at_end)
        moved = self._distances(due)
        for row in due:
            row.add(step, test[row] | validation.get(row, {}) | moved.get(row, {}))
            row.final |= training.get(row, {})
        _share(time.perf_counter() - begun, due)
        yield from (row.to_record() for row in at_end)

    def _measure(
        self, part: str, rows: Sequence[Member]
    ) -> dict[Member, dict[str, float]]:
        """Returns the metrics of some runs on a part of their splits."""
        if not rows:
            return {}
        state, settings = self._state, self._settings
        if len(rows) < len(self._rows):
            state, settings = _take((state, settings), self._places(rows))
        positions = [getattr(row.split, part) for row in rows]
        means = np.transpose(self._program.evaluate(state, settings, positions))
        return {
            row: self._program.loss.recorded(part, own.tolist())
            for row, own in zip(rows, means, strict=True)
        }

    def _distances(self, rows: Sequence[Member]) -> dict[Member, dict[str, float]]:
        """Returns how far the weights of those of some runs that ask have moved."""
        asking = [row for row in rows if row.run.weight_distance]
        if not asking:
            return {}
        found = distances.per_variable(self._state.weights, self._start).numpy()
        places = self._places(asking)
        return {
            row: weight_distance.recorded(own)
            for row, own in zip(asking, found[places], strict=True)
        }

    def _drop_ended(self, step: int) -> bool:
        """Drops runs that ended once they are half; a new size costs a compilation.

        Returns:
          Whether it did.
        """
        rows = self._running(step)
        if not rows or len(rows) > len(self._rows) / 2:
            return False
        self._state, self._settings, self._start = _take(
            (self._state, self._settings, self._start), self._places(rows)
        )
        self._rows = rows
        self._feed, self._lengths = self._new_feed(), {}
        if self._state.carried:
            # The streams of the others are the first ones of the program's.
            streams = self._feed.batch_size(step)
            carried = [state[:, :streams] for state in self._state.carried]
            self._state = self._state._replace(carried=carried)
        return True

    def _running(self, step: int) -> list[Member]:
        return [row for row in self._rows if row.takes(step)]

    def _places(self, rows: Sequence[Member]) -> np.ndarray:
        wanted = set(rows)
        return np.flatnonzero([row in wanted for row in self._rows])

    def _new_feed(self) -> Feed:
        return Feed(self._rows, self._state.weights[0].dtype.as_numpy_dtype)


def _take(tensors: Any, places: np.ndarray) -> Any:
    """Returns some runs' parts of tensors [R, ...]."""
    return tf.nest.map_structure(lambda tensor: tf.gather(tensor, places), tensors)


def _share(seconds: float, rows: Sequence[Member]) -> None:
    """Adds equal shares of the time to the runs."""
    for row in rows:
        row.seconds += seconds / len(rows)
