"""Hoffer, Hubara & Soudry (2017), "Train longer, generalize better", arXiv 1705.08741.

A module for each figure or table has its runs, analysis and claims; beside it stands
the one that draws it. `regimes` has the runs that most of them share.
"""

from bsgen.papers.hoffer_2017 import (
    adapted_regimes,
    algorithm1,
    appendix_a,
    diffusion,
    generalization_gap,
    longer_training,
    multiplicative_noise,
    potential,
    table1,
    table2,
)

STUDIES = (
    generalization_gap.STUDY,
    diffusion.FIGURE_2,
    adapted_regimes.STUDY,
    potential.STUDY,
    longer_training.STUDY,
    multiplicative_noise.STUDY,
    diffusion.FIGURE_7,
    table1.STUDY,
    table2.STUDY,
    algorithm1.STUDY,
    appendix_a.STUDY,
)
