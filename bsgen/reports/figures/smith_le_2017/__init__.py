"""Drawings of Smith & Le (2017), arXiv 1710.06451, figures 1 to 8 and appendix D.

One module a group of figures; axes and panels are those of the paper where its text and
captions say them.
"""

from bsgen.papers.smith_le_2017 import (
    appendix_d_figure as appendix_d,
)
from bsgen.papers.smith_le_2017 import (
    evidence_figure as evidence,
)
from bsgen.papers.smith_le_2017 import (
    gap_figure as gap,
)
from bsgen.papers.smith_le_2017 import (
    noise_figure as noise,
)
from bsgen.papers.smith_le_2017 import (
    sweeps_figure as sweeps,
)

DRAWINGS = {
    "smith_le_2017/fig1": evidence.draw_figure1,
    "smith_le_2017/fig2": evidence.draw_figure2,
    "smith_le_2017/fig3": gap.draw_figure3,
    "smith_le_2017/fig4": sweeps.draw_figure4,
    "smith_le_2017/fig5": sweeps.draw_figure5,
    "smith_le_2017/fig6": sweeps.draw_figure6,
    "smith_le_2017/fig7": sweeps.draw_figure7,
    "smith_le_2017/fig8": gap.draw_figure8,
    "smith_le_2017/appendix_d": appendix_d.draw,
    "smith_le_2017/noise": noise.draw,
}
