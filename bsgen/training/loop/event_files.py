"""Writes the records of a run as TensorBoard scalars."""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tensorflow as tf

_SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data={"plugin_name": "scalars"}, data_class="DATA_CLASS_SCALAR"
)


class EventFiles:
    """Event files in `tensorboard/`, with the content of `metrics.jsonl`.

    They are only a copy to look at: if they cannot be written, a run continues without.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        history: Iterable[dict[str, Any]],
        warn: Callable[[str], None],
    ):
        """Starts over with the records so far: a killed process may have written more.

        Calls `warn` with one line if the files cannot be written.
        """
        path = pathlib.Path(folder) / "tensorboard"
        self._warn = warn
        self._writer: Any = None
        with self._going_on_without():
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
            self._writer = tf.summary.create_file_writer(str(path))
        for record in history:
            self.write(record)

    def write(self, record: dict[str, Any]) -> None:
        """Adds the values of one record, at its step."""
        if self._writer is None:
            return
        with self._going_on_without():
            with self._writer.as_default(step=record["step"]):
                for name, value in record.items():
                    if name != "step":
                        # As tf.summary.scalar does, which needs TensorBoard itself.
                        tf.summary.write(
                            name, tf.constant(value, tf.float32), metadata=_SCALAR
                        )
            self._writer.flush()

    @contextlib.contextmanager
    def _going_on_without(self) -> Iterator[None]:
        try:
            yield
        except (OSError, tf.errors.OpError) as error:
            self._writer = None
            reason = str(error).splitlines()[0]
            self._warn(
                f"cannot write TensorBoard's files ({reason}); continues without"
            )
