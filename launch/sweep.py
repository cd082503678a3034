"""Trains a grid of runs over any fields of their configuration, and compares them.

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
"""

import hashlib
import itertools
import json
import sys
from typing import TYPE_CHECKING

from absl import flags

from bsgen import config, errors
from launch import entry, grid_flags, paths, run_flags, task_flags

if TYPE_CHECKING:
    from bsgen import sweeps

_DEFAULT_DIR = "results/sweep"
_OUTPUT_DIR = paths.define(
    "output_dir", "", "The sweep's folder (default: results/sweep/DATASET_MODEL_KEY)."
)
for _module in (grid_flags, run_flags, task_flags):
    flags.adopt_module_key_flags(_module)  # for --help


def main(arguments: list[str]) -> None:
    """Runs the launcher."""
    entry.refuse_arguments(arguments, "write --axis FIELD=VALUE,VALUE")
    grid = grid_flags.grid()
    paths.check_output(_OUTPUT_DIR.value or _DEFAULT_DIR)
    entry.load_tensorflow()
    _sweep(grid, _OUTPUT_DIR.value or _folder_of(grid))


def _sweep(grid: "sweeps.Grid", output_dir: str) -> None:
    from bsgen.sweeps import folder, plan
    from bsgen.training import records
    from launch import grid_display

    settings = [(setting, _repeats(grid, setting)) for setting in grid.settings()]
    planned = plan.make(grid, settings)
    with folder.SweepFolder(output_dir) as found:
        found.claim(planned)
        store = records.RunStore(output_dir, entry.warn)
        print(f"{grid.words}: {grid.num_runs:,} runs in {output_dir}", flush=True)
        failed = _train([runs for _, runs in settings], store)
        summary = found.write(planned, store, failed)
    grid_display.print_summary(summary)
    grid_display.print_files(summary, output_dir)
    if failed:
        sys.stdout.flush()
        reasons = "\n".join(dict.fromkeys(failed.values()))
        words = "runs failed; the same command tries them again"
        sys.exit(f"error: {len(failed):,} of {grid.num_runs:,} {words}:\n{reasons}")


def _repeats(grid: "sweeps.Grid", setting: "sweeps.Setting") -> list[config.RunConfig]:
    """Returns the runs of a setting, of which an engine takes each."""
    from bsgen.sweeps import training

    try:
        runs = grid.repeats(setting, run_flags.completed)
        training.check(runs[0], task_flags.DATA_DIR.value)
    except errors.UserError as error:
        remedy = f"{error.remedy} (at {setting.words})"
        raise errors.UserError(error.argument, error.value, remedy) from error
    return runs


def _train(settings: list, store) -> dict[str, str]:  # type: ignore[no-untyped-def]
    from bsgen.sweeps import training
    from bsgen.training import cost, interruption
    from launch import grid_display

    runs = list(itertools.chain(*settings))
    missing = store.missing(runs)
    if not missing:
        return {}
    expected = sum(map(cost.seconds, missing))
    done = len(runs) - len(missing)
    with grid_display.SweepBar(len(runs), done, expected) as bar:
        try:
            return training.train(
                settings,
                store,
                task_flags.DATA_DIR.value,
                bar.advance,
                bar.finished,
                lambda line: bar.say(f"warning: {line}"),
            )
        except interruption.Interrupted as stopped:
            entry.let_go_of_lost_terminal()
            bar.say("interrupted; saved: the same command continues from there")
            sys.exit(128 + stopped.signal_number)


def _folder_of(grid: "sweeps.Grid") -> str:
    text = json.dumps(grid_flags.identity(grid), sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{_DEFAULT_DIR}/{grid.base.data.name}_{grid.base.model.name}_{key}"


if __name__ == "__main__":
    entry.run(main)
