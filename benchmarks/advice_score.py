"""How good a learning rate is for a larger batch, by sweeps that have been recorded.

From the best rate at batch size B each rule goes to every larger batch size B' of the
same sweep. Its rate is judged as the nearest one that was tried there (on a logarithmic
scale): a hit loses at most half a point of test accuracy against the best rate at B',
or, where runs are judged by a cost, has one at most 2 % above the best. A run that
diverged has no accuracy, 0, or an infinite cost.
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
HIT_OF_COST = 0.02  # above the best one; our choice, before any was looked at
_COSTS = ("final_test_mse", "final_test_cross_entropy")  # where there is no accuracy
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
      study: its name, with the scale.
      group: which of its sweeps, such as the momentum.
      batch_size: B.
      scores: test accuracy, or the negative cost; one row a learning rate, one column
        a seed.
      measured: at the best rate, whatever its target; None where nothing is needed.
    """

    study: str
    group: str
    batch_size: int
    scores: pd.DataFrame
    measured: Situation | None = None

    @property
    def best_rate(self) -> float:
        """The learning rate of the best mean score."""
        return float(self.scores.mean(axis=1).idxmax())


@dataclasses.dataclass(frozen=True)
class Pair:
    """From one batch size to a larger one.

    Attributes:
      study, group: as of `Sweep`.
      batch_sizes: B and B'.
      scores: at B', [rates, seeds].
      places: of each rule's rate among them.
    """

    study: str
    group: str
    batch_sizes: tuple[int, int]
    scores: _Floats
    places: Mapping[str, int]

    def losses(self, seeds: npt.NDArray[np.integer]) -> dict[str, float]:
        """Returns what each rule loses, by some of the seeds.

        Of accuracy it is the difference; of a cost, how much it is above the best one,
        as a share of that.
        """
        means = self.scores[:, seeds].mean(axis=1)
        best = means.max()
        unit = -best if self.is_cost else 1.0
        return {
            rule: float((best - means[p]) / unit) for rule, p in self.places.items()
        }

    def hits(self, seeds: npt.NDArray[np.integer]) -> list[bool]:
        """Returns for each of `RULES` whether it loses little enough."""
        most = HIT_OF_COST if self.is_cost else HIT
        lost = self.losses(seeds)
        return [lost[rule] <= most for rule in RULES]

    @property
    def is_cost(self) -> bool:
        """Whether runs are judged by a cost, not by accuracy."""
        return bool((self.scores < 0.0).any())


def sweeps(study: str, group: str, runs: pd.DataFrame) -> list[Sweep]:
    """Returns the sweep of each batch size, rising.

    Args:
      study, group: as of `Sweep`.
      runs: rows of `Results.runs` of the group.
    """
    if "final_test_accuracy" in runs:
        scores = runs["final_test_accuracy"].fillna(0.0)
    else:
        (cost,) = (name for name in _COSTS if name in runs)
        scores = -runs[cost].fillna(np.inf)
    return [
        Sweep(
            study,
            group,
            int(size),
            own.pivot(index="learning_rate", columns="seed", values="score"),
        )
        for size, own in runs.assign(score=scores).groupby("batch_size")
    ]


def pairs(of_group: Sequence[Sweep]) -> Iterator[Pair]:
    """Yields every pair of a batch size, which has been measured, and a larger one."""
    for one, other in itertools.combinations(of_group, 2):
        present = dataclasses.replace(
            _known(one.measured), target_batch_size=other.batch_size
        )
        tried = np.log(other.scores.index.to_numpy(float))
        places = {
            name: int(np.abs(tried - np.log(rule(present))).argmin())
            for name, rule in RULES.items()
        }
        sizes = one.batch_size, other.batch_size
        scores = other.scores.to_numpy(float)
        yield Pair(one.study, one.group, sizes, scores, places)


def _known(measured: Situation | None) -> Situation:
    if measured is None:
        raise ValueError("the smaller batch size has not been measured")
    return measured


def table(of: Sequence[Pair], seed: int = 0) -> pd.DataFrame:
    """Returns a row a rule.

    Intervals are 95 % percentiles over draws of the studies, as the pairs of one are
    not independent, and of the seeds in each of their sweeps. With a single study its
    sweeps are drawn.

    Returns:
      `hits`, the share of pairs that lose little enough, with its interval, `hits from`
      and `hits to`; `over linear` and `over square root`, by how much more that is than
      for these rules, likewise; `lost`, mean and `worst`, largest loss, where all are
      of accuracy, otherwise nan.
    """
    sweeps_of: dict[str, dict[tuple[str, str], list[Pair]]] = {}
    for pair in of:
        own = sweeps_of.setdefault(pair.study, {})
        own.setdefault((pair.study, pair.group), []).append(pair)
    clusters = [list(own.values()) for own in sweeps_of.values()]
    if len(clusters) == 1:
        clusters = [[own] for own in clusters[0]]
    draw = np.random.default_rng(seed)
    shares = []
    for _ in range(_DRAWS):
        hits: list[list[bool]] = []
        for place in draw.integers(len(clusters), size=len(clusters)):
            for group in clusters[place]:
                count = group[0].scores.shape[1]
                seeds = np.asarray(draw.integers(count, size=count))
                hits += [pair.hits(seeds) for pair in group]
        shares.append(np.mean(hits, axis=0))
    drawn = pd.DataFrame(shares, columns=list(RULES))
    every = [np.arange(pair.scores.shape[1]) for pair in of]
    hit = pd.Series(
        np.mean([p.hits(s) for p, s in zip(of, every, strict=True)], axis=0),
        index=list(RULES),
    )
    lost = pd.DataFrame([p.losses(s) for p, s in zip(of, every, strict=True)])
    if any(pair.is_cost for pair in of):
        lost[:] = np.nan
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
