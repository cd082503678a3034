"""Measures curvature and gradient noise of a trained network.

    python -m launch.measure --run_dir=results/train/digits_mlp_KEY \
        --measures=top_eigenvalue,trace,critical_learning_rate,spectral_density

measures the model.keras of a finished run of `launch.train` on its own data, scaled as
in the run and not augmented, and prints each value with its error and why it stopped.
The loss is the mean over the data, with the run's L2 penalty. The folder gets
measures.json, and spectral_density.csv and .png.

    python -m launch.measure --model_fn=package.module:build \
        --data_fn=package.module:load

does so for any Keras model: `build()` returns one, with its weights, and `load()`
returns (train, test). Results go to results/measure/FUNCTION or --output_dir.
With --strategy=mirrored all devices of the machine share the batches out.

Ctrl-C ends a measure and keeps what is known by then, with its error. The digits take
a few seconds on two cores.
"""

import pathlib
import sys
import time
from typing import Any

import launch
from bsgen import errors
from bsgen.files import atomic, sealed_json
from launch import entry, loaded_model, named_measures, paths

_OUTPUT_DIR = paths.define(
    "output_dir", "", "Where results go (default: the run's folder)."
)
_FILE = "measures.json"


def main(arguments: list[str]) -> None:
    """Runs the launcher."""
    entry.refuse_arguments(arguments, "write --run_dir=FOLDER")
    names = named_measures.chosen()
    loaded_model.check()
    folder = pathlib.Path(_OUTPUT_DIR.value or loaded_model.folder())
    paths.check_output(folder)
    kept = _read(folder / _FILE)
    entry.load_tensorflow()
    _measure(names, folder, kept)


def _measure(names: list[str], folder: pathlib.Path, kept: dict[str, Any]) -> None:
    from launch import value_display

    subject = loaded_model.load()
    with value_display.ValueDisplay() as display:
        for name in names:
            display.start(name)
            begun = time.perf_counter()
            found = named_measures.measure(name, subject, display.advance)
            kept[name] = {
                **subject.description,
                **named_measures.record(found),
                "seconds": round(time.perf_counter() - begun, 3),
            }
            _write(folder, kept, found if name == "spectral_density" else None)
            display.say(f"{name}: {named_measures.in_words(found)}")
            if named_measures.stopped_because(found) == "interrupted":
                display.say(f"interrupted; what is known is in {folder}")
                sys.exit(launch.INTERRUPTED)
    print(f"all of it is in {folder / _FILE}")


def _read(path: pathlib.Path) -> dict[str, Any]:
    """Returns what earlier calls measured, by name."""
    try:
        return sealed_json.read(path) or {}
    except sealed_json.Damaged as error:
        raise errors.UserError(
            "output_dir", str(path), f"{error}; remove it"
        ) from error


def _write(folder: pathlib.Path, kept: dict[str, Any], density: Any) -> None:
    if density is not None:
        import pandas as pd

        from bsgen.measures.spectrum import density_figure

        columns = {
            "eigenvalue": density.grid,
            "density": density.value,
            "standard_error": density.standard_error,
        }
        table = pd.DataFrame(columns)
        csv = table.to_csv(index=False).encode()
        atomic.write(folder / "spectral_density.csv", csv)
        picture = density_figure.draw(table)
        atomic.write(folder / "spectral_density.png", picture)
    sealed_json.write(folder / _FILE, kept)


if __name__ == "__main__":
    entry.run(main)
