r"""Trains a grid of settings, and compares them.

    python -m launch.sweep --dataset=digits --model=mlp --epochs=20 --seeds=5 \
        --axis learning_rate=0.1,0.3,1 --axis batch_size=16..256*2

takes the flags of `launch.train` for all that is no axis. Runs that can share a
compiled program are trained together. OUTPUT_DIR gets runs.jsonl (every finished run
with its configuration and curve), sweep.csv (a row a run) and sweep.png (the metric
against each axis); the terminal, mean and 95 % interval of each setting and the best
one, by validation if there is a --validation_size. Started again after any
interruption, the same command keeps every finished run; with more values or seeds it
trains those that are new. `launch.report --output_dir=OUTPUT_DIR` makes table and
picture again without training. Without --output_dir the folder is
results/sweep/DATASET_MODEL_KEY.

`--protocol` compares the settings at their optimal learning rates (Smith, Elsen & De,
2020, section 4). Among the axes is a grid of rates; of the --seeds runs at each rate
the best --keep count. The terminal, optima.csv and sweep.png show the best score of
each setting, the rate that it needs with its error bar, and what is sure of them.
`--extend` adds rates until none of these touches an edge of the grid:

    python -m launch.sweep --protocol=constant_epochs --dataset=digits \
        --epochs=20 --validation_size=300 \
        --axis effective_learning_rate=0.125..8*2 \
        --axis batch_size=8..256*2 --axis momentum=0,0.9 --seeds=8 --extend

`--rule_of_thumb` takes the place of a grid (Smith, Elsen & De, 2020, section 8): from
runs of a few epochs at a small and at a large batch size it recommends a batch size and
a learning rate to train with in full, and says why:

    python -m launch.sweep --rule_of_thumb --dataset=digits --epochs=3 \
        --validation_size=300 --batch_size=8 --learning_rate=0.05 --seeds=3

Several machines: one --role=chief and any number of --role=worker, all with the same
--chief=HOST:PORT and the same other flags; each worker has its own --worker_id. The
chief hands out chunks of runs and collects their records; a worker keeps its own in
OUTPUT_DIR/workers/WORKER_ID. `launch.tune_cluster --launcher=sweep` starts them all on
one machine.
"""

import contextlib
import functools
import hashlib
import itertools
import json
import pathlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from absl import flags

from bsgen import config, errors

from . import (
    entry,
    flag_help,
    grid_flags,
    paths,
    protocol_flags,
    rule_of_thumb,
    run_flags,
    search_role,
    task_flags,
)

if TYPE_CHECKING:
    from bsgen import progress_bar, sweeps
    from bsgen.sweeps import protocol as protocol_lib
    from bsgen.training import records

_DEFAULT_DIR = "results/sweep"
flag_help.section("Output")
_OUTPUT_DIR = paths.define(
    "output_dir", "", "The sweep's folder (default: results/sweep/DATASET_MODEL_KEY)."
)
flag_help.section("Hardware")
_PROCESSES = flags.DEFINE_integer(
    "processes",
    None,
    "Processes of this machine, from 1 to 256, of one thread each if there are "
    "several (default: one a core; with a GPU, or for little work, one).",
    lower_bound=1,
    upper_bound=256,
)

_Runs = list[list[config.RunConfig]]  # of each setting


def main(arguments: list[str]) -> None:
    """Runs the launcher."""
    entry.refuse_arguments(arguments, "write --axis FIELD=VALUE,VALUE")
    role = search_role.apply()
    if _PROCESSES.present and role != "single":
        remedy = f"a {role} is one process; start more workers instead"
        raise errors.UserError("processes", _PROCESSES.value, remedy)
    if rule_of_thumb.is_asked():
        _find_boundary(role)
        return
    grid = grid_flags.grid()
    protocol = protocol_flags.of(grid, role)
    paths.check_output(_OUTPUT_DIR.value or _DEFAULT_DIR)
    if search_role.CHECK_ONLY.value:
        return
    entry.load_tensorflow()
    _sweep(grid, protocol, _OUTPUT_DIR.value or _folder_of(grid), role)


def _find_boundary(role: str) -> None:
    run = rule_of_thumb.described()
    if role != "single":
        raise errors.UserError("role", role, "--rule_of_thumb is one process")
    paths.check_output(_OUTPUT_DIR.value or _DEFAULT_DIR)
    if search_role.CHECK_ONLY.value:
        return
    entry.load_tensorflow()
    from . import boundary_display

    with boundary_display.BoundaryBar() as bar, _told_of_stop(bar):
        rule_of_thumb.find(run, _OUTPUT_DIR.value, bar)


