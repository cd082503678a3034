r"""Measures curvature and gradient noise of a trained network.

    python -m launch.measure --run_dir=results/train/digits_mlp_KEY \
        --measures=top_eigenvalue,trace,critical_learning_rate,spectral_density

measures the model.keras of a finished run of `launch.train` on its own data, scaled as
in the run and not augmented, and prints each value with its error and why it stopped.
The loss is the mean over the data, with the run's L2 penalty. The results go to
measures.json in the folder, with spectral_density.csv and .png.

    python -m launch.measure --model_fn=package.module:build \
        --data_fn=package.module:load

does so for any Keras model: `build()` returns one, with its weights, and `load()`
returns (train, test). Results go to results/measure/FUNCTION or --output_dir.
With --strategy=mirrored all devices of the machine share the batches out.

Ctrl-C ends the command and keeps what is known by then, with its error. The digits take
a few seconds on two cores.
"""

import pathlib
import sys
import textwrap
import time
from typing import Any

from bsgen import errors, named_measures
from bsgen.files import atomic, sealed_json

from . import (
    INTERRUPTED,
    as_called,
    chosen_measures,
    entry,
    flag_help,
    loaded_model,
    paths,
)

flag_help.section("Output")
_OUTPUT_DIR = paths.define(
    "output_dir", "", "Where results go (default: the run's folder)."
)
_FILE = "measures.json"


def main(arguments: list[str]) -> None:
    """Runs the launcher."""
    entry.refuse_arguments(arguments, "write --run_dir=FOLDER")
    asked = chosen_measures.measures()
    loaded_model.check()
    folder = pathlib.Path(_OUTPUT_DIR.value or loaded_model.folder())
    paths.check_output(folder)
    kept = _read(folder / _FILE)
    entry.load_tensorflow()
    _measure(asked, folder, kept)


def _measure(
    asked: list[named_measures.Measure], folder: pathlib.Path, kept: dict[str, Any]
) -> None:
    from . import value_display

    loaded = loaded_model.load()
    subject = chosen_measures.subject(loaded)
    options = chosen_measures.options(loaded)
    with value_display.ValueDisplay() as display:
        for measure in asked:
            display.start(measure.name)
            begun = time.perf_counter()
            found = measure.take(subject, options, display.advance, keep_partial=True)
            kept[measure.name] = {
                **loaded.description,
                **measure.record(found),
                "seconds": round(time.perf_counter() - begun, 3),
            }
            _write_curve(folder, measure, found)
            sealed_json.write(folder / _FILE, kept)
            display.say(f"{measure.name}: {measure.in_words(found)}")
            if measure.meaning:
                display.say(_indented(as_called(measure.meaning)))
            if found.stopped_because == "interrupted":
                display.say(f"interrupted; what is known is in {folder}")
                sys.exit(INTERRUPTED)
    print(f"all results are in {folder / _FILE}")


def _indented(text: str) -> str:
    return textwrap.fill(text, 80, initial_indent="    ", subsequent_indent="    ")


def _read(path: pathlib.Path) -> dict[str, Any]:
    """Returns what earlier calls measured, by name."""
    try:
        return sealed_json.read(path) or {}
    except sealed_json.Damaged as error:
        raise errors.UserError(
            "output_dir", str(path), f"{error}; remove it"
        ) from error


def _write_curve(
    folder: pathlib.Path, measure: named_measures.Measure, found: Any
) -> None:
    """Writes the table and the picture of a result that is a curve."""
    if measure.curve is None:
        return
    import pandas as pd

    table = pd.DataFrame(measure.curve(found))
    csv = table.to_csv(index=False).encode()
    atomic.write(folder / f"{measure.name}.csv", csv)
    if measure.picture:
        atomic.write(folder / f"{measure.name}.png", measure.draw(table))


if __name__ == "__main__":
    entry.run(main)
