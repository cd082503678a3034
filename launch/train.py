r"""Trains one network, on one device, several, or several machines.

    python -m launch.train --dataset=cifar10 --model=resnet44 \
        --batch_size=2048 --ghost_batch_size=128 --epochs=100

trains with SGD with momentum and shows the metrics, examples per second and the time
left. OUTPUT_DIR gets config.json, metrics.jsonl (one line an evaluation), summary.json,
checkpoints and finally model.keras. After an interruption of any kind, the same command
continues from the last checkpoint. Without --output_dir the run names its own folder:
results/train/DATASET_MODEL_KEY. `launch.prepare_data` prepares the datasets.

    python -m launch.train --from_search=results/tune/digits_mlp_KEY

trains in full with what a finished search of `launch.tune` recommends.

Several devices: --strategy=mirrored. Several machines: --strategy=multi_worker, the
same command on each, with its own TF_CONFIG; the first worker writes.

From a small batch to a large one, as Hoffer et al. (2017):

    python -m launch.train --dataset=cifar10 --model=resnet44 \
        --batch_size=2048 --base_batch_size=128 --learning_rate=0.1 \
        --learning_rate_scaling=sqrt --ghost_batch_size=128 --clip_norm=5 \
        --clip_steps=100 --adapt_regime --epochs=100 \
        --schedule="stepwise boundaries=50,75 factors=0.1,0.01"

takes four times the rate, and as many updates as 100 epochs in batches of 128.
"""

import sys

from absl import flags

from bsgen import config
from bsgen.models import losses

from . import (
    entry,
    flag_help,
    from_search,
    hardware_flags,
    paths,
    run_flags,
    task_flags,
)

_DEFAULT_DIR = "results/train"
flag_help.section("Output")
_OUTPUT_DIR = paths.define(
    "output_dir", "", "The run's folder (default: results/train/DATASET_MODEL_KEY)."
)
_RESUME = flags.DEFINE_enum(
    "resume",
    "auto",
    ["auto", "never", "must"],
    "What to do with a run in the folder: continue it if there is one (auto), "
    "start over (never), or insist that there is one (must).",
)
_CHECKPOINT_SECONDS = flags.DEFINE_float(
    "checkpoint_seconds",
    300.0,
    "Seconds between checkpoints, besides those after evaluations.",
    lower_bound=0.0,
)
_TENSORBOARD = flags.DEFINE_bool(
    "tensorboard", False, "Write TensorBoard's scalars too, to OUTPUT_DIR/tensorboard."
)


def main(arguments: list[str]) -> None:
    """Runs the launcher."""
    entry.refuse_arguments(arguments, "write --model=NAME")
    from_search.apply()
    hardware = hardware_flags.given()
    described, base = _rescaled(run_flags.described())
    paths.check_output(_OUTPUT_DIR.value or _DEFAULT_DIR)
    entry.load_tensorflow()
    run = run_flags.completed(described, base)
    name = f"{run.data.name}_{run.model.name}_{run.key}"
    output_dir = _OUTPUT_DIR.value or f"{_DEFAULT_DIR}/{name}"
    _train(run, output_dir, hardware)


def _rescaled(run: config.RunConfig) -> tuple[config.RunConfig, int | None]:
    """Takes a run from the base batch size to its own, and says in a line how.

    Returns:
      The run, and the batch size with which its epochs are counted, None for its own.

    Raises:
      UserError: a schedule is longer than the budget.
    """
    from bsgen.training import large_batch, run_config_file

    base, remedies = run_flags.base_and_remedies()
    if base is None:
        run_flags.check_budget(run)
        return run, None
    larger = large_batch.rescaled(run, base, remedies)
    changes = run_config_file.differences(config.to_dict(run), config.to_dict(larger))
    changes += ["as many updates"] if remedies.adapts_regime else ["as many epochs"]
    run_flags.check_budget(larger)
    print(f"from batch size {base} to {run.batch_size}: {', '.join(changes)}")
    return larger, base if remedies.adapts_regime else None


def _train(
    run: config.RunConfig, output_dir: str, hardware: config.HardwareConfig
) -> None:
    from bsgen.training import interruption, loop

    from . import run_display

    with run_display.RunDisplay(run) as display:
        display.say(f"{run.model.name} on {run.data.name} in {output_dir}")
        if hardware.strategy == "multi_worker":
            display.say("waiting for the other workers")
        try:
            record = loop.train(
                run,
                output_dir,
                loop.Options(
                    hardware,
                    task_flags.DATA_DIR.value,
                    _RESUME.value,
                    _CHECKPOINT_SECONDS.value,
                    _TENSORBOARD.value,
                ),
                display,
            )
        except interruption.Interrupted as stopped:
            entry.let_go_of_lost_terminal()
            display.say(f"{stopped}; saved: the same command continues from there")
            sys.exit(128 + stopped.signal_number)
    if not display.has_started:
        print("already finished; nothing was done")
    if record is None:  # of another worker than the first
        return
    if record.status == "diverged":
        print(f"diverged: the loss is not finite any more; see {output_dir}")
        return
    metric = losses.of_run(run).judged_by.name
    value = record.final[f"test_{metric}"]
    print(f"test {metric} {value:.4f}; all of it is in {output_dir}")


if __name__ == "__main__":
    entry.run(main)
