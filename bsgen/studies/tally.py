"""Counts of the runs and measurements behind a study."""

from typing import NamedTuple

from bsgen.studies import study


class Tally(NamedTuple):
    """Counts of a study's results.

    Attributes:
      num_runs: trained runs.
      num_seeds: different seeds among the runs.
      num_diverged: runs that diverged.
      training_seconds: of all runs; a run that studies share counts in each of them.
      num_measurements: measurements besides training.
      measuring_seconds: of all measurements.
    """

    num_runs: int
    num_seeds: int
    num_diverged: int
    training_seconds: float
    num_measurements: int
    measuring_seconds: float


def count(results: study.Results) -> Tally:
    """Returns the counts; a study may have no runs, or no measurements."""
    runs = results.runs.reindex(columns=["seed", "status", "seconds"])
    rows = results.measurements.reindex(columns=["key", "seconds"])
    measured = rows.drop_duplicates("key")
    return Tally(
        len(runs),
        runs["seed"].nunique(),
        int((runs["status"] == "diverged").sum()),
        float(runs["seconds"].sum()),
        len(measured),
        float(measured["seconds"].sum()),
    )
