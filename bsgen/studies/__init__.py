"""The figures and tables of the papers as named studies: runs, tables and claims."""

from bsgen.studies.registry import find, names, papers
from bsgen.studies.study import SCALES, Results, Study

__all__ = ["SCALES", "Results", "Study", "find", "names", "papers"]
