"""Learning curves of a setting over epochs, and how far those of two lie apart."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen.papers.jastrzebski_2018 import presets
from bsgen.studies import claims, estimates, study


class Setting(NamedTuple):
    """The runs of one setting, which differ in their seed only.

    Attributes:
      runs: rows of the study's table of runs.
      accuracies: test accuracy, one row per evaluation (the index is its epoch), one
        column a seed. A run that diverged guesses from then on.
    """

    runs: pd.DataFrame
    accuracies: pd.DataFrame

    @property
    def ratio(self) -> str:
        """Learning rate / batch size in words."""
        first = self.runs.iloc[0]
        return f"{first['learning_rate']:.3g} / {first['batch_size']:.3g}"

    def distances(self, other: "Setting") -> np.ndarray:
        """Returns the root mean squared difference from another setting, by seed.

        The k-th evaluations are compared, without the one before the first step.
        """
        # Where all runs of a setting diverged, its last evaluations are missing.
        count = max(len(self.accuracies), len(other.accuracies))
        first, second = (
            setting.accuracies.reset_index(drop=True)
            .reindex(range(count))
            .fillna(presets.CHANCE)
            .to_numpy()
            for setting in (self, other)
        )
        return np.sqrt(np.mean(np.square(first - second)[1:], axis=0))


def setting(results: study.Results, runs: pd.DataFrame) -> Setting:
    """Returns the setting of some rows of `results.runs`, with its curves."""
    rows = results.curves.merge(runs[["key", "seed"]], on="key")
    rows["place"] = rows.groupby("key").cumcount()
    table = rows.pivot(index="place", columns="seed", values="test_accuracy")
    epochs = rows.groupby("place")["epoch"].mean().to_numpy()
    accuracies = table.set_axis(epochs).astype(float).fillna(presets.CHANCE)
    return Setting(runs, accuracies)


def further_apart(
    claim: str, quantity: str, distances: np.ndarray, others: np.ndarray
) -> claims.Claim:
    """Judges that distances, [seeds], are larger than others, seed by seed."""
    ratio = estimates.geometric_mean(np.log(distances / others), paired=True)
    note = "1 is what chance gives"
    return claims.above(claim, quantity, ratio, note, bound=1)
