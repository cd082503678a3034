"""Turns the results of a study into claims, figure and table, and writes them."""

import os
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib as mpl

from bsgen.figures import style
from bsgen.studies import claims, folder, study, tally
from bsgen.studies.shown import Shown


class Outcome(NamedTuple):
    """What one analysis of a study's results gives.

    Attributes:
      judged: the claims with their verdicts.
      shown: figure, table or both; the figure has a line below it that counts runs and
        verdicts.
    """

    judged: list[claims.Claim]
    shown: Shown


def conclude(concluded: study.Study, results: study.Results) -> Outcome:
    """Returns claims and figure of a study, from one analysis of its results."""
    analysis = concluded.analyse(results)
    judged = concluded.judge(analysis)
    if results.num_missing and not concluded.judges_parts:
        reason = _missing(results)
        judged = [claims.left_open(claim, reason) for claim in judged]
    with mpl.rc_context(style.SETTINGS):
        shown = concluded.show(analysis)
        if shown.figure is not None:
            line = _footer(concluded.name, results, judged)
            shown.figure.supxlabel(line, x=0.99, ha="right")
    return Outcome(judged, shown)


def write(
    output_dir: str | os.PathLike, concluded: study.Study, results: study.Results
) -> None:
    """Writes the tables, claims, figure and table of a study to its folder.

    Raises:
      UserError: `config.json` is damaged, or the folder cannot be written.
    """
    place = folder.Folder(pathlib.Path(output_dir), concluded.name)
    place.write_results(results, *conclude(concluded, results))


def _missing(results: study.Results) -> str:
    number = results.num_missing
    return "1 run is missing" if number == 1 else f"{number} runs are missing"


def _footer(name: str, results: study.Results, judged: Sequence[claims.Claim]) -> str:
    counts = tally.count(results)
    parts = [name]
    if results.num_missing:
        parts.append(f"INCOMPLETE: {_missing(results)}")
    if counts.num_runs:
        seeds = "1 seed" if counts.num_seeds == 1 else f"{counts.num_seeds} seeds"
        parts.append(f"{counts.num_runs} runs, {seeds}")
    if counts.num_diverged:
        parts.append(f"{counts.num_diverged} diverged")
    if counts.num_measurements:
        parts.append(f"{counts.num_measurements} measurements")
    parts.append("claims: " + claims.counts(judged))
    return "  ·  ".join(parts)
