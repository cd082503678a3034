"""Recorded sweeps over learning rates that advice is held against.

A sweep tries several learning rates at several batch sizes, for a fixed number of
epochs or of steps. Some had been looked at when the rules of the advice were made; the
others are the ones that can tell whether it is true.

Left out: table 1 of Hoffer et al. (two or three rates a batch size, which follow from
the square root and so cannot judge it), figure 5 of Smith & Le (the number of steps
goes with 1 / rate, so that no rate is the best at equal cost), figure 5 of Smith, Elsen
& De (runs of figure 1) and their rule of thumb (its network and data once more).
"""

import dataclasses
import pathlib
from typing import Literal

import numpy as np
import pandas as pd

from benchmarks import advice_score
from bsgen import config, errors, papers
from bsgen.studies import folder as study_folder

_PAPER = "smith_elsen_de_2020"
_EQUAL = 0.05  # how far epochs may be off, as incomplete batches are dropped
Kept = Literal["epochs", "steps"]


@dataclasses.dataclass(frozen=True)
class Recorded:
    """The sweeps of one study, one a momentum.

    Attributes:
      figure: or table, of Smith, Elsen & De (2020).
      scale: of the runs.
      kept: what is equal at all batch sizes.
      looked_at: whether the rules were made after a look at it.
    """

    figure: str
    scale: str = "quick"
    kept: Kept = "epochs"
    looked_at: bool = False

    @property
    def study(self) -> str:
        """Its name."""
        return f"{_PAPER}/{self.figure}"

    def groups(
        self, results_dir: pathlib.Path
    ) -> "list[tuple[list[advice_score.Sweep], dict[int, config.RunConfig]]]":
        """Returns for each momentum its sweeps, and a run of each one's best rate.

        Raises:
          UserError: the study is not finished there.
        """
        (study,) = papers.find(self.study)
        known = {run.key: run for run in study.runs(self.scale)}
        results = study_folder.Folder(results_dir, study.name)
        if not results.is_finished():
            remedy = f"run launch.reproduce --figure={study.name} in it first"
            raise errors.UserError("results_dir", str(results_dir), remedy)
        runs = results.read_results().runs
        found = []
        for momentum, own in runs.groupby("momentum"):
            own = _of_equal_length(own, self.kept)
            sweeps = advice_score.sweeps(
                f"{self.study} {self.scale}", f"m = {momentum:g}", own
            )
            found.append((sweeps, {s.batch_size: _best(s, own, known) for s in sweeps}))
        return found


RECORDED = (
    Recorded("fig1", looked_at=True),
    Recorded("fig6", looked_at=True),
    Recorded("table2", looked_at=True),
    *(Recorded(name) for name in ("fig7", "fig8")),
    *(Recorded(name, "reduced") for name in ("fig1", "fig8", "fig7")),
    *(Recorded(f"table{number}", kept="steps") for number in (1, 3, 4, 5, 6, 7)),
    *(Recorded(name, "reduced", "steps") for name in ("table1", "table7")),
)


def _of_equal_length(runs: pd.DataFrame, kept: Kept) -> pd.DataFrame:
    """Returns the runs of batch sizes whose budget is that of most of the runs."""
    length = runs["num_steps"].astype(float)
    if kept == "epochs":
        length = length * runs["batch_size"]
    return runs[np.abs(length / length.median() - 1.0) <= _EQUAL]


def _best(
    sweep: advice_score.Sweep, own: pd.DataFrame, known: dict[str, config.RunConfig]
) -> config.RunConfig:
    """Returns a run of the best rate of a batch size."""
    at_best = own[
        (own["batch_size"] == sweep.batch_size)
        & (own["learning_rate"] == sweep.best_rate)
    ]
    return known[at_best.sort_values("seed")["key"].iloc[0]]
