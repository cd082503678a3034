"""Which runs of an ensemble share a program, chosen by what that is expected to cost.

A step of a program that trains R runs is expected to take

    launch V + R (byte 24 W + operation 4.4 W B),

with V variables of W weights in all and B examples in its largest batch: a fixed price
for the operations of each variable, a pass over weights, gradients and accumulators,
and the matrix products (the first layer has no gradient for its inputs, hence not 6).
A program costs its compilation once for each number of runs that it has, since runs
leave it in the course of time: those that have ended are computed on, unread, until
half of its runs are gone; then it continues without them.

On a CPU the products take most of the time, so runs share a program only if their
batches are equal, and as many as fit the cache. On a GPU a small network is bound by
the launch: hundreds of runs cost little more than one, even if batches are padded.
"""

import bisect
import collections
import dataclasses
import itertools
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

_Item = TypeVar("_Item")
_MAX_RUNS = 256
_MAX_CLASSES = 64  # of a group; bounds the time of the search
_BYTES_PER_WEIGHT = 24  # float32 weight, gradient and accumulator, read and written
_OPERATIONS_PER_WEIGHT = 4.4


@dataclasses.dataclass(frozen=True)
class Device:
    """What programs cost on a kind of device; see BUILD_NOTES.md for the measurements.

    Attributes:
      memory_bytes: of the runs of one program.
      launch: seconds of a step for each variable, whatever its size.
      byte: seconds to move a byte of weights.
      operation: seconds of a floating-point operation.
      compilation: seconds of a program, for each number of runs.
      recompiles: whether groups compile equal programs again, as their calls have other
        lengths.
      evaluation: seconds of one evaluation, whatever it computes.
      pads: whether runs of unequal batch sizes may share a program.
    """

    memory_bytes: int
    launch: float
    byte: float
    operation: float
    compilation: float
    recompiles: bool
    evaluation: float
    pads: bool


CPU = Device(
    memory_bytes=8 * 2**20,  # about a shared cache
    launch=4e-6,
    byte=1.5e-11,
    operation=5e-12,
    compilation=0.5,
    recompiles=False,
    evaluation=2e-3,
    pads=False,
)
GPU = Device(
    memory_bytes=4 * 2**30,
    launch=7e-6,
    byte=2.7e-13,
    operation=1e-14,
    compilation=5.0,
    recompiles=True,
    evaluation=3e-3,
    pads=True,
)


@dataclasses.dataclass(frozen=True)
class Load:
    """What of a run decides the cost of the program that trains it.

    Attributes:
      kind: runs of unequal kinds cannot share a program.
      variables: trainable tensors.
      weights: numbers in them.
      outputs: numbers that its layers give for one example.
      batch_size: the largest of its batches.
      num_steps: its last step.
      evaluation_steps: rising, the last is `num_steps`.
      pads: whether padding its batches leaves it unchanged: not with batch statistics.
    """

    kind: Hashable
    variables: int
    weights: int
    outputs: int
    batch_size: int
    num_steps: int
    evaluation_steps: tuple[int, ...]
    pads: bool = True


def divide(
    loads: Sequence[Load], device: Device, memory_bytes: int | None = None
) -> list[list[list[int]]]:
    """Divides runs into programs so that the expected time is least.

    Runs are sorted by batch size and length, and neighbours are grouped; a group that
    exceeds the memory is cut into chunks of equal size. The division is never dearer
    than that into one group a batch size and length. It is the cheapest, with groups of
    at most 64 batch sizes and lengths, where groups do not share compilations.

    Args:
      loads: the runs; those of one kind are of one network.
      device: where they are trained.
      memory_bytes: of one program; None takes the device's.

    Returns:
      Groups of chunks of positions in `loads`: a chunk is a program, each run is in
      one. Groups are in the order of their first runs, runs in that of their cost.
    """
    kinds = collections.defaultdict(list)
    for place, load in enumerate(loads):
        mixes = device.pads and load.pads
        kinds[load.kind, None if mixes else load.batch_size].append(place)
    groups = []
    for places in kinds.values():
        own = sorted(places, key=lambda place: _order(loads[place]))
        kind = _Kind([loads[place] for place in own], device, memory_bytes)
        groups += [_cut(own[part], kind.num_chunks(part)) for part in kind.divide()]
    return sorted(groups, key=lambda chunks: min(map(min, chunks)))


