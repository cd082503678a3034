"""The rule of thumb for the batch size, as `launch.sweep --rule_of_thumb` runs it."""

import hashlib
import json
import pathlib
from typing import TYPE_CHECKING, Any

from absl import flags

from bsgen import config, errors

from . import entry, flag_help, grid_flags, run_flags, task_flags

if TYPE_CHECKING:
    from bsgen.tuning.procedures import outcomes, settings

    from . import boundary_display

_DEFAULT_DIR = "results/rule_of_thumb"

flag_help.section("Rule of thumb")
_RULE_OF_THUMB = flags.DEFINE_bool(
    "rule_of_thumb",
    False,
    "Find a batch size and a learning rate at the boundary between noise and curvature "
    "(Smith, Elsen & De, 2020) from runs of a few --epochs, instead of a grid: at "
    "--batch_size, a small one, and at --large_batch_size, from --learning_rate on.",
)
_LARGE_BATCH_SIZE = flags.DEFINE_integer(
    "large_batch_size",
    None,
    "Batch size at which --rule_of_thumb looks for the largest stable learning "
    "rate (default: such that a run takes some thirty steps).",
    lower_bound=1,
)
_MAX_BATCH_SIZE = flags.DEFINE_integer(
    "max_batch_size",
    None,
    "The largest batch size that --rule_of_thumb may recommend (default: the "
    "training set).",
    lower_bound=1,
)
_TUNED = flags.DEFINE_bool(
    "tuned",
    False,
    "Say that --learning_rate is the best one at --batch_size, so that "
    "--rule_of_thumb need not look for it.",
)
_RATE_GROWTH = flags.DEFINE_enum(
    "rate_growth",
    "linear",
    ["linear", "sqrt"],
    "How the best learning rate grows with the batch size where noise limits it; "
    "the paper says sqrt for LSTMs.",
)
_OWN = (_LARGE_BATCH_SIZE, _MAX_BATCH_SIZE, _TUNED, _RATE_GROWTH)


def is_asked() -> bool:
    """Returns whether the rule of thumb takes the place of a grid.

    Raises:
      UserError: one of its flags is given without it.
    """
    for flag in _OWN:
        if flag.present and not _RULE_OF_THUMB.value:
            raise errors.UserError(flag.name, flag.value, "goes with --rule_of_thumb")
    return bool(_RULE_OF_THUMB.value)


def described() -> config.RunConfig:
    """Returns what all runs share, checked as far as possible without TensorFlow.

    Raises:
      UserError: flags do not fit together.
    """
    given = flags.FLAGS
    for name in ("axis", "grid", "protocol", "base_batch_size", "evaluation_steps"):
        if given[name].present:
            remedy = "--rule_of_thumb chooses what to train; leave it out"
            raise errors.UserError(name, given[name].value, remedy)
    if given["steps"].present or given["epochs"].value is None:
        remedy = "--rule_of_thumb trains for a few epochs; give --epochs, such as 3"
        raise errors.UserError("epochs", given["epochs"].value, remedy)
    run = run_flags.described()
    task_flags.check(run)
    grid_flags.refuse_hardware()
    return run


def find(
    run: config.RunConfig, output_dir: str, bar: "boundary_display.BoundaryBar"
) -> None:
    """Trains, and says and writes what is recommended.

    Args:
      run: as `described` returns it.
      output_dir: keeps the runs, so that the same command continues; empty for the
        usual folder.
      bar: shows how far it is.

    Raises:
      UserError: the run does not fit its data, or no learning rate trains.
    """
    from bsgen.files import folder_lock, sealed_json
    from bsgen.sweeps import recorded_runs
    from bsgen.training import records
    from bsgen.tuning import boundary
    from bsgen.tuning.procedures import rule_of_thumb as procedures

    from . import boundary_display

    output_dir = output_dir or _folder_of(run)
    epochs, small = float(flags.FLAGS["epochs"].value or 0), run.batch_size or 1
    folder = pathlib.Path(output_dir)
    with folder_lock.FolderLock(folder):
        store = records.RunStore(output_dir, entry.warn)
        data_dir, keeps = task_flags.DATA_DIR.value, flags.FLAGS["subset_seed"].present
        trained = recorded_runs.RecordedRuns(
            run, epochs, store, data_dir, bool(keeps), bar.advance
        )
        number = trained.train_size
        usual = boundary.usual_large_batch(number, epochs, small)
        rate = run.sgd.learning_rate
        procedure = procedures.RuleOfThumb(
            batch_size=errors.check_integer("batch_size", small, 1, number),
            large_batch_size=errors.check_integer(
                "large_batch_size", _LARGE_BATCH_SIZE.value or usual, 1, number
            ),
            max_batch_size=min(_MAX_BATCH_SIZE.value or number, number),
            momentum=run.sgd.momentum,
            learning_rate=rate,
            tuned_learning_rate=rate if _TUNED.value else None,
            scaling=_RATE_GROWTH.value,
            num_repeats=int(flags.FLAGS["seeds"].value or 1),
            baseline_score=trained.baseline_score(small),
            metric=trained.metric,
            lower_is_better=trained.lower_is_better,
        )
        tried: list[dict[str, Any]] = []

        def train(
            setting: "settings.Setting", repeats: tuple[int, ...]
        ) -> "outcomes.Outcome":
            bar.began(setting, trained.seconds(setting, repeats))
            outcome = trained.train(setting, repeats)
            lower = trained.lower_is_better
            tried.append(boundary_display.tried(setting, outcome, lower))
            reached = boundary_display.in_words(tried[-1])
            bar.say(f"{setting.words()}: {trained.metric} {reached}")
            return outcome

        found = boundary.find_boundary(
            procedure, train, lambda decision: bar.say(decision.text)
        )
        sealed_json.write(
            folder / boundary_display.RESULT,
            {**found.to_dict(), "metric": trained.metric, "tried": tried},
        )
    bar.say(f"{found.words()}\nresult: {folder / boundary_display.RESULT}")


def _folder_of(run: config.RunConfig) -> str:
    parts = {
        "run": config.to_dict(run),
        "epochs": flags.FLAGS["epochs"].value,
        **{flag.name: flag.value for flag in _OWN},
    }
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    return f"{_DEFAULT_DIR}/{run.data.name}_{run.model.name}_{key}"
