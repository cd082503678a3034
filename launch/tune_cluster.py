"""Runs a search, or a sweep, by several processes of this machine.

    python -m launch.tune_cluster --num_workers=2 -- --dataset=digits

takes the flags of `launch.tune` after the --, and shows the lines of all processes,
each after its process's name. The recommendation is the same as that of one process. On
a GPU, --gpu_memory_mb after the -- is the share of each process. A process that is
killed is started again, and the search continues: a worker gets its trial back, the
chief knows all finished trials. It ends with the chief, and with its exit status;
Ctrl-C, SIGTERM and SIGHUP end all processes. About a minute on two cores, most of it
start-up: for a network as small as this one, `launch.tune` alone is quicker.
--launcher=sweep does the same for `launch.sweep`.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

from absl import flags

from bsgen import errors
from bsgen.training import interruption

from . import children, entry, flag_help

flag_help.section("Several processes")
_NUM_WORKERS = flags.DEFINE_integer(
    "num_workers",
    2,
    "Processes that train, from 1 to 256.",
    lower_bound=1,
    upper_bound=256,
)
_LAUNCHER = flags.DEFINE_enum(
    "launcher",
    "tune",
    ["tune", "sweep"],
    "What the processes run: launch.tune or launch.sweep.",
)
_RESTARTS = flags.DEFINE_integer(
    "restarts",
    3,
    "How often a process that was killed is started again.",
    lower_bound=0,
)
_CHIEF = "chief"
_OURS = ("role", "chief", "worker_id")
_POLL_SECONDS = 0.5
_LEAVING_SECONDS = 20.0  # for workers, after the chief


def main(arguments: list[str]) -> None:
    """Runs the launcher."""
    search = arguments[1:]
    for argument in search:
        if argument.lstrip("-").partition("=")[0] in _OURS:
            remedy = "every process gets its own; leave it out"
            raise errors.UserError("argument", argument, remedy)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("KERASTUNER_")
    }
    # Reports a mistake once, instead of in every process.
    check = [*_command(), *search, "--check_only"]
    if code := subprocess.run(check, env=environment, check=False).returncode:
        sys.exit(code)
    # Signals are noted and not raised, so that no process that just started is missed.
    with interruption.Interruption() as asked, children.Children(environment) as group:
        code = _supervise(group, _commands(search), asked)
    if asked.signal_number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(code)


def _commands(search: Sequence[str]) -> dict[str, list[str]]:
    """Returns the command of each process by its name; the chief's comes first."""
    common = [*_command(), *search]
    common.append(f"--chief=127.0.0.1:{_free_port()}")
    commands = {_CHIEF: [*common, "--role=chief"]}
    for number in range(_NUM_WORKERS.value):
        name = f"worker{number}"
        commands[name] = [*common, "--role=worker", f"--worker_id={name}"]
    return commands


def _command() -> list[str]:
    return [sys.executable, "-m", f"{__package__}.{_LAUNCHER.value}"]


def _supervise(
    group: children.Children,
    commands: dict[str, list[str]],
    asked: interruption.Interruption,
) -> int:
    """Keeps all processes running until the search ends or a signal comes.

    Returns:
      The exit status.
    """
    left = dict.fromkeys(commands, _RESTARTS.value)
    for name, command in commands.items():
        group.start(name, command)
    finished: set[str] = set()
    while asked.signal_number is None:
        for name, code in group.wait(_POLL_SECONDS).items():
            if code >= 0 and name == _CHIEF:
                if code == 0:
                    group.finish(_LEAVING_SECONDS)
                return code
            if code == 0:
                finished.add(name)
            elif code > 0 or left[name] == 0:
                why = f"exit status {code}" if code > 0 else _words(code)
                print(f"error: {name} ended ({why}), and so does all", file=sys.stderr)
                return code if code > 0 else 128 - code
            else:
                left[name] -= 1
                print(f"{name} was ended ({_words(code)}); starting it again")
                group.start(name, commands[name])
                # A chief waits for a call, even if all trials are finished.
                again = set(finished) if name == _CHIEF else set()
                for worker in again:
                    group.start(worker, commands[worker])
                finished -= again
    return 128 + asked.signal_number


def _words(code: int) -> str:
    return f"signal {-code}, {signal.strsignal(-code)}"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


if __name__ == "__main__":
    entry.run(main)
