"""Drawings of Jastrzebski et al. (2018), ICANN 2018, figures 1 to 5.

One module a group of figures; axes and panels are those of the paper where its text and
captions say them.
"""

from bsgen.reports.figures.jastrzebski_2018 import grid

DRAWINGS = {
    "jastrzebski_2018/fig3": grid.draw,
}
