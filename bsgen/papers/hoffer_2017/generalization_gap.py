"""Hoffer et al. (2017), figure 1: the error grows with the batch size at equal epochs.

A large batch takes fewer updates, so it may have trained less, or what it learned may
generalize less. Both the test and the training error are judged, and drawn.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.papers.hoffer_2017 import (
    error_curves,
    error_curves_figure,
    generalization_gap_figure,
    presets,
    regimes,
)
from bsgen.studies import claims, estimates, study


class Sizes(NamedTuple):
    """The batch sizes of one regime, of equal epochs.

    Attributes:
      small: the regime's small batch size.
      by_size: the runs by batch size, rising.
    """

    small: int
    by_size: dict[int, error_curves.Curves]

    def final(self, part: str) -> pd.DataFrame:
        """Returns the errors at the end, one row a batch size, one column a seed.

        Args:
          part: "test" or "train".
        """
        return pd.DataFrame(
            {size: each.final_error(part) for size, each in self.by_size.items()}
        ).T


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns all batch sizes, for each seed."""
    regime = presets.FIGURES[scale]
    return [
        regime.run(regimes.LB, seed, size)
        for size in presets.BATCH_SIZES[scale]
        for seed in regime.task.seeds(num_seeds)
    ]


def analyse(results: study.Results) -> Sizes:
    """Returns the runs by batch size."""
    rows = regimes.stages(results.runs, presets.known())
    (small,) = rows.loc[rows["stage"] == regimes.SB, "batch_size"].unique()
    by_size = {
        int(size): error_curves.of(results, own)
        for size, own in rows.groupby("batch_size")
    }
    return Sizes(int(small), by_size)


def judge(sizes: Sizes) -> list[claims.Claim]:
    """The test error rises with the batch size, more than the training error does."""
    test, train = sizes.final("test"), sizes.final("train")
    smallest, *_, largest = test.index
    doubling = f"for each doubling of the batch size from {sizes.small} to {largest}"
    of_train = estimates.mean(_rise(train, sizes.small)).interval()
    return [
        claims.above(
            "Training with larger batches, for as many epochs, increases the error",
            f"rise of the final test error {doubling}",
            estimates.mean(_rise(test, sizes.small)),
            f"the training error rises by {of_train.value:.2g} "
            f"[{of_train.lower:.2g}, {of_train.upper:.2g}]",
        ),
        claims.above(
            "The largest batch ends with a higher error than the smallest",
            f"final test error, batch size {largest} minus {smallest}",
            estimates.mean(test.loc[largest] - test.loc[smallest], paired=True),
        ),
        claims.above(
            "Large batches generalize less, and do not only train less: what separates "
            "test and training error grows with the batch size",
            f"rise of the final test error minus the training error {doubling}",
            estimates.mean(_rise(test - train, sizes.small)),
        ),
    ]


def _rise(errors: pd.DataFrame, small: int) -> np.ndarray:
    """Returns the slope against log2 of batch sizes from the small one on, [seeds].

    Args:
      errors: one row a batch size, one column a seed.
      small: the first batch size that counts.
    """
    from_small = errors.loc[small:]
    return np.polyfit(np.log2(from_small.index.to_numpy(float)), from_small, 1)[0]


STUDY = study.Study(
    "hoffer_2017/fig1",
    "Test error against batch size at equal epochs",
    caption=f"(a) Test error during training, by batch size: {error_curves_figure.BAND}"
    f". {error_curves_figure.DROPS} (b) Test and training error at the end against the "
    "batch size, means with their 95 % t intervals, and (c) the cross-entropies "
    "likewise, geometric means: where both rise, large batches have trained less; "
    "where only that of the test set does, they generalize less. Dashed line: the "
    "small batch of the regime, from which on slopes are taken.",
    analyse=analyse,
    judge=judge,
    show=generalization_gap_figure.show,
    make_runs=runs,
    scales=tuple(presets.FIGURES),
)
