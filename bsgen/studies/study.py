"""What a study is: a figure or table of a paper, as runs and as claims on them."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from bsgen import config, errors
from bsgen.studies import claims

# "quick" takes minutes on two cores and no download, "paper" is the paper's own;
# "reduced" is the paper's task with less of everything, for an hour or so.
SCALES = ("quick", "reduced", "paper")


class Results(NamedTuple):
    """The recorded numbers of a study's finished runs.

    Attributes:
      runs: one row a run, see `tables.runs_table`.
      curves: one row an evaluation, see `tables.curves_table`.
    """

    runs: pd.DataFrame
    curves: pd.DataFrame


@dataclasses.dataclass(frozen=True)
class Study:
    """A figure or table of a paper that one command remakes.

    Attributes:
      name: `PAPERKEY/figN` or `PAPERKEY/tableN`.
      title: what the figure shows, in one line.
      make_runs: (scale, number of seeds or None for the scale's own) to the runs.
      judge: results to the paper's claims with their verdicts.
      scales: those of `SCALES` that it has.
    """

    name: str
    title: str
    make_runs: Callable[[str, int | None], list[config.RunConfig]]
    judge: Callable[[Results], list[claims.Claim]]
    scales: tuple[str, ...] = ("quick", "paper")

    def runs(self, scale: str, num_seeds: int | None = None) -> list[config.RunConfig]:
        """Returns the runs of a scale.

        Raises:
          UserError: the study has no such scale.
        """
        if scale not in self.scales:
            remedy = f"{self.name} has {', '.join(self.scales)}"
            raise errors.UserError("scale", scale, remedy)
        return self.make_runs(scale, num_seeds)
