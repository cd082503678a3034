"""Training curves as tables: one row a step, one column a seed."""

import pandas as pd

from bsgen.studies import study


def by_step(results: study.Results, runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Returns the curves of some runs, from step 1 on: a logarithmic axis has no 0.

    Args:
      results: tables of the study.
      runs: rows of `results.runs` that differ in their seed only.
      metric: a column of `results.curves`.
    """
    rows = results.curves.merge(runs[["key", "seed"]], on="key")
    table = rows[rows["step"] > 0].pivot(index="step", columns="seed", values=metric)
    return table.astype(float).sort_index()