def _sweep(
    grid: "sweeps.Grid",
    protocol: "protocol_lib.Protocol | None",
    output_dir: str,
    role: str,
) -> None:
    from bsgen.sweeps import extension, folder, plan
    from bsgen.training import records

    from . import grid_display, optima_display

    settings = [(setting, _repeats(grid, setting)) for setting in grid.settings()]
    runs = [repeats for _, repeats in settings]
    print(f"{grid.words}: {grid.num_runs:,} runs, {role} in {output_dir}", flush=True)
    if role == "worker":
        _follow(grid, runs, output_dir)
        print("the sweep is over; the chief has the results")
        return
    with folder.SweepFolder(output_dir) as found:
        more = extension.kept(grid, found.read()) if protocol else []
        while True:
            added = map(grid.setting, more)
            settings += [(setting, _repeats(grid, setting)) for setting in added]
            planned = plan.make(grid, settings, protocol)
            found.claim(planned)
            store = records.RunStore(output_dir, entry.warn)
            failed = _train(grid, [repeats for _, repeats in settings], store, role)
            summary = found.write(planned, store, failed)
            if failed or not (protocol_flags.extends() and summary.optima):
                break
            more = extension.wanted(grid, summary.optima)
            if not more:
                break
            optima_display.print_extension(summary.optima, len(more))
    grid_display.print_summary(summary)
    grid_display.print_files(summary, output_dir)
    if failed:
        sys.stdout.flush()
        reasons = "\n".join(dict.fromkeys(failed.values()))
        words = "runs failed; the same command tries them again"
        number = len(planned.keys)
        sys.exit(f"error: {len(failed):,} of {number:,} {words}:\n{reasons}")


def _repeats(grid: "sweeps.Grid", setting: "sweeps.Setting") -> list[config.RunConfig]:
    """Returns the runs of a setting, of which an engine takes each."""
    from bsgen.sweeps import training

    try:
        adapts = grid.remedies.adapts_regime
        counted_with = grid.base_batch_size if adapts else None
        complete = functools.partial(
            run_flags.completed,
            counted_with=counted_with,
            num_epochs=setting.values.get("epochs"),
            at_end=protocol_flags.is_given(),
        )
        runs = grid.repeats(setting, complete)
        training.check(runs[0], task_flags.DATA_DIR.value)
    except errors.UserError as error:
        remedy = f"{error.remedy} (at {setting.words})"
        raise errors.UserError(error.argument, error.value, remedy) from error
    return runs


def _train(
    grid: "sweeps.Grid", settings: _Runs, store: "records.RunStore", role: str
) -> dict[str, str]:
    """Trains what is missing, here or by workers; returns why runs have failed."""
    from bsgen.sweeps import distribution, training

    from . import grid_display

    number = _num_processes(settings, store) if role == "single" else 1
    with grid_display.SweepBar(settings, store, number) as bar, _told_of_stop(bar):
        if role == "chief":
            identity = {**grid_flags.identity(grid), **grid_flags.values(grid)}
            return distribution.lead(settings, store, identity, bar.finished_elsewhere)
        return training.train(
            settings,
            store,
            task_flags.DATA_DIR.value,
            bar.advance,
            bar.finished,
            bar.warn,
            number,
        )


def _num_processes(settings: _Runs, store: "records.RunStore") -> int:
    from bsgen.training import cost, worker_processes

    missing = store.missing(itertools.chain(*settings))
    return _PROCESSES.value or worker_processes.default_number(
        sum(map(cost.seconds, missing))
    )


def _follow(grid: "sweeps.Grid", settings: _Runs, output_dir: str) -> None:
    """Trains what the chief hands out."""
    from bsgen.sweeps import distribution

    from . import grid_display

    own = pathlib.Path(output_dir, "workers", search_role.worker_id())
    identity = {**grid_flags.identity(grid), **grid_flags.values(grid)}
    with grid_display.WorkerBar() as bar, _told_of_stop(bar):
        distribution.follow(
            settings,
            own,
            identity,
            task_flags.DATA_DIR.value,
            bar.finished,
            bar.warn,
        )


@contextlib.contextmanager
def _told_of_stop(display: "progress_bar.Bar") -> Iterator[None]:
    from bsgen.training import interruption

    try:
        yield
    except interruption.Interrupted as stopped:
        entry.let_go_of_lost_terminal()
        display.say("interrupted; saved: the same command continues from there")
        sys.exit(128 + stopped.signal_number)


def _folder_of(grid: "sweeps.Grid") -> str:
    text = json.dumps(grid_flags.identity(grid), sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{_DEFAULT_DIR}/{grid.base.data.name}_{grid.base.model.name}_{key}"


if __name__ == "__main__":
    entry.run(main)
