"""A lock that keeps an output folder to one process; a second one is refused at once.

It is the operating system's lock on the file `.lock` in the folder, so it ends when the
process ends, however that happens. The file stays, and names the process that holds the
lock for the message to the next one.
"""

import os
import pathlib
import socket

import filelock

from bsgen import errors
from bsgen.files import atomic

NAME = ".lock"


class FolderLock:
    """The lock of one folder, for `with` or for `take` and `release`.

    Two of them exclude each other even within one process.
    """

    def __init__(self, folder: str | os.PathLike, argument: str = "output_dir"):
        """Names the folder, and the argument that errors blame; touches nothing."""
        self._folder = pathlib.Path(folder)
        self._argument = argument
        self._lock = filelock.FileLock(
            self._folder / NAME,
            blocking=False,
            thread_local=False,
            fallback_to_soft=False,  # such a lock would outlive a killed process
            on_acquired=_write_owner,
        )

    def __enter__(self) -> "FolderLock":
        self.take()
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()

    def take(self) -> None:
        """Takes the lock until `release`, or until the process ends.

        The folder is made if there is none.

        Raises:
          UserError: another process has the lock, or the folder cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except filelock.Timeout as error:
            remedy = f"in use by {self._owner()}; wait for it, or choose another folder"
            raise errors.UserError(self._argument, str(self._folder), remedy) from error
        except OSError as error:
            raise atomic.cannot_write(self._folder, error, self._argument) from error

    def release(self) -> None:
        """Lets another process take the lock; does nothing if it is not taken."""
        self._lock.release()

    def _owner(self) -> str:
        """Returns the process that has the lock, in words."""
        words = (self._folder / NAME).read_text(errors="replace").split()
        if len(words) != 2 or not words[0].isdecimal():
            return "another process"  # which has not written its name yet
        process, host = words
        elsewhere = "" if host == socket.gethostname() else f" on {host}"
        return f"process {process}{elsewhere}"


def _write_owner(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
