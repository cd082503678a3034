"""Reads the records in a run's folder, for tests."""

from bsgen.files import json_lines


def read(folder):
    """Returns the records in the complete lines of `metrics.jsonl`."""
    return json_lines.JsonLines(folder / "metrics.jsonl", "").read(dict)
