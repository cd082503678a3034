"""Jastrzebski et al. (2018), ICANN 2018, LNCS 11141 (arXiv 1711.04623).

A module for each figure has its runs, analysis and claims; beside it stands the one
that draws it.
"""

from bsgen.papers.jastrzebski_2018 import (
    breakdown,
    cycles,
    grid,
    interpolations,
    rescaling,
    stationary_loss,
)

STUDIES = (
    cycles.STUDY,
    rescaling.STUDY,
    grid.STUDY,
    interpolations.STUDY,
    breakdown.STUDY,
    stationary_loss.STUDY,
)
