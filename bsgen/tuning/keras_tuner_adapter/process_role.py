"""A process's role in a distributed search, from keras-tuner's variables."""

import math
import os
from typing import Literal

from bsgen import errors
from bsgen.config import addresses

ID, HOST, PORT = (
    "KERASTUNER_TUNER_ID",
    "KERASTUNER_ORACLE_IP",
    "KERASTUNER_ORACLE_PORT",
)
VARIABLES = (ID, HOST, PORT)
# Seconds that a worker waits for its chief: our variable, as keras-tuner waits an hour.
PATIENCE = "BSGEN_CHIEF_SECONDS"
_PATIENCE_SECONDS = 300.0  # our choice: a chief may load data, or measure


def role() -> Literal["single", "chief", "worker"]:
    """Returns this process's role."""
    if HOST not in os.environ:
        return "single"
    return "chief" if is_chief(os.environ.get(ID, "")) else "worker"


def is_chief(name: str) -> bool:
    """Returns whether keras-tuner takes a process of this name for the chief."""
    return "chief" in name


def check() -> None:
    """Checks the variables before processes wait for each other.

    Raises:
      UserError: they are malformed, a chief cannot listen there, or a worker's chief is
        on an unknown machine.
    """
    given = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
    if not given and HOST not in os.environ:
        return
    if len(given) < len(VARIABLES):
        remedy = f"keras-tuner needs all of {', '.join(VARIABLES)}, or none"
        raise errors.UserError("environment", [*given], remedy)
    if role() == "chief":
        addresses.check_free("chief", chief())
    else:
        addresses.check_known("chief", chief())
        patience()


def chief() -> addresses.Address:
    """Returns where the chief listens.

    Raises:
      UserError: the variables hold no address.
    """
    host, port = os.environ[HOST], os.environ[PORT]
    found = addresses.parse(f"{host}:{port}")
    if found is None:
        name = PORT if addresses.parse(f"{host}:1") else HOST
        remedy = "give the chief's machine there, such as 127.0.0.1"
        if name == PORT:
            remedy = "give the port at which the chief listens, 1 to 65535"
        raise errors.UserError(name, os.environ[name], remedy)
    return found


def patience() -> float:
    """Returns how many seconds a worker waits for a chief that does not answer.

    Raises:
      UserError: the variable holds no such number.
    """
    text = os.environ.get(PATIENCE, str(_PATIENCE_SECONDS))
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise errors.UserError(PATIENCE, text, "give a number of seconds")
    return seconds