def seconds(groups: Iterable[Sequence[Sequence[Load]]], device: Device) -> float:
    """Returns the expected time of groups of programs of one kind, one after the other.

    Args:
      groups: of chunks of runs.
      device: where they are trained.
    """
    total, programs = 0.0, set()
    for number, chunks in enumerate(groups):
        for chunk in chunks:
            steps, sizes = _steps_seconds(chunk, device)
            points = set().union(*{load.evaluation_steps for load in chunk})
            total += steps + len(points) * device.evaluation
            group = number if device.recompiles else None
            programs |= {(group, *size) for size in sizes}
    return total + len(programs) * device.compilation


def _steps_seconds(
    chunk: Sequence[Load], device: Device
) -> tuple[float, set[tuple[int, int]]]:
    """Returns the time of a program's steps, and what it is compiled for: R and B."""
    batch_size = max(load.batch_size for load in chunk)
    ends = sorted(load.num_steps for load in chunk)
    total, sizes = 0.0, set()
    step, num_runs = 0, len(ends)
    while num_runs:
        sizes.add((num_runs, batch_size))
        # The end of the run with which half of them have ended, or more.
        until = ends[-1 - num_runs // 2]
        total += (until - step) * step_seconds(chunk[0], num_runs, batch_size, device)
        step, num_runs = until, len(ends) - bisect.bisect_right(ends, until)
    return total, sizes


def step_seconds(run: Load, num_runs: int, batch_size: int, device: Device) -> float:
    """Returns the expected time of a step of a program; see the module's docstring.

    Args:
      run: one of them; only its network counts.
      num_runs: R.
      batch_size: B.
      device: where they are trained.
    """
    moved = _BYTES_PER_WEIGHT * device.byte
    computed = _OPERATIONS_PER_WEIGHT * batch_size * device.operation
    of_runs = num_runs * run.weights * (moved + computed)
    return device.launch * run.variables + of_runs


def max_runs(weights: int, outputs: int, batch_size: int, memory_bytes: int) -> int:
    """Returns how many runs one program may train, at least 1.

    Counts weight, accumulator and gradient, and each layer's output with its gradient.
    """
    bytes_per_run = 4 * (3 * weights + 2 * batch_size * outputs)
    return min(max(memory_bytes // bytes_per_run, 1), _MAX_RUNS)


class _Kind:
    """The runs of one kind, in the order of `_order`; a slice of them is a group."""

    def __init__(self, loads: Sequence[Load], device: Device, memory_bytes: int | None):
        self._loads, self._device = loads, device
        self._memory_bytes = memory_bytes or device.memory_bytes

    def divide(self) -> list[slice]:
        """Returns the cheapest groups that are found."""
        equal = [len([*own]) for _, own in itertools.groupby(self._loads, _order)]
        bounds = [0, *itertools.accumulate(equal)]
        apart = [slice(*ends) for ends in itertools.pairwise(bounds)]
        options = [self._shortest_path(bounds), apart]
        return min(
            options, key=lambda groups: seconds(map(self._cut, groups), self._device)
        )

    def num_chunks(self, group: slice) -> int:
        """Returns how many programs a group needs."""
        loads = self._loads[group]
        batch_size = loads[-1].batch_size  # the largest
        first = loads[0]
        most = max_runs(first.weights, first.outputs, batch_size, self._memory_bytes)
        return -(-len(loads) // most)

    def _shortest_path(self, bounds: Sequence[int]) -> list[slice]:
        """Returns the groups of the least sum of times, along the sorted runs."""
        best: list[tuple[float, list[slice]]] = [(0.0, [])]
        for index, end in enumerate(bounds[1:], 1):
            options = []
            for start in range(max(index - _MAX_CLASSES, 0), index):
                group = slice(bounds[start], end)
                total, before = best[start]
                total += seconds([self._cut(group)], self._device)
                options.append((total, [*before, group]))
            best.append(min(options, key=lambda option: option[0]))
        return best[-1][1]

    def _cut(self, group: slice) -> list[list[Load]]:
        return _cut(self._loads[group], self.num_chunks(group))


def _order(load: Load) -> tuple[int, int, tuple[int, ...]]:
    return load.batch_size, load.num_steps, load.evaluation_steps


def _cut(sequence: Sequence[_Item], num_parts: int) -> list[list[_Item]]:
    """Cuts a sequence into parts of one size, of which the last may be smaller."""
    size = -(-len(sequence) // num_parts)
    starts = range(0, len(sequence), size)
    return [list(sequence[start : start + size]) for start in starts]
