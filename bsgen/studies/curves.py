"""Training curves as tables: one row per step, one column per seed."""

import pandas as pd

from bsgen.studies import study


def by_step(results: study.Results, runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Returns the curves of some runs from step 1 on, for a logarithmic axis.

    Args:
      results: tables of the study.
      runs: rows of `results.runs` that differ in their seed only.
      metric: a column of `results.curves`.
    """
    rows = results.curves.merge(runs[["key", "seed"]], on="key")
    table = rows[rows["step"] > 0].pivot(index="step", columns="seed", values=metric)
    return table.astype(float).sort_index()
