r"""Advises on the learning rate of a larger or a smaller batch.

    python -m launch.advise --run_dir=results/train/digits_mlp_KEY \
        --target_batch_size=512

measures gradient noise and curvature of the model.keras of a finished run of
`launch.train`, and says in plain words what to do when its batch size becomes 512; each
sentence with its source, its assumption, and how sure it is. Batch size, learning rate
and momentum are the run's. All of it goes to advice.json in the folder.

    python -m launch.advise --model_fn=package.module:build \
        --data_fn=package.module:load --present_batch_size=32 \
        --learning_rate=0.1 --target_batch_size=512

does so for any Keras model: `build()` returns one, with its weights, and `load()`
returns (train, test). Measure one that has been trained for an epoch or more. Results
go to results/measure/FUNCTION or --output_dir.

It measures on 2,000 examples at most, or --num_examples; the digits take half a minute
on two cores.
"""

import pathlib
from typing import TYPE_CHECKING, Any

from absl import flags

from bsgen import errors
from bsgen.files import sealed_json

from . import entry, flag_help, loaded_model, paths

if TYPE_CHECKING:
    from bsgen.advice import Advice

flag_help.section("Advice")
_TARGET = flags.DEFINE_integer(
    "target_batch_size", None, "The batch size that is wanted, at least 1."
)
_PRESENT = flags.DEFINE_integer(
    "present_batch_size",
    None,
    "The batch size of now, at least 1 (default: the run's).",
)
_RATE = flags.DEFINE_float(
    "learning_rate",
    None,
    "The learning rate found good at the batch size of now (default: the run's).",
)
_TRAIN_SIZE = flags.DEFINE_integer(
    "train_size", None, "Training examples, at least 1 (default: those of the data)."
)
flag_help.section("Output")
_OUTPUT_DIR = paths.define(
    "output_dir", "", "Where the advice goes (default: the run's folder)."
)
_FILE = "advice.json"


def main(arguments: list[str]) -> None:
    """Runs the launcher."""
    entry.refuse_arguments(arguments, "write --run_dir=FOLDER")
    loaded_model.check()
    run = loaded_model.run()
    setting = {
        "batch_size": _given(_PRESENT, run and (run.batch_size or run.data.train_size)),
        "learning_rate": _given(_RATE, run and run.sgd.learning_rate),
        "target_batch_size": _given(_TARGET),
        "train_size": _TRAIN_SIZE.value or (run and run.data.train_size),
    }
    folder = pathlib.Path(_OUTPUT_DIR.value or loaded_model.folder())
    paths.check_output(folder)
    entry.load_tensorflow()
    advice = _advise(setting, run is None)
    print(advice)
    sealed_json.write(folder / _FILE, advice.to_dict())
    print(f"\nall of it is in {folder / _FILE}")


def _given(flag: flags.FlagHolder, of_run: Any = None) -> Any:
    """Returns a flag's value, or the run's where it is not given.

    Raises:
      UserError: there is neither, or it is not above 0.
    """
    value = of_run if flag.value is None else flag.value
    if value is None or not value > 0:
        raise errors.UserError(flag.name, value, "give a number above 0")
    return value


def _advise(setting: dict[str, Any], is_users: bool) -> "Advice":
    from bsgen import advice

    loaded = loaded_model.load()
    # Of a user's model, that of its optimizer unless a flag says otherwise.
    momentum = loaded_model.MOMENTUM.value if is_users else loaded.momentum
    return advice.advise(
        loaded.model,
        loaded.loss,
        loaded.data,
        momentum=momentum,
        l2=loaded.l2,
        seed=loaded_model.SEED.value,
        **setting,
    )


if __name__ == "__main__":
    entry.run(main)
