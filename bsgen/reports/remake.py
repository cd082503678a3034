"""Remakes tables, claims and figures from the records, without training.

A study that lacks runs is made from those that it has if it `shows_parts`.
"""

import logging
import os
from collections.abc import Callable, Iterable, Sequence

from bsgen import studies
from bsgen.files import sealed_json
from bsgen.reports import contents
from bsgen.studies import folder, measurement_store, outcome, tables
from bsgen.training import records

_LOGGER = logging.getLogger(__name__)


def remake(
    output_dir: str | os.PathLike,
    known: Iterable[studies.Study],
    warn: Callable[[str], None] = _LOGGER.warning,
) -> list[str]:
    """Rewrites the results of every study whose records are complete or suffice.

    Args:
      output_dir: of the studies.
      known: the studies to look for.
      warn: called with one line for each oddity in the records that is no error.

    Returns:
      The names of the studies that were remade.

    Raises:
      UserError: the folder holds no study, or one of a newer version, or a damaged one.
    """
    store = records.RunStore(output_dir, warn)
    measured = measurement_store.MeasurementStore(output_dir, warn)
    remade = []
    for study, found in contents.started(output_dir, known):
        values = found.read_config()
        results = tables.recorded_results(
            values["runs"], store, values["measurements"], measured
        )
        if results is None:
            results = _part(study, found, store)
        if results is not None:
            outcome.write(output_dir, study, results)
            remade.append(study.name)
    return remade


def _part(
    study: studies.Study, found: folder.Folder, store: records.RunStore
) -> studies.Results | None:
    """Returns the results that an unfinished study has so far, or None.

    None too if the folder holds results of all of its runs, some of which were lost.
    """
    values = found.read_config()
    if not study.shows_parts or _is_whole(found, values["runs"]):
        return None
    scale, claimed = values["scale"], {*values["runs"]}
    # The scale's own seeds, perhaps more in some rows than in others, or one number.
    num_seeds = max(1, len(claimed) // len(study.runs(scale, 1)))
    for number in (None, num_seeds):
        runs = study.runs(scale, number)
        if {run.key for run in runs} == claimed:
            break
    else:
        return None  # claimed by a version with other settings
    results = tables.partial_results(runs, store)
    return results if len(results.runs) else None


def _is_whole(found: folder.Folder, keys: Sequence[str]) -> bool:
    """Whether the folder holds results of all these runs."""
    try:
        return found.is_finished() and {*found.read_results().runs["key"]} == {*keys}
    except (sealed_json.Damaged, KeyError):
        return False
