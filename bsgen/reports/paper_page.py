"""A page a paper in Markdown, with every verdict, and an index of these pages."""

import pathlib
import re
from collections.abc import Iterable, Sequence

from bsgen.reports import (
    captions,
    citations,
    contents,
    study_tables,
    tallies,
    verdicts,
)

PAPER_HEADINGS = ("paper", "key", *study_tables.COUNTS)
FOLDER = "results"  # of the pages, beside the index
_IMAGES = "../images"  # seen from a page
_WRITTEN = (
    "<!-- Written by launch.report --markdown from recorded runs; do not edit. -->"
)
_INTRODUCTION = """\
# Every verdict

One page a paper has every study with its claims: the verdict, what was measured with
its 95 % interval, and what was predicted. They are of `make reproduce`, small networks
on the digits of scikit-learn and on made-up tasks; its page, `report.html`, also has
for each claim the quantity that is measured and how the interval was made, and every
figure."""
_AGAIN = """\
The numbers are those of small networks on the digits of scikit-learn and on made-up
tasks ([every paper](../RESULTS.md), with how to read a verdict). Any study is made
again, with its figure, by

```
python -m launch.reproduce --figure={}
```"""


def by_paper(finished: Sequence[contents.Finished], pages: str) -> str:
    """Returns how many claims of each paper hold, in a sentence and a table.

    Args:
      finished: the studies.
      pages: the folder of the papers' pages, seen from the text.
    """
    rows = []
    for paper, entries in grouped(finished).items():
        title = f"[{citations.authors(paper)}]({pages}/{paper}.md)"
        if source := citations.source(paper):
            title += f": {source}"
        judged = [claim for entry in entries for claim in entry.judged]
        rows.append([title, f"`{paper}`", *study_tables.counts(judged)])
    table = study_tables.table(PAPER_HEADINGS, rows)
    return f"{study_tables.totals(finished)}\n\n{table}"


def grouped(
    finished: Iterable[contents.Finished],
) -> dict[str, list[contents.Finished]]:
    """Returns the studies of each paper by its key."""
    papers: dict[str, list[contents.Finished]] = {}
    for entry in finished:
        papers.setdefault(tallies.paper_of(entry), []).append(entry)
    return papers


def index(finished: Sequence[contents.Finished]) -> str:
    """Returns the page that leads to those of the papers, with how to read them."""
    parts = [_WRITTEN, _INTRODUCTION, by_paper(finished, FOLDER)]
    parts.append(captions.hardware(e.results for e in finished))
    parts.append("## How to read a verdict")
    parts.append("\n".join(f"- **{word}.** {text}" for word, text in verdicts.LEGEND))
    if caveats := study_tables.caveats(finished):
        parts += ["## Decided, with less certainty", *caveats]
    return "\n\n".join(filter(None, parts)) + "\n"


def page(entries: Sequence[contents.Finished], images: pathlib.Path) -> str:
    """Returns the page of a paper.

    Args:
      entries: its studies, at least one.
      images: the folder of the documentation's pictures; those that it has of these
        studies are shown, or linked if they are of another scale.
    """
    paper = tallies.paper_of(entries[0])
    headings = {entry.study.name: _heading(entry) for entry in entries}

    def name(study_name: str) -> str:
        words = citations.place_in_paper(study_name)
        return f"[{words}](#{_anchor(headings[study_name])})"

    source = citations.source(paper)
    parts = [_WRITTEN, f"# {citations.authors(paper)}", source and f"*{source}.*"]
    parts += [citations.says(paper), study_tables.totals(entries)]
    parts += [_AGAIN.format(entries[0].study.name)]
    parts.append(study_tables.by_study(entries, name))
    if table := study_tables.unsettled(entries, name):
        parts += ["## What fails, and what stays undecided", table]
    for entry in entries:
        parts.append(f"## {headings[entry.study.name]}")
        named = f"{study_tables.key(entry.study.name)}. "
        parts += study_tables.section(entry, _pictures(entry, images), named)
    return "\n\n".join(filter(None, parts)) + "\n"


def _pictures(entry: contents.Finished, images: pathlib.Path) -> list[str]:
    """Returns the picture with its caption, or links to those of other scales."""
    stem, scale = entry.study.name.replace("/", "_"), entry.config["scale"]
    if (images / f"{stem}_{scale}.png").exists():
        image = f"![{entry.study.title}]({_IMAGES}/{stem}_{scale}.png)"
        return [image, entry.study.caption and f"*{entry.study.caption}*"]
    links = [
        f"[{path.stem.removeprefix(f'{stem}_').replace('_', ' ')}]"
        f"({_IMAGES}/{path.name})"
        for path in sorted(images.glob(f"{stem}_*.png"))
    ]
    return [f"The figure on other data: {', '.join(links)}."] if links else []


def _heading(entry: contents.Finished) -> str:
    return f"{citations.place_in_paper(entry.study.name)}: {entry.study.title}"


def _anchor(heading: str) -> str:
    """Returns the name by which a link finds a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
