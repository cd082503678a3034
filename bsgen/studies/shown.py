"""What a study shows: a figure, a table, or both."""

import dataclasses

import pandas as pd
from matplotlib import figure as mpl_figure


@dataclasses.dataclass(frozen=True)
class Shown:
    """A figure, a table, or both.

    Attributes:
      figure: drawn with `bsgen.figures.style`.
      table: with the paper's numbers beside ours; a column holds texts, or numbers of
        which some may be missing. Numbers are written to `table.csv` in full and
        rounded for readers.
    """

    figure: mpl_figure.Figure | None = None
    table: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        if self.figure is None and self.table is None:
            raise ValueError("a study shows a figure, a table or both, not nothing")
