"""Test error during training, and where the learning rate drops.

Figures 1, 3, 5 and 6 of Hoffer et al. (2017) draw it; what the paper calls validation
error is that of the test set.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen import data
from bsgen.papers.hoffer_2017 import regimes
from bsgen.studies import study


class Curves(NamedTuple):
    """The runs of one setting, which differ in their seed only.

    Attributes:
      runs: of the table of runs, by rising seed, which is the index.
      errors: test error, in [0, 1], one row an evaluation (the index is its step, from
        1 on), one column a seed. A run that diverged guesses from then on.
    """

    runs: pd.DataFrame
    errors: pd.DataFrame

    @property
    def batch_size(self) -> int:
        """B."""
        return int(self.runs["batch_size"].iloc[0])

    @property
    def num_steps(self) -> int:
        """The number of updates."""
        return int(self.runs["num_steps"].iloc[0])

    @property
    def num_epochs(self) -> float:
        """The number of passes over the training set."""
        examples = self.num_steps * self.batch_size
        return float(examples / self.runs["train_size"].iloc[0])

    @property
    def drops(self) -> list[int]:
        """The steps after which the learning rate is lower than before, rising."""
        return regimes.drop_steps(self.runs.iloc[0])

    def final_error(self, part: str = "test") -> pd.Series:
        """Returns the error at the end by seed, that of a guess for a diverged run.

        Args:
          part: "test" or "train".
        """
        accuracies = self.runs[f"final_{part}_accuracy"].astype(float)
        return (1 - accuracies).fillna(_chance(self.runs))

    def at_share(self, shares: npt.ArrayLike) -> pd.DataFrame:
        """Returns the errors after shares of the steps, at the nearest evaluations.

        Args:
          shares: above 0, at most 1; they are the index of what is returned.
        """
        steps = np.asarray(shares) * self.num_steps
        places = self.errors.index.get_indexer(steps, method="nearest")
        return self.errors.iloc[places].set_axis(np.asarray(shares), axis=0)


def of(results: study.Results, runs: pd.DataFrame) -> Curves:
    """Returns the curves of some rows of `results.runs`, those of one setting."""
    runs = runs.set_index("seed", drop=False).sort_index()
    runs.index.name = None
    rows = results.curves.merge(runs[["key", "seed"]], on="key")
    table = rows[rows["step"] > 0].pivot(
        index="step", columns="seed", values="test_accuracy"
    )
    errors = (1 - table.astype(float)).reindex(columns=runs.index)
    return Curves(runs, errors.sort_index().fillna(_chance(runs)))


def _chance(runs: pd.DataFrame) -> float:
    """Returns the error of a guess."""
    return 1 - 1 / data.find(runs["dataset"].iloc[0]).num_classes
