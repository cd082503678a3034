"""A process's place in keras-tuner's distributed search, by keras-tuner's variables."""

import os
from typing import Literal

ID, HOST, PORT = (
    "KERASTUNER_TUNER_ID",
    "KERASTUNER_ORACLE_IP",
    "KERASTUNER_ORACLE_PORT",
)
# How long a worker waits for its chief, in seconds; ours, keras-tuner waits an hour.
PATIENCE = "BSGEN_CHIEF_SECONDS"


def role() -> Literal["single", "chief", "worker"]:
    """Returns this process's place."""
    if HOST not in os.environ:
        return "single"
    # keras-tuner's own rule.
    return "chief" if "chief" in os.environ.get(ID, "") else "worker"
