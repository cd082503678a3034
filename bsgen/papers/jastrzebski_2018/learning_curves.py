"""Learning curves of a setting over epochs, and how far those of two lie apart.

The unit is how far two seeds of one setting lie apart. They share no draw: each has its
own initial weights, its own order of examples and its own subset of the data, which for
the digits also decides about the test examples. Two settings are compared

- at equal seeds, where they share all these draws. At an equal ratio they even meet the
  same examples at the same time, in batches of another size, so that what lies between
  them is what the size of the steps does, not chance;
- at different seeds, where they share none. If one distribution produces the curves of
  both, as the stochastic differential equation says, they lie as far apart as those of
  one setting. (The reverse need not be true: curves that vary less may make up for a
  shift.)
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen.papers.jastrzebski_2018 import presets
from bsgen.studies import claims, estimates, study

SAME = 1.25  # distances count as the same within this factor; our choice
_SHARED = (
    "at equal seeds runs share initial weights, training and test examples and their "
    "order; two seeds share none that is drawn"
)


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

    def all_distances(self, other: "Setting") -> npt.NDArray[np.float64]:
        """Returns the root mean squared difference of every two curves, [seeds, seeds].

        Rows are this setting's seeds, columns the other's. The k-th evaluations are
        compared, without the one before the first step.
        """
        # Where all runs of a setting diverged, its last evaluations are missing.
        count = max(len(self.accuracies), len(other.accuracies))
        first, second = (
            setting.accuracies.reset_index(drop=True)
            .reindex(range(count))
            .fillna(presets.CHANCE)
            .to_numpy()[1:]
            for setting in (self, other)
        )
        differences = first[:, :, np.newaxis] - second[:, np.newaxis]
        return np.sqrt(np.mean(np.square(differences), axis=0))

    def distances(self, other: "Setting") -> npt.NDArray[np.float64]:
        """Returns those of `all_distances` between runs of one seed, [seeds]."""
        return np.diagonal(self.all_distances(other))

    def between_seeds(self) -> npt.NDArray[np.float64]:
        """Returns the mean distance of each run to those of other seeds, [seeds]."""
        distances = self.all_distances(self)  # 0 from itself
        return distances.sum(axis=1) / max(1, len(distances) - 1)


def setting(results: study.Results, runs: pd.DataFrame) -> Setting:
    """Returns the setting of some rows of `results.runs`, with its curves."""
    rows = results.curves.merge(runs[["key", "seed"]], on="key")
    rows["place"] = rows.groupby("key").cumcount()
    table = rows.pivot(index="place", columns="seed", values="test_accuracy")
    epochs = rows.groupby("place")["epoch"].mean().to_numpy()
    accuracies = table.set_axis(epochs).astype(float).fillna(presets.CHANCE)
    return Setting(runs, accuracies)


def beside_seeds(
    setting: Setting,
    reference: Setting,
    weights: npt.NDArray[np.float64],
    same_seed: bool = False,
) -> npt.NDArray[np.float64]:
    """Returns how far a setting lies from a reference, over what its two seeds do.

    Args:
      setting: whose curves are compared with the reference's.
      reference: whose pairs of different seeds are the unit.
      weights: of the seeds, [draws, n] with rows that sum to 1.
      same_seed: whether runs of one seed are compared, instead of different ones.

    Returns:
      The weighted mean distance over that of the reference's pairs, [draws]; NaN
      without two seeds.
    """
    apart = setting.all_distances(reference)
    if same_seed:
        compared = weights @ np.diagonal(apart)
    else:
        compared = _of_different_seeds(apart, weights)
    own = _of_different_seeds(reference.all_distances(reference), weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return compared / own


def _of_different_seeds(
    distances: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Returns the weighted mean over pairs of different seeds, [draws]."""
    pairs = distances - np.diag(np.diagonal(distances))
    total = np.sum(weights @ pairs * weights, axis=1)
    with np.errstate(invalid="ignore"):  # one seed has no pairs
        return total / (1 - np.sum(weights**2, axis=1))


def relative_distance(
    setting: Setting, reference: Setting, same_seed: bool = False
) -> estimates.Estimate:
    """Estimates `beside_seeds`."""

    def logarithm(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.log(beside_seeds(setting, reference, weights, same_seed))

    num_seeds = len(reference.accuracies.columns)
    return estimates.exponential(estimates.jackknife(logarithm, num_seeds))


def match(
    what: str, setting: Setting, reference: Setting, words: str
) -> list[claims.Claim]:
    """Judges that curves match, at equal seeds and at different ones.

    Args:
      what: the subject of the claims, before "match".
      setting: whose curves are compared.
      reference: with whose they are, and whose seeds are the unit.
      words: what the reference is.
    """
    at_equal_seeds = claims.below(
        f"{what} match: at equal seeds closer than two seeds of one setting",
        f"distance of accuracy curves of equal seeds, over that of two seeds of "
        f"{words}",
        relative_distance(setting, reference, same_seed=True),
        _SHARED,
        bound=1,
    )
    claim = f"{what} match: at different seeds as far apart as those of one setting"
    return [at_equal_seeds, match_at_different_seeds(claim, setting, reference, words)]


def match_at_different_seeds(
    claim: str, setting: Setting, reference: Setting, words: str
) -> claims.Claim:
    """Judges that curves of two settings lie as far apart as those of one.

    Args:
      claim: the sentence.
      setting: as for `match`, like the others.
    """
    return claims.between(
        claim,
        "distance of accuracy curves of two seeds, one of each setting, over that of "
        f"two seeds of {words}",
        relative_distance(setting, reference),
        (1 / SAME, SAME),
        f"'match' read as within a factor of {SAME:g}, our choice",
    )


def further_apart(
    claim: str, quantity: str, distances: np.ndarray, others: np.ndarray
) -> claims.Claim:
    """Judges that distances, [seeds], are larger than others, seed by seed."""
    ratio = estimates.geometric_mean(np.log(distances / others), paired=True)
    return claims.above(claim, quantity, ratio, "1 is what chance gives", bound=1)
