"""The records of a run as TensorBoard's scalars."""

import os
import pathlib
import shutil
from collections.abc import Iterable
from typing import Any

import tensorflow as tf

_SCALAR = tf.compat.v1.SummaryMetadata(
    plugin_data={"plugin_name": "scalars"}, data_class="DATA_CLASS_SCALAR"
)


class EventFiles:
    """Event files in `tensorboard/`, which hold what `metrics.jsonl` holds."""

    def __init__(
        self, folder: str | os.PathLike, history: Iterable[dict[str, Any]] = ()
    ):
        """Begins anew with these records: what a killed process wrote may be more.

        Args:
          folder: of the run.
          history: the records so far.
        """
        path = pathlib.Path(folder) / "tensorboard"
        shutil.rmtree(path, ignore_errors=True)
        self._writer = tf.summary.create_file_writer(str(path))
        for record in history:
            self.write(record)

    def write(self, record: dict[str, Any]) -> None:
        """Adds the values of one record, at its step."""
        with self._writer.as_default(step=record["step"]):
            for name, value in record.items():
                if name != "step":
                    # tf.summary.scalar is the same, but needs TensorBoard itself.
                    tf.summary.write(
                        name, tf.constant(value, tf.float32), metadata=_SCALAR
                    )
        self._writer.flush()
