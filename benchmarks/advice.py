"""The advice on a larger batch held against recorded sweeps, beside the plain rules.

    python -m launch.reproduce --figure=smith_elsen_de_2020
    python -m benchmarks.advice --results_dir=results/quick

takes the sweeps over learning rates at equal epochs of figures 1 and 6 and table 2 of
Smith, Elsen & De (2020) at quick scale: three small networks on the digits, with and
without momentum. For each batch size B it trains the best setting for half of the
budget, up to where its rate begins to fall, measures gradient noise and curvature
there, and asks for the rate of every larger batch size of the sweep. The table says how
often it is within half a point of the best rate there, beside the linear rule, the
square root and no change, with 95 % intervals over sweeps and seeds.

The advice has no constant that was fitted. But of three ways to bound the rate, by the
critical rate, the gradient noise scale (the last two rows) or both, the third was
chosen after figures 1 and 6 had been looked at, so that only table 2 judges it.

What was measured is kept in --output_dir, so that a second call is quick; the first
takes some five minutes on two idle cores.
"""

import dataclasses
import pathlib
import tempfile
from typing import TYPE_CHECKING, Any

from absl import flags

from bsgen import errors
from launch import entry

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks import advice_score
    from bsgen import config
    from bsgen.advice import Situation

_RESULTS_DIR = flags.DEFINE_string(
    "results_dir", "results/quick", "Output folder of launch.reproduce."
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "results/bench/advice", "Where measured numbers are kept."
)
STUDIES = ("fig1", "fig6", "table2")
_PAPER = "smith_elsen_de_2020"


def main(arguments: list[str]) -> None:
    """Runs the benchmark."""
    entry.refuse_arguments(arguments, "write --results_dir=FOLDER")
    entry.load_tensorflow()
    from benchmarks import advice_score, tables

    folder = pathlib.Path(_OUTPUT_DIR.value)
    found = []
    for name in STUDIES:
        of_study = _pairs(name, folder)
        _show(f"{_PAPER}/{name}", advice_score.table(of_study), len(of_study), tables)
        found += of_study
    judging = [pair for pair in found if f"/{STUDIES[0]}," not in pair.group]
    _show(f"without {STUDIES[0]}", advice_score.table(judging), len(judging), tables)
    _show("all of them", advice_score.table(found), len(found), tables)


def _pairs(name: str, folder: pathlib.Path) -> "list[advice_score.Pair]":
    """Returns every pair of batch sizes of a study."""
    from benchmarks import advice_score
    from bsgen import papers
    from bsgen.studies import folder as study_folder

    (study,) = papers.find(f"{_PAPER}/{name}")
    known = {run.key: run for run in study.runs("quick")}
    results = study_folder.Folder(pathlib.Path(_RESULTS_DIR.value), study.name)
    if not results.is_finished():
        remedy = f"run launch.reproduce --figure={study.name} in it first"
        raise errors.UserError("results_dir", _RESULTS_DIR.value, remedy)
    runs = results.read_results().runs
    found: list[advice_score.Pair] = []
    for momentum, own in runs.groupby("momentum"):
        sweeps = advice_score.sweeps(f"{study.name}, m = {momentum:g}", own)
        measured = [
            dataclasses.replace(
                sweep, measured=_measured(_best(sweep, own, known), folder)
            )
            for sweep in sweeps[:-1]
        ]
        found += advice_score.pairs([*measured, sweeps[-1]])
    return found


def _best(
    sweep: "advice_score.Sweep",
    own: "pd.DataFrame",
    known: "dict[str, config.RunConfig]",
) -> "config.RunConfig":
    """Returns a run of the best rate of a batch size."""
    at_best = own[
        (own["batch_size"] == sweep.batch_size)
        & (own["learning_rate"] == sweep.best_rate)
    ]
    return known[at_best.sort_values("seed")["key"].iloc[0]]


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


def _show(title: str, found: "pd.DataFrame", count: int, tables: Any) -> None:
    columns = (
        *("rate by", "within 0.5 points", "over linear", "over square root"),
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
        for rule, row in found.iterrows()
    ]
    tables.show(f"{title}: {count} pairs of batch sizes", columns, rows)


def _cell(row: "pd.Series", name: str, sign: str) -> str:
    value, low, high = (f"{row[name + end]:{sign}.2f}" for end in ("", " from", " to"))
    return f"{value} [{low}, {high}]"


if __name__ == "__main__":
    entry.run(main)
