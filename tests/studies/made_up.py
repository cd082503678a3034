"""Made-up studies, and made-up results for tests of claims and figures."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from matplotlib import figure as mpl_figure

from bsgen import config, papers
from bsgen.studies import (
    claims,
    measurement,
    measurement_store,
    outcome,
    shown,
    study,
    tables,
)
from bsgen.training import records

Outcome = tuple[dict[str, list[float]], dict[str, float]] | None


def results(
    runs: list[config.RunConfig],
    outcome: Callable[[config.RunConfig, np.random.Generator], Outcome],
) -> study.Results:
    """Returns the tables of `runs` if each had ended as `outcome` says.

    `outcome` takes a run and a generator of its own and gives curve and final metrics,
    or None for a run that diverged.
    """
    finished = []
    for run in runs:
        found = outcome(run, np.random.default_rng(int(run.key, 16)))
        if found is None:
            finished.append(records.RunRecord(run, "diverged", {}, {}, 1.0))
        else:
            finished.append(records.RunRecord(run, "completed", *found, 1.0))
    return tables.results(finished)


def measured(
    entries: Iterable[measurement.Measurement],
    rows: Callable[[measurement.Measurement], list[dict]],
) -> study.Results:
    """Returns the tables of measurements that made the given rows."""
    finished = [
        measurement_store.MeasurementRecord(e.key, dict(e.settings), rows(e), 1.0)
        for e in entries
    ]
    return tables.results((), finished)


def verdicts(judged: list) -> list[str]:
    """Returns the verdicts alone."""
    return [claim.verdict for claim in judged]


def a_study(name: str, make_runs: Callable = study.none, **more) -> study.Study:
    """Returns a study that shows how many runs it has, with `more` of its fields."""

    def show(results: study.Results) -> shown.Shown:
        return shown.Shown(table=pd.DataFrame({"runs": [len(results.runs)]}))

    fields = {
        "title": "",
        "caption": "",
        "analyse": lambda results: results,
        "judge": lambda results: [],
        "show": show,
    }
    return study.Study(name, make_runs=make_runs, **{**fields, **more})


def runs(name: str, scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the runs of a registered study."""
    (found,) = papers.find(name)
    return found.make_runs(scale, num_seeds)


def judged(name: str, results: study.Results) -> list[claims.Claim]:
    """Returns the claims of a registered study on made-up results."""
    (found,) = papers.find(name)
    return found.judge(found.analyse(results))


def figure(name: str, results: study.Results) -> mpl_figure.Figure:
    """Returns the figure of a registered study on made-up results."""
    (found,) = papers.find(name)
    return outcome.conclude(found, results).shown.figure
