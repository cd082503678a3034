"""One self-contained page, `report.html`, with every study of an output folder.

Pictures, style and script are inside, so that the file alone can be sent to somebody;
nothing is loaded from elsewhere. The script adds filters and keys to a page that shows
everything without it.
"""

import os
import pathlib
from collections.abc import Callable, Iterable

import jinja2

from bsgen import studies
from bsgen.files import atomic
from bsgen.reports import (
    captions,
    cells,
    citations,
    contents,
    interval_plot,
    section,
    tallies,
    verdicts,
)
from bsgen.studies import claims


def write(
    output_dir: str | os.PathLike,
    known: Iterable[studies.Study],
    as_called: Callable[[str], str] = str,
) -> pathlib.Path:
    """Writes `OUTPUT_DIR/report.html`, with what the folder holds of the known studies.

    Args:
      output_dir: of the studies.
      known: the studies to look for.
      as_called: from the page with `python -m launch.NAME` to the page with these
        commands as they work here.

    Returns:
      The path of the page.

    Raises:
      UserError: the folder holds no study, a file is damaged or of a newer version, or
        the page cannot be written.
    """
    finished, unfinished = contents.read(output_dir, known)
    results = [entry.results for entry in finished]
    text = (
        _environment()
        .get_template("report.html.j2")
        .render(
            papers=_by_paper(finished),
            unfinished=unfinished,
            summary=claims.summary(
                claim for entry in finished for claim in entry.judged
            ),
            besides=verdicts.besides(finished),
            work=captions.work(results),
            tally=tallies.table(finished),
            legend=verdicts.LEGEND,
            caveats=verdicts.caveats(finished),
            hardware=captions.hardware(results),
            scales=sorted({entry.config["scale"] for entry in finished}),
            versions=_versions(finished),
            has_measurements=any(len(each.measurements) for each in results),
        )
    )
    path = pathlib.Path(output_dir) / "report.html"
    atomic.write(path, as_called(text).encode())
    return path


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("bsgen.reports"),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters |= {
        "anchor": section.anchor_of,
        "measured": cells.measured,
        "p_value": cells.p_value,
        "strength": cells.strength,
        "sureness": cells.sureness,
        "why": verdicts.why,
    }
    made.globals |= {
        "authors": citations.authors,
        "source": citations.source,
        "plot_width": interval_plot.WIDTH,
        "plot_height": interval_plot.HEIGHT,
    }
    return made


def _by_paper(
    finished: list[contents.Finished],
) -> dict[str, list[section.Section]]:
    """Returns the sections of each paper's studies."""
    linked: set[str] = set()
    papers: dict[str, list[section.Section]] = {}
    for entry in finished:
        found = papers.setdefault(tallies.paper_of(entry), [])
        found.append(section.of_study(entry, linked))
    return papers


def _versions(finished: list[contents.Finished]) -> list[str]:
    """Returns the versions of the software that made the studies, each once."""
    found = [
        f"{name} {version}"
        for entry in finished
        for name, version in entry.config["versions"].items()
        if version
    ]
    return list(dict.fromkeys(found))
