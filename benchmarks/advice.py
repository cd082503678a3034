"""The advice on a larger batch held against recorded sweeps, beside the plain rules.

    python -m launch.reproduce --figure=smith_elsen_de_2020
    python -m benchmarks.advice --results_dir=results/quick

takes the sweeps over learning rates of Smith, Elsen & De (2020) at quick scale, with
and without momentum, and with --reduced_dir those on real data, see `advice_sweeps`.
For each batch size B it trains the best setting for half of the budget, up to where its
rate begins to fall, measures gradient noise and curvature there, and asks for the rate
of every larger batch size of the sweep. The tables say how often it is within half a
point of the best rate there (of a cost, within 2 %), beside the linear rule, the square
root and no change, with 95 % intervals over studies and seeds.

The advice has no constant that was fitted. But of three ways to bound the rate, by the
critical rate, the gradient noise scale (the last two rows) or both, the third was
chosen after figures 1 and 6 had been looked at, and table 2 was part of the first
tables. The other studies had not been looked at; it was not changed after they were.

What was measured is kept in --output_dir, so that a second call is quick; the first
takes some ten minutes on two idle cores.
"""

import dataclasses
import pathlib
import tempfile
from typing import TYPE_CHECKING

from absl import flags

from launch import entry

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from benchmarks import advice_score, advice_sweeps
    from bsgen import config
    from bsgen.advice import Situation

_RESULTS_DIR = flags.DEFINE_string(
    "results_dir", "results/quick", "Output folder of launch.reproduce."
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "results/bench/advice", "Where measured numbers are kept."
)
_REDUCED_DIR = flags.DEFINE_string(
    "reduced_dir",
    None,
    "That of launch.reproduce --scale=reduced, whose datasets lie in TFDS_DATA_DIR; "
    "none leaves its studies out.",
)


def main(arguments: list[str]) -> None:
    """Runs the benchmark."""
    entry.refuse_arguments(arguments, "write --results_dir=FOLDER")
    entry.load_tensorflow()
    from benchmarks import advice_sweeps

    folder = pathlib.Path(_OUTPUT_DIR.value)
    places = {"quick": _RESULTS_DIR.value, "reduced": _REDUCED_DIR.value}
    pairs = {
        recorded: _pairs(recorded, pathlib.Path(places[recorded.scale]), folder)
        for recorded in advice_sweeps.RECORDED
        if places[recorded.scale]
    }
    for recorded, found in pairs.items():
        _show(f"{recorded.study} at {recorded.scale} scale", found)
    for title, looked_at, kept in (
        ("looked at before, equal epochs", True, "epochs"),
        ("not looked at before, equal epochs", False, "epochs"),
        ("not looked at before, equal steps", False, "steps"),
    ):
        of_kind = [
            pair
            for recorded, found in pairs.items()
            if (recorded.looked_at, recorded.kept) == (looked_at, kept)
            for pair in found
        ]
        _show(title, of_kind)


def _pairs(
    recorded: "advice_sweeps.Recorded", results_dir: pathlib.Path, folder: pathlib.Path
) -> "list[advice_score.Pair]":
    """Returns every pair of batch sizes of a study."""
    from benchmarks import advice_score

    found: list[advice_score.Pair] = []
    for sweeps, best in recorded.groups(results_dir):
        measured = [
            dataclasses.replace(
                sweep, measured=_measured(best[sweep.batch_size], folder)
            )
            for sweep in sweeps[:-1]
        ]
        found += advice_score.pairs([*measured, sweeps[-1]])
    return found


def _measured(run: "config.RunConfig", folder: pathlib.Path) -> "Situation":
    """Returns what is measured after half of a run, at its constant rate."""
    from bsgen import config
    from bsgen.advice import Situation
    from bsgen.files import sealed_json

    half = dataclasses.replace(
        run,
        num_steps=max(1, run.num_steps // 2),
        optimizer=dataclasses.replace(run.sgd, schedule=config.Constant()),
        evaluation_steps=(),
    )
    path = folder / f"{half.key}.json"
    kept = sealed_json.read(path)
    if kept is not None:
        kept.pop(sealed_json.CHECK_SUM, None)
        return Situation(**kept)
    found = _measure(half)
    sealed_json.write_state(path, dataclasses.asdict(found))
    return found


def _measure(run: "config.RunConfig") -> "Situation":
    from bsgen import advice, data
    from bsgen.models import losses
    from bsgen.training import loop, model_file

    loss = losses.of_run(run)
    inputs, labels = data.load(run.data).train
    with tempfile.TemporaryDirectory() as place:
        loop.train(run, place)
        model = model_file.load(pathlib.Path(place, "model.keras"), "train it again")
    model = _without_state(model)
    return advice.measure(
        model,
        loss.per_example,
        (inputs, loss.targets(inputs, labels)),
        batch_size=run.batch_size or len(labels),
        learning_rate=run.sgd.learning_rate,
        target_batch_size=run.batch_size or len(labels),
        momentum=run.sgd.momentum,
        l2=run.sgd.l2,
        progress=False,
    )


def _without_state(model: "keras.Model") -> "keras.Model":
    """Returns the model on single windows, if it is one that carries a state along."""
    import keras

    if len(model.inputs) == 1:
        return model
    tokens, *states = model.inputs
    window = keras.Input(tokens.shape[1:], dtype=tokens.dtype)
    ones = keras.ops.cast(keras.ops.ones_like(window[:, :1]), states[0].dtype)
    zeros = [0.0 * keras.ops.repeat(ones, state.shape[-1], axis=1) for state in states]
    outputs, *_ = model([window, *zeros])
    return keras.Model(window, outputs)


def _show(title: str, pairs: "list[advice_score.Pair]") -> None:
    from benchmarks import advice_score, tables

    if not pairs:
        return
    columns = (
        *("rate by", "hits", "over linear", "over square root"),
        *("lost, mean", "worst"),
    )
    rows = [
        [
            str(rule),
            _cell(row, "hits", ""),
            _cell(row, "over linear", "+"),
            _cell(row, "over square root", "+"),
            f"{row['lost']:.4f}",
            f"{row['worst']:.3f}",
        ]
        for rule, row in advice_score.table(pairs).iterrows()
    ]
    studies = len({pair.study for pair in pairs})
    counts = f"{len(pairs)} pairs of batch sizes, {studies} studies"
    tables.show(f"{title}: {counts}", columns, rows)


def _cell(row: "pd.Series", name: str, sign: str) -> str:
    value, low, high = (f"{row[name + end]:{sign}.2f}" for end in ("", " from", " to"))
    return f"{value} [{low}, {high}]"


if __name__ == "__main__":
    entry.run(main)
