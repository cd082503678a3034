"""Finds studies by name."""

from bsgen import errors
from bsgen.papers import jastrzebski_2018, smith_le_2017
from bsgen.studies import study

_STUDIES = {
    entry.name: entry
    for paper in (smith_le_2017, jastrzebski_2018)
    for entry in paper.STUDIES
}


def names() -> tuple[str, ...]:
    """Returns the name of every study, in the order of the papers."""
    return tuple(_STUDIES)


def keys() -> tuple[str, ...]:
    """Returns the key of every paper."""
    return tuple(dict.fromkeys(name.split("/")[0] for name in _STUDIES))


def find(name: str) -> tuple[study.Study, ...]:
    """Returns the study `PAPERKEY/figN`, or all of a paper for `PAPERKEY`.

    Raises:
      UserError: no study has that name.
    """
    if name in _STUDIES:
        return (_STUDIES[name],)
    of_paper = tuple(s for key, s in _STUDIES.items() if key.startswith(f"{name}/"))
    if not of_paper:
        raise errors.unknown_name("figure", name, _STUDIES)
    return of_paper
