r"""Tunes batch size, learning rate and momentum of a network.

    python -m launch.tune --dataset=digits --model=mlp

searches by appendix D of Smith & Le (2017) on validation data, shows each decision with
its reason, and ends with a recommendation: 25 s of processor time, on two shared cores
of an AMD EPYC.

    python -m launch.tune --model_fn=package.module:build \
        --data_fn=package.module:load

does so for any Keras model: `build()` returns one, compiled or not, and `load()`
returns (train_data, validation_data), each (inputs, targets), with weights of the
examples as a third if there are any, or a `tf.data.Dataset` of such. The search trains
with `bsgen.optimizers.Momentum` in place of the optimizer that `build` compiles with;
the model as compiled is measured beside it, at --baseline_batch_size.

OUTPUT_DIR gets trials.csv, decisions.json, recommendation.json, figure.png and
keras-tuner's own trials/ (and tensorboard/ if asked for); nothing is written elsewhere.
A search that was stopped at any moment continues with the same command: it keeps the
finished trials, and retries those in which the user's code raised. After Ctrl-C, table
and picture show what was found. `launch.train --from_search=OUTPUT_DIR` trains one of
the project's networks with what is recommended; for a model of your own, the last line
says how to compile it. Without --output_dir the folder is
results/tune/DATASET_MODEL_KEY.

Several processes: one --role=chief and any number of --role=worker, all with the same
--chief=HOST:PORT and the same other flags; each worker has its own --worker_id. Workers
on one GPU share its memory as they need it, or by --gpu_memory_mb each.
"""

import dataclasses
import hashlib
import json
import pathlib
import sys
from typing import TYPE_CHECKING, Any

from absl import flags

from . import (
    as_called,
    entry,
    flag_help,
    paths,
    search_flags,
    search_gpu,
    search_role,
    search_subject,
)

if TYPE_CHECKING:
    from bsgen import tuning
    from bsgen.tuning import search_display

_DEFAULT_DIR = "results/tune"
flag_help.section("Output")
_OUTPUT_DIR = paths.define(
    "output_dir", "", "The search's folder (default: results/tune/DATASET_MODEL_KEY)."
)
_TENSORBOARD = flags.DEFINE_bool(
    "tensorboard", False, "Write the trials for TensorBoard's HParams page too."
)


def main(arguments: list[str]) -> None:
    """Runs the launcher."""
    entry.refuse_arguments(arguments, "write --model=NAME")
    role = search_role.apply()
    search_flags.check()
    search_gpu.check()
    search_subject.check()
    paths.check_output(_OUTPUT_DIR.value or _DEFAULT_DIR)
    if search_role.CHECK_ONLY.value:
        return
    entry.load_tensorflow()
    search_gpu.apply()
    if _TENSORBOARD.value:
        from bsgen.tuning import hparams_events

        hparams_events.require()
    description = {**search_flags.description(), **search_subject.description()}
    output_dir = _OUTPUT_DIR.value or _folder_of(description)
    _search(output_dir, description, role)


def _search(output_dir: str, description: dict[str, Any], role: str) -> None:
    from bsgen import tuning
    from bsgen.tuning import search_display, search_folder

    with (
        search_display.SearchDisplay() as display,
        search_folder.SearchFolder(output_dir, display.warn) as folder,
    ):
        display.say(f"{search_subject.name()}, {role} search in {output_dir}")
        trainer = search_subject.make(output_dir)
        own = search_subject.own(trainer)
        display.begin(trainer, own)
        description["metric"] = trainer.metric
        description["lower_is_better"] = trainer.lower_is_better
        description["baseline_score"] = trainer.baseline_score
        description.update(getattr(trainer, "fingerprints", {}))
        if role != "worker":
            folder.claim(description)
        oracle = search_flags.make_oracle(trainer, own, folder, role, display.decision)
        try:
            found = tuning.run_search(
                oracle,
                trainer,
                folder,
                description,
                search_flags.num_repeats(),
                display.trial,
                display.warn,
                display.kept,
            )
        except KeyboardInterrupt:
            if role != "worker":
                _show_unfinished(output_dir, display)
            raise
    if role == "worker":
        print("the search is over; the chief has the results")
        return
    _show(output_dir, found)


def _show_unfinished(output_dir: str, display: "search_display.SearchDisplay") -> None:
    from bsgen.tuning import search_figure

    if pathlib.Path(output_dir, "trials.csv").exists():
        display.say(f"trials so far: {output_dir}/trials.csv")
        picture = search_figure.write(output_dir, has_ended=False)
        display.say(f"picture: {picture}")
    display.say("the same command continues from there")


def _show(output_dir: str, found: "tuning.SearchResult") -> None:
    from bsgen.tuning import hparams_events, recommended_run, search_figure

    if _TENSORBOARD.value:
        hparams_events.write(output_dir, found.trials)
    picture = search_figure.write(output_dir)
    print(f"trials: {output_dir}/trials.csv\npicture: {picture}")
    problems = []
    if found.recommendation is None:
        problems.append(found.words())
    else:
        print(f"recommended: {found.recommendation.words()}")
        command = as_called(f"python -m launch.train --from_search={output_dir}")
        setting = dataclasses.asdict(found.recommendation.setting)
        own = recommended_run.to_train_own(**setting)
        print(f"to train with it: {command if search_subject.is_run() else own}")
    num_failed = int((found.trials["status"] == "failed").sum())
    if num_failed:
        problems.append(
            f"error: {num_failed} of {len(found.trials)} trials failed, see their "
            "tracebacks: mend the cause, and the same command trains them again"
        )
    if problems:
        sys.stdout.flush()
        sys.exit("\n".join(problems))


def _folder_of(description: dict[str, Any]) -> str:
    text = json.dumps(description, sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{_DEFAULT_DIR}/{search_subject.name()}_{key}"


if __name__ == "__main__":
    entry.run(main)
