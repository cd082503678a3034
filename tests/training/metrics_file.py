"""The records that a run's folder holds, for tests."""

from bsgen.files import json_lines


def read(folder):
    """Returns the records in the whole lines of `metrics.jsonl`."""
    return json_lines.JsonLines(folder / "metrics.jsonl", "").read(dict)
