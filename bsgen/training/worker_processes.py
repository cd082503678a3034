"""Local processes of one thread each, which perform jobs for the one that starts them.

Two of them do 1.6 times the work of one process with two threads, see BUILD_NOTES.md.
And as one thread adds in a fixed order, results do not depend on the number of cores.

The process that starts them alone writes to its store; a worker sends it each record as
soon as the run has ended. No worker outlives that process: it ends when the connection
closes, however that happens.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Hashable, Iterable, Sequence
from multiprocessing import connection
from typing import Any

from bsgen import errors
from bsgen.training import cost, interruption, jobs, provenance, records, threads

_POLL_SECONDS = 0.2  # how soon a signal is noticed
_ENDING_SECONDS = 20.0  # between the request to end, which saves first, and the kill
_AHEAD = 2  # jobs that a worker has, so that it need not wait for the next one
_ENVIRONMENT = {
    **threads.ONE,
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # else the first takes all memory of a GPU
}
_BYTES_A_PROCESS = 2 * 2**30  # it ends at 1.5 GB after the quick suite
_SERVE = "from bsgen.training import worker; worker.serve()"


def most() -> int:
    """Returns how many processes there may be: one a core, if the memory suffices."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(provenance.num_cores(), memory // _BYTES_A_PROCESS))


def default_number(seconds: float) -> int:
    """Returns how many processes do work of so many seconds: one a core.

    With 1, as for little work or where there is a GPU, the calling one does it itself.
    """
    number = cost.num_processes(seconds, most())
    if number > 1:
        import tensorflow as tf  # as late as possible

        if not tf.config.list_physical_devices("GPU"):
            return number
    return 1


def perform(waiting: Sequence[jobs.Job], desk: jobs.Desk, num_processes: int) -> None:
    """Performs jobs as `jobs.perform` does, by `num_processes` workers."""
    plan = _Plan(waiting, desk.store)
    with contextlib.ExitStack() as stack:
        asked = stack.enter_context(interruption.Interruption())
        workers = [stack.enter_context(_Worker(desk)) for _ in range(num_processes)]
        try:
            while plan.hand_out(workers):
                connection.wait([each.connection for each in workers], _POLL_SECONDS)
                for worker in workers:
                    if worker.connection.poll():
                        worker.receive()
                if asked.signal_number is not None:
                    raise interruption.Interrupted(asked.signal_number, 0)
        except BaseException:
            for worker in workers:
                worker.stop()
            raise


class _Plan:
    """Which job is handed out next."""

    def __init__(self, waiting: Iterable[jobs.Job], store: records.RunStore):
        self._waiting = list(waiting)
        self._store = store
        self._owners: dict[Hashable, _Worker] = {}  # who got a program first

    def hand_out(self, workers: Sequence["_Worker"]) -> bool:
        """Gives jobs to those who have few; returns whether any is in progress."""
        for number in range(_AHEAD):
            for worker in workers:
                if self._waiting and len(worker.jobs) <= number:
                    self._hand_one(worker, workers)
        return any(worker.jobs for worker in workers)

    def _hand_one(self, worker: "_Worker", workers: Sequence["_Worker"]) -> None:
        ready = [job for job in self._waiting if None not in self._needed(job)]
        if not ready:
            if any(other.jobs for other in workers):
                return
            ready = self._waiting[:1]  # nothing will finish its runs; it will say so
        job = self._choose(ready, worker, len(workers))
        self._waiting.remove(job)
        self._owners.setdefault(job.program, worker)
        worker.send(job, [record for record in self._needed(job) if record])

    def _choose(
        self, ready: Sequence[jobs.Job], worker: "_Worker", num_workers: int
    ) -> jobs.Job:
        """Returns the first job, or the longest if it might end after all others.

        What another worker has compiled already is its own, as long as there is more.
        """
        own = [
            job
            for job in ready
            if job.program is None or self._owners.get(job.program, worker) is worker
        ]
        longest = max(own or ready, key=lambda job: job.seconds)
        left = sum(job.seconds for job in self._waiting) / num_workers
        # Costs are expectations, hence the factor.
        return longest if 2.0 * longest.seconds > left else (own or ready)[0]

    def _needed(self, job: jobs.Job) -> list[records.RunRecord | None]:
        return [self._store.by_key(key) for key in job.needs]


class _Worker:
    """A worker process as its parent sees it; the process ends with the context.

    Attributes:
      connection: to it.
      jobs: that it has not finished, in their order.
    """

    def __init__(self, desk: jobs.Desk):
        self.jobs: list[jobs.Job] = []
        self._desk = desk
        self.connection, theirs = connection.Pipe()
        with theirs:
            descriptor, folder = theirs.fileno(), desk.store.path.parent
            path = os.pathsep.join(sys.path)
            self._process = subprocess.Popen(
                [sys.executable, "-c", _SERVE, str(descriptor), str(folder), _module()],
                env={**_ENVIRONMENT, **os.environ, "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                pass_fds=[descriptor],
                start_new_session=True,  # so that Ctrl-C reaches the parent alone
            )
        self._ends_at: float | None = None  # if it has been stopped

    def __enter__(self) -> "_Worker":
        return self

    def __exit__(self, *exception: object) -> None:
        """Ends the process; if it was stopped, after taking what it has sent."""
        try:
            if self._ends_at is not None:
                self._drain(self._ends_at)
        finally:
            self.connection.close()  # which ends it
            try:
                self._process.wait(1.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def send(self, job: jobs.Job, found: Sequence[records.RunRecord]) -> None:
        """Gives the process a job, with the records of the runs that it needs."""
        self.jobs.append(job)
        with contextlib.suppress(OSError):  # it was lost, which `receive` will tell
            self.connection.send((job.perform, found))

    def stop(self) -> None:
        """Asks the process to save and to end, without waiting for it."""
        self._ends_at = time.monotonic() + _ENDING_SECONDS
        self._process.terminate()

    def receive(self) -> None:
        """Takes one message.

        Raises:
          UserError: the process was lost.
          Exception: what a job raised.
        """
        message = self._read()
        if message is None:
            raise self._lost()
        kind, value = message
        if kind == "error":
            raise value
        self._take(kind, value)

    def _drain(self, deadline: float) -> None:
        while self.connection.poll(max(0.0, deadline - time.monotonic())):
            message = self._read()
            if message is None:
                return
            if message[0] != "error":
                self._take(*message)

    def _read(self) -> tuple[str, Any] | None:
        """Returns the next message; None if the process has ended."""
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            return None

    def _take(self, kind: str, value: Any) -> None:
        if kind == "record":
            self._desk.store.add([value])
            self._desk.on_record(value)
        elif kind == "work":
            self._desk.on_work(value)
        elif kind == "warning":
            self._desk.warn(value)
        else:
            self.jobs.pop(0).on_result(value)

    def _lost(self) -> errors.UserError:
        code = self._process.wait()
        how = f"exit status {code}"
        if code < 0:
            how = signal.strsignal(-code) or f"signal {-code}"
        remedy = (
            f"lost a process ({how}); what has finished is kept: start again, with "
        )
        remedy += "fewer of them if the memory of this machine is short"
        return errors.UserError("processes", self._process.pid, remedy)


def _module() -> str:
    """Returns what a worker imports when it starts: without the lines that it logs."""
    return "tensorflow" if "tensorflow" in sys.modules else ""
