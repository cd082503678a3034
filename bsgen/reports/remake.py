"""Makes tables, verdicts and figures again from what is recorded, without training."""

import io
import logging
import os
import pathlib
from collections.abc import Callable

from bsgen import papers
from bsgen.reports import contents, figures
from bsgen.studies import folder, measurement_store, tables
from bsgen.training import records

_DOTS_PER_INCH = 150
_LOGGER = logging.getLogger(__name__)


def write_figure(output_dir: str | os.PathLike, study_name: str) -> pathlib.Path:
    """Draws `figure.png` of a finished study from its recorded tables.

    Returns:
      Where the picture lies.

    Raises:
      UserError: the study is unknown, or the picture cannot be written.
    """
    found = folder.Folder(pathlib.Path(output_dir), study_name)
    drawn = figures.draw(study_name, found.read_results(), found.read_claims())
    content = io.BytesIO()
    drawn.savefig(content, format="png", dpi=_DOTS_PER_INCH)
    found.write_figure(content.getvalue())
    return found.figure_path


def remake(
    output_dir: str | os.PathLike, warn: Callable[[str], None] = _LOGGER.warning
) -> list[str]:
    """Writes tables, claims and figure of every study of which all is recorded.

    Args:
      output_dir: where the studies are kept.
      warn: is given one line for what is odd in the records, but no error.

    Returns:
      The names of these studies.

    Raises:
      UserError: the folder holds no study, or one of a newer version, or a damaged one.
    """
    store = records.RunStore(output_dir, warn)
    measured = measurement_store.MeasurementStore(output_dir, warn)
    remade = []
    for found in contents.started(output_dir):
        values = found.read_config()
        keys = values["runs"], values.get("measurements", ())
        results = tables.recorded_results(keys[0], store, keys[1], measured)
        if results is not None:
            (study,) = papers.find(found.study_name)
            found.write_results(results, study.judge(results))
            write_figure(output_dir, found.study_name)
            remade.append(found.study_name)
    return remade
