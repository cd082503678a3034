"""Jastrzebski et al. (2018), ICANN 2018, LNCS 11141, figures 1 to 5.

One module a group of figures that share their runs.
"""

from bsgen.studies import study
from bsgen.studies.jastrzebski_2018 import grid

KEY = "jastrzebski_2018"


STUDIES = (
    study.Study(
        f"{KEY}/fig3",
        "Curvature and accuracy against the ratio of learning rate to batch size",
        grid.runs,
        grid.judge,
        ("quick", "reduced", "paper"),
    ),
)
