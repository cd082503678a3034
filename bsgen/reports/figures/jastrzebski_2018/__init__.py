"""Drawings of Jastrzebski et al. (2018), ICANN 2018, figures 1 to 5 and eq. 7.

One module a kind of picture; axes and panels are those of the paper where its text and
captions say them.
"""

from bsgen.papers.jastrzebski_2018 import (
    grid_figure as grid,
)
from bsgen.papers.jastrzebski_2018 import (
    interpolations_figure as interpolations,
)
from bsgen.papers.jastrzebski_2018 import (
    learning_curves_figure as learning_curves,
)
from bsgen.papers.jastrzebski_2018 import (
    stationary_loss_figure as stationary_loss,
)

DRAWINGS = {
    "jastrzebski_2018/fig1": learning_curves.draw_figure1,
    "jastrzebski_2018/fig2": learning_curves.draw_figure2,
    "jastrzebski_2018/fig3": grid.draw,
    "jastrzebski_2018/fig4": interpolations.draw,
    "jastrzebski_2018/fig5": learning_curves.draw_figure5,
    "jastrzebski_2018/theory": stationary_loss.draw,
}
