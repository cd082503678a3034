"""The papers: each figure and table as a study, one folder a paper."""

from bsgen.papers.registry import find, keys, names, register, studies

__all__ = ["find", "keys", "names", "register", "studies"]
