"""The results of an output folder as Markdown, for the documentation.

Of quick studies: `docs/RESULTS.md`, a page a paper in `docs/results/`, README's table
of papers and those pictures that the documentation has. Of others: a part of
`docs/REDUCED_SCALE.md`, `docs/GPU_SCALE.md` or `docs/PAPER_SCALE.md`, with all
pictures. Nothing in these is typed by hand: `launch.report --markdown` writes them from
the records.
"""

import os
import pathlib
from collections.abc import Iterable, Sequence

from bsgen import errors, studies
from bsgen.figures import style
from bsgen.files import atomic
from bsgen.reports import captions, contents, paper_page, study_tables

BEGIN = "<!-- Written by launch.report --markdown, down to the next such line: -->"
END = "<!-- End of what launch.report --markdown writes. -->"
_RESULTS = "docs/RESULTS.md"
_FILES = {
    "quick": _RESULTS,
    "reduced": "docs/REDUCED_SCALE.md",
    "gpu": "docs/GPU_SCALE.md",
    "paper": "docs/PAPER_SCALE.md",
    "released": "docs/PAPER_SCALE.md",
}


def write(
    output_dir: str | os.PathLike,
    known: Iterable[studies.Study],
    project: str | os.PathLike = ".",
) -> list[str]:
    """Writes the results of an output folder into the documentation.

    Args:
      output_dir: of the studies, whose results go to one file.
      known: the studies to look for.
      project: the folder with `README.md` and `docs`.

    Returns:
      The files that were written, pictures left out.

    Raises:
      UserError: see `contents.read`; no study has results; studies whose results go
        to different files share the folder; or a file to write into lacks the two
        markers.
    """
    finished, _ = contents.read(output_dir, known)
    if not finished:
        remedy = "no study there has results; launch.reproduce trains what is missing"
        raise errors.UserError("markdown", str(output_dir), remedy)
    scales = {entry.config["scale"] for entry in finished}
    file, *more = {_FILES[scale] for scale in scales}
    if more:
        remedy = f"holds studies of the scales {', '.join(sorted(scales))}; their "
        remedy += "results go to different files"
        raise errors.UserError("markdown", str(output_dir), remedy)
    folder = pathlib.Path(project)
    if file == _RESULTS:
        return _write_quick(folder, finished)
    _replace_marked(folder / file, sections(finished))
    _write_pictures(folder, finished)
    return [file]


def _write_quick(
    project: pathlib.Path, finished: Sequence[contents.Finished]
) -> list[str]:
    """Writes what the quick studies have; returns the files."""
    docs = project / "docs"
    pages = f"docs/{paper_page.FOLDER}"
    _replace_marked(project / "README.md", paper_page.by_paper(finished, pages))
    atomic.write(project / _RESULTS, paper_page.index(finished).encode())
    _write_pictures(project, (e for e in finished if _path(project, e).exists()))
    written = ["README.md", _RESULTS]
    for paper, entries in paper_page.grouped(finished).items():
        written.append(f"{pages}/{paper}.md")
        text = paper_page.page(entries, docs / "images")
        atomic.write(project / written[-1], text.encode())
    return written


def sections(finished: Sequence[contents.Finished]) -> str:
    """Returns a row a study, what fails or is undecided, and a section a study."""
    parts = [study_tables.totals(finished)]
    parts.append(captions.hardware(e.results for e in finished))
    parts.append(study_tables.by_study(finished))
    caveats = study_tables.caveats(finished)
    if (table := study_tables.unsettled(finished)) or caveats:
        parts += ["## What fails, and what stays undecided", table, *caveats]
    for entry in finished:
        parts.append(f"## `{entry.study.name}`: {entry.study.title}")
        has_picture = entry.folder.read_figure() is not None
        picture = f"![{entry.study.title}](images/{_picture(entry)})"
        parts += study_tables.section(entry, [picture] if has_picture else [])
    return "\n\n".join(filter(None, parts))


def _write_pictures(
    project: pathlib.Path, finished: Iterable[contents.Finished]
) -> None:
    for entry in finished:
        if (picture := entry.folder.read_figure()) is not None:
            atomic.write(_path(project, entry), style.with_fewer_colors(picture))


def _path(project: pathlib.Path, entry: contents.Finished) -> pathlib.Path:
    return project / "docs" / "images" / _picture(entry)


def _picture(entry: contents.Finished) -> str:
    return f"{entry.study.name.replace('/', '_')}_{entry.config['scale']}.png"


def _replace_marked(path: pathlib.Path, written: str) -> None:
    """Replaces the lines of a file between the two markers."""
    text = path.read_text() if path.exists() else ""
    before, begin, rest = text.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(END)
    if not (begin and end):
        remedy = f"there is no {path.name} with the two markers of "
        remedy += "bsgen.reports.markdown"
        raise errors.UserError("markdown", str(path.parent), remedy)
    lines = f"{before}{begin}\n{written}\n\n{end}{after}"
    atomic.write(path, lines.encode())
