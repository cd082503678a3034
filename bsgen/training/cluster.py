"""This process's place among workers that train together, from TF_CONFIG."""

import json
import os

from bsgen import errors

_EXAMPLE = (
    '{"cluster": {"worker": ["HOST:PORT", ...]}, '
    '"task": {"type": "worker", "index": 0}}'
)


def place() -> tuple[int, int]:
    """Returns the number of workers, and this one's number; 0 is the chief.

    Raises:
      UserError: the environment variable TF_CONFIG is missing or unfit.
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        settings = json.loads(text)
        workers, task = settings["cluster"]["worker"], settings["task"]
        index = int(task["index"])
        if task["type"] != "worker" or not 0 <= index < len(workers):
            raise ValueError("no such worker")
        others = set(settings["cluster"]) - {"worker"}
        if others:
            raise ValueError(f"a job besides worker: {others.pop()}")
    except (ValueError, KeyError, TypeError) as error:
        remedy = (
            f"strategy 'multi_worker' needs, with the chief as worker 0, {_EXAMPLE}"
        )
        raise errors.UserError("TF_CONFIG", text, remedy) from error
    return len(workers), index
