"""How good a learning rate is for a larger batch, by sweeps that have been recorded.

From the best rate at batch size B each rule goes to every larger batch size B' of the
same sweep. Its rate is judged as the nearest one that was tried there (on a logarithmic
scale): a hit loses at most half a point of test accuracy against the best rate at B',
in equal epochs. A run that diverged has no accuracy, 0.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen.advice import Situation, rates

_Floats = npt.NDArray[np.float64]

HIT = 0.005  # of accuracy
_DRAWS = 2000
Rule = Callable[[Situation], float]


def _saturating(present: Situation) -> float:
    """McCandlish et al. (2018), section 2.2: each size's rate goes as 1 / (1 + b/B)."""
    return present.learning_rate / rates.updates_needed(present)


RULES: dict[str, Rule] = {
    "advice": rates.advised,
    "linear": lambda present: rates.by_rule(present)["linear"],
    "square root": lambda present: rates.by_rule(present)["sqrt"],
    "no change": lambda present: rates.by_rule(present)["none"],
    "by gradient noise": _saturating,
    "both bounds": lambda present: min(_saturating(present), rates.advised(present)),
}


@dataclasses.dataclass(frozen=True)
class Sweep:
    """One batch size of a study.

    Attributes:
      group: name of study and momentum.
      batch_size: B.
      accuracies: test accuracy, one row a learning rate, one column a seed.
      measured: at the best rate, whatever its target; None where nothing is needed.
    """

    group: str
    batch_size: int
    accuracies: pd.DataFrame
    measured: Situation | None = None

    @property
    def best_rate(self) -> float:
        """The learning rate of the highest mean accuracy."""
        return float(self.accuracies.mean(axis=1).idxmax())


@dataclasses.dataclass(frozen=True)
class Pair:
    """From one batch size to a larger one.

    Attributes:
      group: as of `Sweep`.
      batch_sizes: B and B'.
      accuracies: at B', [rates, seeds].
      places: of each rule's rate among them.
    """

    group: str
    batch_sizes: tuple[int, int]
    accuracies: _Floats
    places: Mapping[str, int]

    def losses(self, seeds: npt.NDArray[np.intp]) -> dict[str, float]:
        """Returns what each rule loses of accuracy, by some of the seeds."""
        means = self.accuracies[:, seeds].mean(axis=1)
        return {rule: float(means.max() - means[p]) for rule, p in self.places.items()}


def sweeps(group: str, runs: pd.DataFrame) -> list[Sweep]:
    """Returns the sweep of each batch size, rising.

    Args:
      group: name of study and momentum.
      runs: rows of `Results.runs` of that momentum.
    """
    judged = runs.assign(accuracy=runs["final_test_accuracy"].fillna(0.0))
    return [
        Sweep(
            group,
            int(size),
            own.pivot(index="learning_rate", columns="seed", values="accuracy"),
        )
        for size, own in judged.groupby("batch_size")
    ]


def pairs(of_group: Sequence[Sweep]) -> Iterator[Pair]:
    """Yields every pair of a batch size, which has been measured, and a larger one."""
    for one, other in itertools.combinations(of_group, 2):
        present = dataclasses.replace(
            _known(one.measured), target_batch_size=other.batch_size
        )
        tried = np.log(other.accuracies.index.to_numpy(float))
        places = {
            name: int(np.abs(tried - np.log(rule(present))).argmin())
            for name, rule in RULES.items()
        }
        sizes = one.batch_size, other.batch_size
        yield Pair(one.group, sizes, other.accuracies.to_numpy(float), places)


def _known(measured: Situation | None) -> Situation:
    if measured is None:
        raise ValueError("the smaller batch size has not been measured")
    return measured


def table(of: Sequence[Pair], seed: int = 0) -> pd.DataFrame:
    """Returns a row a rule.

    Intervals are 95 % percentiles over draws of the groups and, in each, of the seeds.

    Returns:
      `hits`, the share of pairs within half a point, `hits from` and `hits to`; `over
      linear`, by how much more that is than for the linear rule, with its interval;
      `lost`, mean and `worst`, largest loss of accuracy.
    """
    groups: dict[str, list[Pair]] = {}
    for pair in of:
        groups.setdefault(pair.group, []).append(pair)
    names = list(groups)
    everything = [pair.losses(np.arange(pair.accuracies.shape[1])) for pair in of]
    draw = np.random.default_rng(seed)
    shares = []
    for _ in range(_DRAWS):
        hits: list[list[bool]] = []
        for place in draw.integers(len(names), size=len(names)):
            own = groups[names[place]]
            count = own[0].accuracies.shape[1]
            seeds = draw.integers(count, size=count)
            hits += [_hits(pair.losses(seeds)) for pair in own]
        shares.append(np.mean(hits, axis=0))
    drawn = pd.DataFrame(shares, columns=list(RULES))
    rows = {}
    for rule in RULES:
        lost = np.array([each[rule] for each in everything])
        linear = np.array([each["linear"] for each in everything])
        gained = (lost <= HIT).mean() - (linear <= HIT).mean()
        more = np.quantile(drawn[rule] - drawn["linear"], [0.025, 0.975])
        ends = np.quantile(drawn[rule], [0.025, 0.975])
        rows[rule] = {
            "hits": (lost <= HIT).mean(),
            "hits from": ends[0],
            "hits to": ends[1],
            "over linear": gained,
            "over from": more[0],
            "over to": more[1],
            "lost": lost.mean(),
            "worst": lost.max(),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _hits(lost: Mapping[str, float]) -> list[bool]:
    return [lost[rule] <= HIT for rule in RULES]
