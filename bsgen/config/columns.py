"""A run's settings as one row of a table."""

import dataclasses
from typing import Any

from bsgen.config import checked, schedule_text, serialization
from bsgen.config.run import RunConfig

_PARTS = {"data": "dataset", "model": "model", "optimizer": "optimizer"}


def columns(run: RunConfig) -> dict[str, Any]:
    """Returns every setting that `to_dict` writes, by the name of its field.

    The names of dataset, model and optimizer stand under these words; `batch_size` is N
    for the full batch; lists are joined by "x", and schedules are in words, last.
    """
    written = serialization.to_dict(run)
    parts = {name: written.pop(field) for field, name in _PARTS.items()}
    for field in dataclasses.fields(run):
        if not checked.is_column(field):
            written.pop(field.name, None)
    train_size = parts["dataset"]["train_size"]
    row: dict[str, Any] = {}
    for name, part in parts.items():
        row |= {name: part.pop("name"), **part}
    row |= {**written, "batch_size": written["batch_size"] or train_size}
    schedules = {
        name: schedule_text.to_text(row.pop(name))
        for part in (written, *parts.values())
        for name, value in part.items()
        if isinstance(value, dict)
    }
    return {name: _cell(value) for name, value in row.items()} | schedules


def _cell(value: Any) -> Any:
    return "x".join(map(str, value)) if isinstance(value, list) else value
