"""Smith, Elsen & De (2020), arXiv 2006.15081: noise under three compute budgets."""

from bsgen.papers.smith_elsen_de_2020 import (
    constant_steps,
    decay_schedule,
    learning_rate_sweeps,
    two_regimes,
)

STUDIES = (
    two_regimes.FIGURE_1,
    decay_schedule.STUDY,
    learning_rate_sweeps.STUDY,
    constant_steps.TABLE_1,
)
