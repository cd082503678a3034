"""Finds the drawing of a study by the study's name."""

from collections.abc import Callable, Sequence

import matplotlib as mpl
from matplotlib import figure

from bsgen import errors
from bsgen.figures import style
from bsgen.reports import tally, verdicts
from bsgen.reports.figures import jastrzebski_2018, smith_le_2017
from bsgen.studies import claims, study

_DRAWINGS: dict[str, Callable[[study.Results], figure.Figure]] = {
    **smith_le_2017.DRAWINGS,
    **jastrzebski_2018.DRAWINGS,
}


def draw(
    study_name: str, results: study.Results, judged: Sequence[claims.Claim]
) -> figure.Figure:
    """Draws the figure of a study, with a line below it that says what it is made of.

    Args:
      study_name: `PAPERKEY/figN`.
      results: its tables.
      judged: its claims; their verdicts are counted below the figure.

    Raises:
      UserError: no drawing has that name.
    """
    if study_name not in _DRAWINGS:
        raise errors.unknown_name("figure", study_name, _DRAWINGS)
    with mpl.rc_context(style.SETTINGS):
        drawn = _DRAWINGS[study_name](results)
        drawn.supxlabel(_footer(study_name, results, judged), x=0.99, ha="right")
    return drawn


def _footer(
    study_name: str, results: study.Results, judged: Sequence[claims.Claim]
) -> str:
    counts = tally.count(results)
    parts = [study_name]
    if counts.num_runs:
        parts.append(f"{counts.num_runs} runs, {counts.num_seeds} seeds")
    if counts.num_diverged:
        parts.append(f"{counts.num_diverged} diverged")
    if counts.num_measurements:
        parts.append(f"{counts.num_measurements} measurements")
    parts.append("claims: " + verdicts.summary(judged))
    return "  ·  ".join(parts)
