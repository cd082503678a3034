"""The flags of a process in a distributed search: its role, and a check of flags."""

import os

from absl import flags

from bsgen import errors
from bsgen.config import addresses
from bsgen.tuning.keras_tuner_adapter import process_role

from . import flag_help

flag_help.section("Several processes")
_ROLE = flags.DEFINE_enum(
    "role",
    None,
    ["single", "chief", "worker"],
    "One process alone, the chief that hands out trials, or a worker that trains "
    "them (default: by the KERASTUNER_* variables; without them, single).",
)
_CHIEF = flags.DEFINE_string(
    "chief", None, "HOST:PORT where the chief listens, for the chief and its workers."
)
_WORKER_ID = flags.DEFINE_string(
    "worker_id",
    None,
    "A name of its own for each worker; started again, a worker keeps its name.",
)
_CHIEF_SECONDS = flags.DEFINE_float(
    "chief_seconds",
    None,
    "Seconds that a worker waits for a chief that does not answer (default: 300).",
    lower_bound=0.0,
)
CHECK_ONLY = flags.DEFINE_bool(
    "check_only", False, "Look for mistakes on the command line, and stop."
)


def apply() -> str:
    """Sets keras-tuner's variables from the flags; call it before keras-tuner loads.

    Returns:
      "single", "chief" or "worker".

    Raises:
      UserError: flags are missing or superfluous, they contradict the variables, or
        the chief's address cannot be used.
    """
    wanted = _wanted()
    for name in process_role.VARIABLES if _ROLE.value else ():
        found = os.environ.get(name)
        if found is not None and found != wanted.get(name):
            remedy = f"the environment has {name}={found!r}: unset it, or drop the flag"
            raise errors.UserError("role", _ROLE.value, remedy)
    os.environ.update(wanted)
    if _CHIEF_SECONDS.value is not None:
        os.environ[process_role.PATIENCE] = str(_CHIEF_SECONDS.value)
    process_role.check()
    if process_role.role() == "worker":
        # Workers may share a GPU, so each takes only the memory that it needs.
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    return process_role.role()


def worker_id() -> str:
    """Returns the name of this worker."""
    return os.environ[process_role.ID]


def _wanted() -> dict[str, str]:
    """Returns the variables that the flags stand for."""
    role, place, name = _ROLE.value, _CHIEF.value, _WORKER_ID.value
    if role not in ("chief", "worker") and place is not None:
        raise errors.UserError("chief", place, "goes with --role=chief or worker")
    if role != "worker" and name is not None:
        raise errors.UserError("worker_id", name, "goes with --role=worker")
    if role not in ("chief", "worker"):
        return {}
    chief = addresses.parse(place)
    if chief is None:
        remedy = "say where the chief listens, such as 127.0.0.1:8000"
        raise errors.UserError("chief", place, remedy)
    if role == "worker" and (not name or process_role.is_chief(name)):
        remedy = "name the worker, such as worker0, and no part of it 'chief'"
        raise errors.UserError("worker_id", name, remedy)
    return {
        process_role.ID: name or "chief",
        process_role.HOST: chief.host,
        process_role.PORT: str(chief.port),
    }
