"""Smith, Elsen & De (2020), arXiv 2006.15081: noise under three compute budgets."""

from bsgen.papers.smith_elsen_de_2020 import (
    autoencoders,
    both_ends,
    constant_steps,
    decay_schedule,
    early_stopping,
    further_networks,
    language_model_studies,
    learning_rate_sweeps,
    rule_of_thumb,
    two_regimes,
    unlimited_epochs,
)

STUDIES = (
    two_regimes.FIGURE_1,
    unlimited_epochs.STUDY,
    both_ends.STUDY,
    *language_model_studies.STUDIES,
    decay_schedule.STUDY,
    learning_rate_sweeps.STUDY,
    autoencoders.FIGURE_8,
    early_stopping.STUDY,
    constant_steps.TABLE_1,
    autoencoders.TABLE_7,
    *further_networks.STUDIES,
    rule_of_thumb.STUDY,
)
