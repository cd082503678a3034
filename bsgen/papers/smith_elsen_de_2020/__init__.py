"""Smith, Elsen & De (2020), arXiv 2006.15081: noise under three compute budgets."""

from bsgen.studies import study

STUDIES: tuple[study.Study, ...] = ()
