"""One process at a time in an output folder; a second one is refused at once.

The lock is the system's own, on the file `.lock` in the folder, so it ends with the
process, however that ends. The file stays; it names the process that has the lock, for
the message to the next one.
"""

import fcntl
import os
import pathlib
import socket
from typing import BinaryIO

from bsgen import errors
from bsgen.files import atomic

NAME = ".lock"


class FolderLock:
    """The lock of one folder, for `with` or for `take` and `release`.

    Two of them exclude each other within one process, too.
    """

    def __init__(self, folder: str | os.PathLike):
        """Names the folder; touches nothing."""
        self._folder = pathlib.Path(folder)
        self._file: BinaryIO | None = None

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
            file = open(self._folder / NAME, "a+b")
            try:
                self._lock(file)
            except BaseException:
                file.close()
                raise
        except OSError as error:
            raise atomic.cannot_write(self._folder, error) from error
        self._file = file

    def release(self) -> None:
        """Lets another process take the lock; does nothing if it is not taken."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _lock(self, file: BinaryIO) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            remedy = f"in use by {_owner(file)}; wait for it, or choose another folder"
            raise errors.UserError("output_dir", str(self._folder), remedy) from error
        file.truncate(0)
        file.write(f"{os.getpid()} {socket.gethostname()}\n".encode())
        file.flush()


def _owner(file: BinaryIO) -> str:
    """Returns in words which process has the lock on a file."""
    file.seek(0)
    words = file.read(1000).decode(errors="replace").split()
    if len(words) != 2 or not words[0].isdecimal():
        return "another process"  # which has not written its name yet
    process, host = words
    elsewhere = "" if host == socket.gethostname() else f" on {host}"
    return f"process {process}{elsewhere}"
