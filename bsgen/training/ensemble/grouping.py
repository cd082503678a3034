"""Which runs of an ensemble share a program, chosen by what that is expected to cost.

A step of a program that trains R runs is expected to take

    launch V + R (byte 24 W + operation 4.4 W B),

with V variables of W weights in all and B examples in its largest batch: a fixed price
for the operations of each variable, a pass over weights, gradients and accumulators,
and the matrix products (the first layer has no gradient for its inputs, hence not 6).
A program costs its compilation once for each number of runs that it has, since runs
leave it in the course of time: those that have ended stand still until half of its runs
are gone, and then it goes on without them.

On a CPU the products take most of the time, so runs share a program only if their
batches are equal, and as many as fit the cache. On a GPU a small network is bound by
the launch: hundreds of runs cost little more than one, even if batches are padded.
"""

import bisect
import collections
import dataclasses
import itertools
from collections.abc import Hashable, Sequence
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
      evaluation: seconds of one evaluation, whatever it computes.
      pads: whether runs of unequal batch sizes may share a program.
    """

    memory_bytes: int
    launch: float
    byte: float
    operation: float
    compilation: float
    evaluation: float
    pads: bool


# The memory of a CPU is about that of a shared cache.
CPU = Device(8 * 2**20, 4e-6, 1.5e-11, 5e-12, 0.5, 2e-3, pads=False)
GPU = Device(4 * 2**30, 7e-6, 2.7e-13, 1e-14, 5.0, 3e-3, pads=True)


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
    exceeds the memory is cut into chunks of equal size, which share a compilation. Of
    all such divisions (into groups of at most 64 batch sizes and lengths) the cheapest
    is taken; one group a batch size and length is among them.

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


def seconds(loads: Sequence[Load], device: Device, num_chunks: int = 1) -> float:
    """Returns the expected time of a group of runs in chunks of equal size.

    Args:
      loads: the runs, of one kind, in the order in which they are cut.
      device: where they are trained.
      num_chunks: programs, one after the other; equal ones are compiled once.
    """
    points = set().union(*{load.evaluation_steps for load in loads})
    total, programs = num_chunks * len(points) * device.evaluation, set()
    for chunk in _cut(loads, num_chunks):
        batch_size = max(load.batch_size for load in chunk)
        ends = sorted(load.num_steps for load in chunk)
        step, num_runs = 0, len(ends)
        while num_runs:
            programs.add((num_runs, batch_size))
            # The end of the run with which half of them have ended, or more.
            until = ends[-1 - num_runs // 2]
            per_step = step_seconds(chunk[0], num_runs, batch_size, device)
            total += (until - step) * per_step
            step, num_runs = until, len(ends) - bisect.bisect_right(ends, until)
    return total + len(programs) * device.compilation


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
        """Returns the cheapest groups: the shortest path along the sorted runs."""
        equal = [len([*own]) for _, own in itertools.groupby(self._loads, _order)]
        bounds = [0, *itertools.accumulate(equal)]
        cheapest: list[tuple[float, list[slice]]] = [(0.0, [])]
        for index, end in enumerate(bounds[1:], 1):
            options = []
            for start in range(max(index - _MAX_CLASSES, 0), index):
                group = slice(bounds[start], end)
                total, before = cheapest[start]
                options.append((total + self._seconds(group), before, group))
            total, before, group = min(options, key=lambda option: option[0])
            cheapest.append((total, [*before, group]))
        return cheapest[-1][1]

    def num_chunks(self, group: slice) -> int:
        """Returns how many programs a group needs."""
        loads = self._loads[group]
        batch_size = loads[-1].batch_size  # the largest
        first = loads[0]
        most = max_runs(first.weights, first.outputs, batch_size, self._memory_bytes)
        return -(-len(loads) // most)

    def _seconds(self, group: slice) -> float:
        return seconds(self._loads[group], self._device, self.num_chunks(group))


def _order(load: Load) -> tuple[int, int, tuple[int, ...]]:
    return load.batch_size, load.num_steps, load.evaluation_steps


def _cut(sequence: Sequence[_Item], num_parts: int) -> list[list[_Item]]:
    """Cuts a sequence into parts of one size, of which the last may be smaller."""
    size = -(-len(sequence) // num_parts)
    starts = range(0, len(sequence), size)
    return [list(sequence[start : start + size]) for start in starts]
