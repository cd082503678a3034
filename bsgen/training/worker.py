"""What a worker process does; see `worker_processes`."""

import contextlib
import importlib
import json
import logging
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from multiprocessing import connection, reduction
from typing import Any

from bsgen import errors
from bsgen.files import strict_json
from bsgen.training import interruption, jobs, records, tensorflow_import

_REPORT_SECONDS = 0.2  # between two messages about work done
_PLAIN_ERRORS = (errors.UserError, MemoryError, OSError, interruption.Interrupted)


def serve() -> None:
    """Performs the jobs that come over a connection, until it closes.

    The process's arguments are the descriptor of the connection, the folder of the
    parent's store, and a module to import.
    """
    descriptor, folder, module = int(sys.argv[1]), *sys.argv[2:]
    channel: connection.Connection = connection.Connection(descriptor)
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def receive() -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                inbox.put(channel.recv_bytes())
        os._exit(1)  # the parent is gone, or wants no more

    threading.Thread(target=receive, daemon=True).start()
    logging.disable(logging.WARNING)  # launchers too show errors alone
    if module:
        with tensorflow_import.silenced():
            importlib.import_module(module)
    report = _Report(channel)
    store = _SendingStore(folder, report.send)
    desk = jobs.Desk(
        store,
        report.work,
        lambda record: None,
        lambda line: report.send("warning", line),
    )
    try:
        while True:
            perform, found = reduction.ForkingPickler.loads(inbox.get())
            store.hold(found)
            result = perform(desk)
            report.send("result", result)
    except _PLAIN_ERRORS as error:
        report.send("error", error)
    except Exception as error:  # noqa: BLE001, other kinds may not be pickled
        text = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        report.send("error", RuntimeError(text))
    finally:
        os._exit(1)  # threads of TensorFlow may be at work


class _Report:
    """What a worker tells its parent; messages about work done are gathered."""

    def __init__(self, channel: connection.Connection):
        self._channel = channel
        self._work = 0.0
        self._told_at = 0.0

    def work(self, seconds: float) -> None:
        self._work += seconds
        if time.monotonic() - self._told_at > _REPORT_SECONDS:
            self._tell_work()

    def send(self, kind: str, value: Any) -> None:
        if self._work:
            self._tell_work()
        self._channel.send((kind, value))

    def _tell_work(self) -> None:
        self._told_at = time.monotonic()
        done, self._work = self._work, 0.0
        self._channel.send(("work", done))


class _SendingStore(records.RunStore):
    """The finished runs as a worker sees them; new ones are sent to the parent."""

    def __init__(self, folder: str, send: Callable[[str, Any], None]):
        super().__init__(folder, lambda line: None)  # the parent has warned
        self._send = send

    def add(self, finished: Iterable[records.RunRecord]) -> None:
        for record in finished:
            self._send("record", record)
            # As it will be read from the file.
            written = json.dumps(strict_json.finite(record.to_values()))
            self.hold([records.RunRecord.from_values(json.loads(written))])
