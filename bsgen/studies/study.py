"""What a study is: a figure or table of a paper, as runs and as claims on them."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from bsgen import config
from bsgen.studies import claims

SCALES = ("quick", "paper")


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
    """

    name: str
    title: str
    make_runs: Callable[[str, int | None], list[config.RunConfig]]
    judge: Callable[[Results], list[claims.Claim]]
