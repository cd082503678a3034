"""One study as the page shows it."""

from typing import NamedTuple

from bsgen.reports import (
    captions,
    cells,
    citations,
    contents,
    glossary,
    interval_plot,
    pictures,
    tallies,
    verdicts,
)
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


class ShownClaim(NamedTuple):
    """A claim, where it stands in the page, and its interval as a picture.

    Attributes:
      anchor: its name in the page.
      claim: the claim.
      plot: its interval beside the prediction; None if there is none.
      links: the filters of which it is the first.
    """

    anchor: str
    claim: claims.Claim
    plot: interval_plot.Plot | None
    links: list[str]


class Section(NamedTuple):
    """A study of the page.

    Attributes:
      name: of the study.
      anchor: its name in the page.
      place: "Figure 5", as the paper calls it.
      title: what it shows.
      warning: what is missing; empty if nothing is.
      caption: of picture or table, with settings and hardware.
      picture: of the study; None without one.
      table: headings and rows; None without one.
      terms: names and meanings of the terms that it uses.
      claims: in the order in which they are shown.
      summary: how many hold, fail and are undecided.
      tally: its runs and measurements.
      hardware: what they were made on; empty if it is not known.
      command: that makes it again; empty without one.
      files: those of its folder.
    """

    name: str
    anchor: str
    place: str
    title: str
    warning: str
    caption: str
    picture: pictures.Picture | None
    table: tuple[list[str], list[list[str]]] | None
    terms: list[tuple[str, str]]
    claims: list[ShownClaim]
    summary: str
    tally: tally.Tally
    hardware: str
    command: str
    files: list[str]


def of_study(entry: contents.Finished, linked: set[str]) -> Section:
    """Returns the section of a study.

    Args:
      entry: the study.
      linked: the filters that have their first claim already; this study's are added.
    """
    name, folder = entry.study.name, entry.folder
    anchor, paper = anchor_of(name), tallies.paper_of(entry)
    shown = []
    for number, claim in enumerate(verdicts.grouped(entry.judged), 1):
        links = [link for link in tallies.links_of(paper, claim) if link not in linked]
        linked.update(links)
        where = f"{anchor}-{number}"
        shown.append(ShownClaim(where, claim, interval_plot.plot(claim), links))
    picture = pictures.embedded(folder.read_figure())
    table = folder.read_table()
    as_texts = None if table is None else cells.of_table(table)
    settings = captions.settings(entry.results, entry.config["scale"])
    caption = f"{entry.study.caption} {settings}"
    texts = [entry.study.title, caption, picture.description if picture else ""]
    texts += [f"{c.claim} {c.quantity} {c.note}" for c in entry.judged]
    if as_texts is not None:
        texts += [*as_texts[0], *(cell for row in as_texts[1] for cell in row)]
    return Section(
        name,
        anchor,
        citations.place_in_paper(name),
        entry.study.title,
        entry.warning(),
        caption,
        picture,
        as_texts,
        glossary.used_in(paper, texts),
        shown,
        claims.counts(entry.judged),
        tally.count(entry.results),
        captions.hardware([entry.results]),
        _command(entry),
        [file for file in _FILES if (folder.path / file).exists()],
    )


def anchor_of(study_name: str) -> str:
    """Returns the name of a study's section in the page."""
    return study_name.replace("/", "-")


def _command(entry: contents.Finished) -> str:
    """Returns what makes a study again, with as many seeds; empty if nothing does."""
    scale, claimed = entry.config["scale"], {*entry.config["runs"]}
    if scale not in entry.study.scales:
        return ""  # of a version that had it
    parts = [f"python -m launch.reproduce --figure={entry.study.name} --scale={scale}"]
    number = tally.count(entry.results).num_seeds
    if {run.key for run in entry.study.runs(scale)} != claimed and number:
        parts.append(f"--seeds={number}")
    return " ".join(parts)
