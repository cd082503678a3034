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


def _by_curvature(present: Situation) -> float:
    """The linear rule, up to the critical rate."""
    ceiling = max(present.critical_learning_rate, present.learning_rate)
    return min(rates.by_rule(present)["linear"], ceiling)


RULES: dict[str, Rule] = {
    "advice": rates.advised,
    "linear": lambda present: rates.by_rule(present)["linear"],
    "square root": lambda present: rates.by_rule(present)["sqrt"],
    "no change": lambda present: rates.by_rule(present)["none"],
    "by gradient noise": rates.by_gradient_noise,
    "linear, to critical": _by_curvature,
}


BESIDE = ("linear", "square root")  # rules that the others are compared with


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

    def losses(self, seeds: npt.NDArray[np.integer]) -> dict[str, float]:
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
      `hits`, the share of pairs within half a point, with its interval, `hits from` and
      `hits to`; `over linear` and `over square root`, by how much more that is than for
      these rules, likewise; `lost`, mean and `worst`, largest loss of accuracy.
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
            seeds = np.asarray(draw.integers(count, size=count))
            hits += [_hits(pair.losses(seeds)) for pair in own]
        shares.append(np.mean(hits, axis=0))
    drawn = pd.DataFrame(shares, columns=list(RULES))
    lost = pd.DataFrame(everything, columns=list(RULES))
    hit = (lost <= HIT).mean()
    rows = {}
    for rule in RULES:
        rows[rule] = _with_interval("hits", hit[rule], drawn[rule])
        for other in BESIDE:
            difference = drawn[rule] - drawn[other]
            more = hit[rule] - hit[other]
            rows[rule] |= _with_interval(f"over {other}", more, difference)
        rows[rule] |= {"lost": lost[rule].mean(), "worst": lost[rule].max()}
    return pd.DataFrame.from_dict(rows, orient="index")


def _with_interval(name: str, value: float, drawn: pd.Series) -> dict[str, float]:
    ends = np.quantile(drawn, [0.025, 0.975])
    return {name: value, f"{name} from": ends[0], f"{name} to": ends[1]}


def _hits(lost: Mapping[str, float]) -> list[bool]:
    return [lost[rule] <= HIT for rule in RULES]
