"""Remakes tables, claims and figures from the records, without training."""

import logging
import os
from collections.abc import Callable, Iterable

from bsgen import studies
from bsgen.reports import contents
from bsgen.studies import measurement_store, outcome, tables
from bsgen.training import records

_LOGGER = logging.getLogger(__name__)


def remake(
    output_dir: str | os.PathLike,
    known: Iterable[studies.Study],
    warn: Callable[[str], None] = _LOGGER.warning,
) -> list[str]:
    """Rewrites the results of every study whose records are complete.

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
        if results is not None:
            outcome.write(output_dir, study, results)
            remade.append(study.name)
    return remade
