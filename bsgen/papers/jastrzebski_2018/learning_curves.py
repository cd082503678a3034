"""How far the learning curves of two settings lie apart, seed by seed."""

import numpy as np
import pandas as pd

from bsgen import statistics
from bsgen.papers.jastrzebski_2018 import presets
from bsgen.studies import study

METRIC = "test_accuracy"


def of(results: study.Results, runs: pd.DataFrame) -> pd.DataFrame:
    """Returns the test accuracies of some runs, one row an epoch, one column a seed.

    A run that diverged guesses from then on.

    Args:
      results: tables of the study.
      runs: rows of `results.runs` that differ in their seed only.
    """
    rows = results.curves.merge(runs[["key", "seed"]], on="key")
    place = rows.groupby("key").cumcount()
    table = rows.assign(place=place).pivot(index="place", columns="seed", values=METRIC)
    epochs = rows.assign(place=place).groupby("place")["epoch"].mean()
    return table.set_axis(epochs.to_numpy()).astype(float).fillna(presets.CHANCE)


def distances(first: pd.DataFrame, second: pd.DataFrame) -> np.ndarray:
    """Returns the root mean squared difference of two settings, for each seed.

    The k-th evaluations are compared, without the one before the first step.

    Args:
      first: as `of` returns them, of one setting.
      second: of another; both have the same seeds and a row before the first step.
    """
    # A setting all of whose runs diverged has fewer rows.
    count = max(len(first), len(second))
    tables = [
        table.reset_index(drop=True).reindex(range(count)).fillna(presets.CHANCE)
        for table in (first, second)
    ]
    difference = (tables[0] - tables[1]).to_numpy()[1:]
    return np.sqrt(np.mean(np.square(difference), axis=0))


def ratio(numerators: np.ndarray, denominators: np.ndarray) -> statistics.Interval:
    """Returns the geometric mean over seeds of the ratio of two distances."""
    return statistics.log_ratio_interval(np.log(numerators / denominators))


def note(runs: pd.DataFrame) -> str:
    """Returns how the intervals of ratios are made."""
    note = statistics.t_interval_note(runs["seed"].nunique())
    return f"{note} on the logarithm, paired by seed; 1 is what chance gives"
