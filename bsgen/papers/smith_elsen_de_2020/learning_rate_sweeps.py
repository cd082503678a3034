"""Smith, Elsen & De (2020), figure 5: every learning rate at two batch sizes.

With small learning rates SGD with and without momentum do the same; so momentum helps
only where the batch is large enough for a large rate to be the best (appendix C.1).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.papers.smith_elsen_de_2020 import (
    learning_rate_sweeps_figure,
    optima,
    wide_resnet,
)
from bsgen.papers.smith_elsen_de_2020.optima import Optima, Setting
from bsgen.studies import best_rate, best_runs, claims, estimates, study

# Rates are small up to this part of the optimal one of SGD: our choice.
SMALL = 1 / 8
# A ratio of training losses within this factor counts as none: our choice.
_ALIKE = 1.1
_LOSS = optima.ACCURACY.column


class Found(NamedTuple):
    """The sweeps of both methods at both batch sizes.

    Attributes:
      setting: what was trained.
      optima: by momentum and batch size.
    """

    setting: Setting
    optima: Optima

    def small_rates(self, size: int) -> pd.Index:
        """Returns the rates at which both methods should do the same."""
        plain = next(iter(self.optima.values()))[size]
        rates = plain.values.index
        return rates[rates <= SMALL * plain.best]


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns both methods at every rate, of which figure 1 has a part."""
    return wide_resnet.FIGURE_5[scale].grid.runs(num_seeds)


def analyse(results: study.Results) -> Found:
    """Gathers the sweeps."""
    setting = optima.setting_of(results.runs, wide_resnet.FIGURE_5)
    return Found(setting, optima.find(results, setting.selection))


def judge(found: Found) -> list[claims.Claim]:
    """Methods agree at small rates; at large ones SGD without momentum does worse."""
    plain, heavy = found.optima.values()
    small, large = min(plain), max(plain)
    margin = found.setting.margin
    best = heavy[large].best
    without, with_momentum = (_at(sweeps[large], best) for sweeps in (plain, heavy))
    first = "smith_elsen_de_2020/fig1"
    return [
        *(claim for size in (small, large) for claim in _small_rates(found, size)),
        claims.below(
            "SGD without momentum performs poorly when the learning rate is large",
            "test accuracy, without momentum minus with, at the optimal effective rate "
            f"of SGD with momentum ({best:g}), batch size {large:,}",
            estimates.mean(without - with_momentum, paired=True),
        ),
        claims.repeats(
            claims.between(
                "In the small batch both have the same optimal test accuracy",
                "optimal test accuracy, with momentum minus without, batch size "
                f"{small:,}",
                best_rate.gain(heavy[small], plain[small]),
                (-margin, margin),
            ),
            first,
        ),
        claims.repeats(
            claims.above(
                "In the large batch SGD with momentum performs better",
                "optimal test accuracy, with momentum minus without, batch size "
                f"{large:,}",
                best_rate.gain(heavy[large], plain[large]),
            ),
            first,
        ),
    ]


def _small_rates(found: Found, size: int) -> list[claims.Claim]:
    """Judges that momentum changes nothing at small rates."""
    plain, heavy = (sweeps[size] for sweeps in found.optima.values())
    rates = found.small_rates(size)
    margin = found.setting.margin
    note = f"{len(rates)} rates, up to {SMALL:g} of the best one of SGD, our choice"
    gains = (heavy.values - plain.values).loc[rates]
    with np.errstate(divide="ignore"):
        ratios = np.log(heavy.others[_LOSS] / plain.others[_LOSS]).loc[rates]
    return [
        claims.between(
            f"Both methods achieve the same test accuracy at small learning rates, "
            f"batch size {size:,}",
            "test accuracy, with momentum minus without, mean over small rates",
            estimates.mean(_over_rates(gains), paired=True),
            (-margin, margin),
            f"{note}; a difference below {margin:g} counts as none, our choice",
        ),
        claims.between(
            f"Both methods achieve the same final training loss at small learning "
            f"rates, batch size {size:,}",
            "final training loss, with momentum over without, geometric mean over "
            "small rates",
            estimates.geometric_mean(_over_rates(ratios), paired=True),
            (1 / _ALIKE, _ALIKE),
            f"{note}; a tenth counts as none, our choice",
        ),
    ]


def _over_rates(table: pd.DataFrame) -> np.ndarray:
    """Returns the mean over rates of each seed; none if there are no rates."""
    return table.mean().to_numpy(float) if len(table) else np.array([])


def _at(sweep: best_runs.Sweep, rate: float) -> pd.Series:
    """Returns the values of all seeds at a rate; none if it was not tried."""
    if rate not in sweep.values.index:
        return pd.Series(dtype=float)
    return sweep.values.loc[rate]


STUDY = study.Study(
    "smith_elsen_de_2020/fig5",
    "All learning rates at a small and at a large batch size",
    caption="Test accuracy (a, b) and final training loss (c, d) against the effective "
    "learning rate, learning rate / (1 - momentum), at a small and at a large batch "
    "size: mean and standard deviation of the best runs at each rate. Shaded: the "
    f"small rates, up to {SMALL:g} of SGD's best one. Diverged runs have the accuracy "
    "of a guess and no loss. The paper's batch sizes are 64 and 1024. Claims have "
    "95 % intervals over seeds.",
    analyse=analyse,
    judge=judge,
    show=learning_rate_sweeps_figure.show,
    make_runs=runs,
    scales=tuple(wide_resnet.FIGURE_5),
)
