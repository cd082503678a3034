"""Results of a study with made-up outcomes, for tests of its claims."""

from collections.abc import Callable

import numpy as np

from bsgen import config
from bsgen.studies import study, tables
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


def verdicts(judged: list) -> list[str]:
    """Returns the verdicts alone."""
    return [claim.verdict for claim in judged]
