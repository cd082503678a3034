"""The frame of a study: runs, measurements, tables, claims and their verdicts."""

from bsgen.studies.shown import Shown
from bsgen.studies.study import SCALES, Results, Study

__all__ = ["SCALES", "Results", "Shown", "Study"]
