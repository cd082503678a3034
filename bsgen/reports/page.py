"""One self-contained page, `report.html`, with every study of an output folder.

Pictures are embedded, nothing is loaded from elsewhere, and no script runs.
"""

import base64
import os
import pathlib
from collections.abc import Iterable
from typing import Any

import jinja2

from bsgen import studies
from bsgen.files import atomic
from bsgen.reports import captions, cells, contents, verdicts
from bsgen.studies import claims, tally

_FILES = (
    "config.json",
    "runs.csv",
    "curves.csv",
    "measurements.csv",
    "missing.csv",
    "claims.json",
    "figure.png",
    "table.csv",
)


def write(
    output_dir: str | os.PathLike, known: Iterable[studies.Study]
) -> pathlib.Path:
    """Writes `OUTPUT_DIR/report.html`, with what the folder holds of the known studies.

    Returns:
      The path of the page.

    Raises:
      UserError: the folder holds no study, a file is damaged or of a newer version, or
        the page cannot be written.
    """
    finished, unfinished = contents.read(output_dir, known)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bsgen.reports"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "anchor": _anchor,
        "measured": cells.measured,
        "p_value": cells.p_value,
        "strength": cells.strength,
        "sureness": cells.sureness,
        "why": verdicts.why,
    }
    text = environment.get_template("report.html.j2").render(
        studies=[_view(entry) for entry in finished],
        unfinished=unfinished,
        summary=claims.summary(claim for entry in finished for claim in entry.judged),
        besides=verdicts.besides(finished),
        legend=verdicts.LEGEND,
        unsettled=verdicts.unsettled(finished),
        caveats=verdicts.caveats(finished),
        hardware=captions.hardware(entry.results for entry in finished),
        scales=sorted({entry.config["scale"] for entry in finished}),
        versions=_versions(finished),
    )
    path = pathlib.Path(output_dir) / "report.html"
    atomic.write(path, text.encode())
    return path


def _anchor(study_name: str) -> str:
    return study_name.replace("/", "-")


def _view(entry: contents.Finished) -> dict[str, Any]:
    """Returns one study as the template needs it."""
    path, table = entry.folder.path, entry.folder.read_table()
    settings = captions.settings(entry.results, entry.config["scale"])
    trained_on = captions.hardware([entry.results])
    return {
        "name": entry.study.name,
        "anchor": _anchor(entry.study.name),
        "title": entry.study.title,
        "caption": f"{entry.study.caption} {settings} {trained_on}".strip(),
        "image": base64.b64encode(entry.folder.read_figure() or b"").decode(),
        "table": None if table is None else cells.of_table(table),
        "warning": entry.warning(),
        "claims": verdicts.grouped(entry.judged),
        "summary": claims.counts(entry.judged),
        "tally": tally.count(entry.results),
        "files": [name for name in _FILES if (path / name).exists()],
    }


def _versions(finished: list[contents.Finished]) -> list[str]:
    """Returns the versions of the software that made the studies, each once."""
    found = [
        f"{name} {version}"
        for entry in finished
        for name, version in entry.config["versions"].items()
        if version
    ]
    return list(dict.fromkeys(found))
