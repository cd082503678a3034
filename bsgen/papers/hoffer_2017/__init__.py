"""Hoffer, Hubara & Soudry (2017), "Train longer, generalize better", arXiv 1705.08741.

A module for each figure or table has its runs, analysis and claims; beside it stands
the one that draws it. `regimes` has the runs that most of them share.
"""

from bsgen.papers.hoffer_2017 import algorithm1, diffusion, table1

STUDIES = (diffusion.FIGURE_2, diffusion.FIGURE_7, table1.STUDY, algorithm1.STUDY)
