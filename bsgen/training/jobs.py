"""Pieces of work that this process performs one after the other, or workers for it."""

import dataclasses
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from bsgen import interrupts
from bsgen.training import interruption, records


@dataclasses.dataclass(frozen=True)
class Desk:
    """Where a job finds finished runs, and where it puts what it brings about.

    Attributes:
      store: of finished runs; what a job adds to it is kept, even if the job does not
        end.
      on_work: called with the expected seconds of work just done.
      on_record: called with each record of `store` that a job has added.
      warn: called with one line.
    """

    store: records.RunStore
    on_work: Callable[[float], None]
    on_record: Callable[[records.RunRecord], None]
    warn: Callable[[str], None]


@dataclasses.dataclass(frozen=True, eq=False)
class Job:
    """A piece of work.

    Attributes:
      perform: does the work; a worker process gets it pickled.
      seconds: that it is expected to take.
      program: jobs for which it is equal, and not None, share what a process compiles.
      needs: keys of runs that have to be in the store before.
      on_result: called with what `perform` returned, in the process that keeps the
        store, when all that the job added is on the disk.
    """

    perform: Callable[[Desk], Any]
    seconds: float
    program: Hashable = None
    needs: tuple[str, ...] = ()
    on_result: Callable[[Any], None] = lambda result: None


def perform(jobs: Sequence[Job], desk: Desk, num_processes: int = 1) -> None:
    """Performs jobs.

    Args:
      jobs: in an order in which each finds the runs that it needs.
      desk: of this process.
      num_processes: local worker processes; with 1, this process does all itself.

    Raises:
      UserError: a job raised it, or a worker process was lost.
      Interrupted: the program was asked to stop, and what was in progress is saved.
      KeyboardInterrupt: Ctrl-C was pressed before, and got lost.
    """
    interrupts.check()  # of the time in which the jobs were planned
    if num_processes > 1 and len(jobs) > 1:
        from bsgen.training import worker_processes

        worker_processes.perform(jobs, desk, min(num_processes, len(jobs)))
        return
    interruption.forget()
    for job in jobs:
        interrupts.check()
        interruption.check()
        job.on_result(job.perform(desk))
