"""Hoffer et al. (2017), figure 3: adapted large batches against the small batch.

With a larger rate, ghost batch normalization and as many updates as the small batch
takes, large batches end at its error; the drops of the learning rate bring most of it.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen import config
from bsgen.papers.hoffer_2017 import (
    adapted_regimes_figure,
    error_curves,
    error_curves_figure,
    presets,
    regimes,
)
from bsgen.studies import claims, estimates, study

# A curve is as good as another one if its errors are, in the mean over the regime, less
# than this many times as large; our choice.
_AS_GOOD = 1.25
_PARTS = 20  # of the regime, after which all its runs are evaluated
_SHARES = np.arange(1, _PARTS + 1) / _PARTS


class Adapted(NamedTuple):
    """The small batch, and large ones with all remedies.

    Attributes:
      small: the small batch.
      large: the others by batch size, rising.
    """

    small: error_curves.Curves
    large: dict[int, error_curves.Curves]

    def differences(self) -> pd.DataFrame:
        """Returns final errors minus the small batch's, by batch size and seed."""
        small = self.small.final_error()
        return pd.DataFrame(
            {size: each.final_error() - small for size, each in self.large.items()}
        ).T

    def extra_falls(self) -> pd.DataFrame:
        """Returns `extra_fall` of the large batches, by batch size and seed."""
        return pd.DataFrame(
            {size: extra_fall(each) for size, each in self.large.items()}
        ).T


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the small batch and every larger one, adapted, for each seed."""
    regime = presets.FIGURES[scale]
    larger = [n for n in presets.BATCH_SIZES[scale] if n > regime.small_batch_size]
    return [
        regime.run(stage, seed, size)
        for stage, size in ((regimes.SB, None), *((regimes.RA, n) for n in larger))
        for seed in regime.task.seeds(num_seeds)
    ]


def analyse(results: study.Results) -> Adapted:
    """Tells the small batch from the adapted ones."""
    rows = regimes.stages(results.runs, presets.known())
    is_small = rows["stage"] == regimes.SB
    large = {
        int(size): error_curves.of(results, own)
        for size, own in rows[~is_small].groupby("batch_size")
    }
    return Adapted(error_curves.of(results, rows[is_small]), large)


def judge(found: Adapted) -> list[claims.Claim]:
    """Adapted large batches end as well, follow the same curve, and fall at drops."""
    margin = presets.MARGIN
    differences = found.differences()
    largest = found.large[max(found.large)]
    return [
        claims.below(
            "Every adapted large batch ends at least as good as the small batch",
            "final test error minus the small batch's: the largest over batch sizes "
            f"{', '.join(map(str, differences.index))}",
            estimates.greatest(
                [estimates.mean(row, paired=True) for _, row in differences.iterrows()]
            ),
            f"'as good' read as worse by less than {margin:g}, our choice",
            bound=margin,
        ),
        claims.below(
            "At equal numbers of updates an adapted large batch is at least as good as "
            "the small one throughout training",
            f"test error at batch size {largest.batch_size} over the small batch's, "
            f"geometric mean over {_PARTS} equal parts of the regime",
            ratio(largest, found.small),
            f"'as good' read as less than {_AS_GOOD:g} times the error, our choice",
            bound=_AS_GOOD,
        ),
        claims.above(
            "A drop of the learning rate brings a sharp decrease of the error, which "
            "had reached a plateau",
            "fall of the test error across the first drop minus that before it, each "
            "between neighbouring tenths of the regime, mean over batch sizes",
            estimates.mean(found.extra_falls().mean(axis=0)),
        ),
    ]


def ratio(
    curves: error_curves.Curves, reference: error_curves.Curves
) -> estimates.Estimate:
    """Estimates the ratio of mean errors, the geometric mean over the regime."""
    above, below = (each.at_share(_SHARES).to_numpy() for each in (curves, reference))

    def logarithm(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        with np.errstate(divide="ignore", invalid="ignore"):  # no error at all
            logs = np.log(weights @ above.T) - np.log(weights @ below.T)
        return np.mean(logs, axis=1)

    return estimates.exponential(estimates.jackknife(logarithm, above.shape[1]))


def extra_fall(curves: error_curves.Curves) -> pd.Series:
    """Returns how much more the error falls across the first drop than before, by seed.

    With a, b and c its means over the fourth and third, the last two, and the next two
    of twenty equal parts of the regime, as seen from the drop: (b - c) - (a - b).
    """
    errors = curves.at_share(_SHARES).to_numpy()
    last = int(_PARTS * curves.drops[0] / curves.num_steps + 1e-9)  # before the drop
    a, b, c = (errors[last + k : last + k + 2].mean(axis=0) for k in (-4, -2, 0))
    return pd.Series((b - c) - (a - b), curves.errors.columns)


STUDY = study.Study(
    "hoffer_2017/fig3",
    "Large batches with adapted regimes against the small batch",
    caption="(a) Test error during training of the small batch, and of larger ones "
    "with a larger learning rate, ghost batch normalization and as many updates, "
    f"against the share of the updates: {error_curves_figure.BAND}. "
    f"{error_curves_figure.DROPS} (b) Final test error minus the small batch's of the "
    "same seed: mean with its 95 % t interval, and each seed as a dot. Shaded: as good "
    f"as the small batch, worse by less than {presets.MARGIN:g} or better. (c) How "
    "much more the error falls across the first drop of the learning rate than before, "
    "by batch size, likewise.",
    analyse=analyse,
    judge=judge,
    show=adapted_regimes_figure.show,
    make_runs=runs,
    scales=tuple(presets.FIGURES),
)
