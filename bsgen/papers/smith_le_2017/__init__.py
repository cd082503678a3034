"""Smith & Le (2017), arXiv 1710.06451, figures 1 to 8, eq. 15 and appendix D.

Figures that share their runs share a module; beside it stands the one that draws them.
"""

from bsgen.papers.smith_le_2017 import (
    appendix_d,
    best_batch_size,
    evidence,
    gap,
    noise,
    scaling_rules,
)

_FIGURE3, _FIGURE8 = gap.STUDIES
STUDIES = (
    *evidence.STUDIES,
    _FIGURE3,
    best_batch_size.STUDY,
    *scaling_rules.STUDIES,
    _FIGURE8,
    appendix_d.STUDY,
    noise.STUDY,
)
