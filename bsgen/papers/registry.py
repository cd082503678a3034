"""Every study, by name: the one place where studies are registered."""

from bsgen import errors
from bsgen.papers import (
    hoffer_2017,
    jastrzebski_2018,
    smith_elsen_de_2020,
    smith_le_2017,
)
from bsgen.studies import study

_STUDIES: dict[str, study.Study] = {}


def register(added: study.Study) -> None:
    """Makes a study known by its name, to every launcher and report.

    Raises:
      UserError: the name is not `PAPERKEY/STUDY`, or is another study's.
    """
    paper, _, name = added.name.partition("/")
    if not paper or not name or "/" in name:
        raise errors.UserError("name", added.name, "a study is named PAPERKEY/STUDY")
    if _STUDIES.setdefault(added.name, added) is not added:
        raise errors.UserError("name", added.name, "another study has this name")


def studies() -> tuple[study.Study, ...]:
    """Returns every study, in the order of the papers."""
    return tuple(_STUDIES.values())


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


for _paper in (smith_le_2017, hoffer_2017, jastrzebski_2018, smith_elsen_de_2020):
    for _study in _paper.STUDIES:
        register(_study)
