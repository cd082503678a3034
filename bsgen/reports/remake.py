"""Makes tables, verdicts and figures again from what is recorded, without training."""

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
    """Writes tables, claims and figure of every study whose records are complete.

    Args:
      output_dir: where the studies are kept.
      known: the studies to look for.
      warn: called with one line for each oddity in the records that is no error.

    Returns:
      The names of these studies.

    Raises:
      UserError: the folder holds no study, or one of a newer version, or a damaged one.
    """
    store = records.RunStore(output_dir, warn)
    measured = measurement_store.MeasurementStore(output_dir, warn)
    remade = []
    for study, found in contents.started(output_dir, known):
        values = found.read_config()
        keys = values["runs"], values.get("measurements", ())
        results = tables.recorded_results(keys[0], store, keys[1], measured)
        if results is not None:
            outcome.write(output_dir, study, results)
            remade.append(study.name)
    return remade
