"""How the weight distance grows at each batch size, while the learning rate is high.

Hoffer et al. (2017) look at "the initial training phase", before the learning rate
first drops. The laws hold for many steps, and momentum carries the weights along for
the first 1 / (1 - m), whatever the potential; so they are fitted to the steps between
(our choice: the paper draws lines, and says nothing of fits).

The distance also has what weight decay takes off the initial weights, which is no
diffusion: without any gradient a share exp(-eta l2 t / (1 - m)) of them would be left.
Where that is little, a large rate and many steps make distances grow anew.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen import theory
from bsgen.papers.hoffer_2017 import presets, regimes
from bsgen.studies import study

MEASURES = {"weight_distance": "all weights", "first_kernel_distance": "first kernel"}
ALL, KERNEL = MEASURES
RIVALS = ("power", "sqrt")
_SETTING = ("is_adapted", "batch_size", "seed")
_COLUMNS = (
    *(*_SETTING, "measure", "steps", "undecayed", "final", "common_distance"),
    *("common_slope", "offset", "slope", "r_squared", "exponent", "alpha"),
    *(f"{rival}_criterion" for rival in RIVALS),
)


class Growth(NamedTuple):
    """The runs of a figure.

    Attributes:
      curves: one row per run and evaluation of the initial phase, from step 1 on:
        `is_adapted`, `batch_size`, `seed`, `step`, `is_fitted`, `undecayed` and the
        distances, `MEASURES`.
      fits: one row per run and measure: `is_adapted`, `batch_size`, `seed`, `measure`;
        `steps`, those of the phase; `undecayed`, the share of the initial weights that
        weight decay alone would leave; `final`, the distance after them;
        `common_distance`, that after as many steps as all batch sizes have, and
        `common_slope`, the mean slope on log t until there, NaN if it has no length;
        and, NaN where there are too few steps for a fit: `offset` and `slope` of
        a + b log t and its `r_squared`; `power_criterion` and `sqrt_criterion`, by how
        much the AICc of these laws is higher; `exponent`, p, and `alpha`.
      small_batch_size: the one that belongs to both.
      diverged: settings of which a run diverged, in words; they are left out.
    """

    curves: pd.DataFrame
    fits: pd.DataFrame
    small_batch_size: int
    diverged: list[str]

    def by_size(
        self, column: str, is_adapted: bool, measure: str = ALL, smallest: int = 0
    ) -> pd.DataFrame:
        """Returns a column of `fits`: one row a seed, one column a batch size.

        Batch sizes without a fit are left out.

        Args:
          column: its name.
          is_adapted: whether after adaptation, or before.
          measure: of `MEASURES`.
          smallest: the least batch size that counts.
        """
        rows = self.fits[
            (self.fits["is_adapted"] == is_adapted)
            & (self.fits["measure"] == measure)
            & (self.fits["batch_size"] >= smallest)
        ]
        table = rows.pivot(index="seed", columns="batch_size", values=column)
        return table.dropna(axis=1)


def of(results: study.Results, after: str) -> Growth:
    """Returns the growth before adaptation and after it.

    The small batch belongs to both.

    Args:
      results: of a figure's runs.
      after: the stage of `regimes` that counts as adapted.
    """
    runs = regimes.stages(results.runs, presets.known())
    runs = runs.assign(phase=regimes.first_phase_steps(runs))
    is_lost = runs["status"] == "diverged"
    names = runs["stage"] + ", B = " + runs["batch_size"].astype(str)
    diverged = sorted(set(names[is_lost]))
    runs = runs[~names.isin(diverged)]
    adapted = runs[runs["stage"].isin([regimes.SB, after])]
    curves = pd.concat(
        [
            _curves(results, runs[runs["stage"].isin(stages)], is_adapted)
            for is_adapted, stages in (
                (False, (regimes.SB, regimes.LB)),
                (True, (regimes.SB, after)),
            )
        ],
        ignore_index=True,
    )
    smallest = int(adapted["batch_size"].min()) if len(adapted) else 0
    return Growth(curves, _fits(curves), smallest, diverged)


def _curves(
    results: study.Results, runs: pd.DataFrame, is_adapted: bool
) -> pd.DataFrame:
    start = 1 / (1 - runs["momentum"].astype(float))
    decay = theory.effective_learning_rate(runs["learning_rate"], runs["momentum"])
    undecayed = np.exp(-decay * runs["l2"].astype(float) * runs["phase"])
    runs = runs.assign(start=start.round(6), undecayed=undecayed)
    columns = ["key", "batch_size", "seed", "phase", "start", "undecayed"]
    rows = results.curves.merge(runs[columns], on="key")
    rows = rows[(rows["step"] >= 1) & (rows["step"] <= rows["phase"])]
    is_fitted = rows["step"] >= rows["start"]
    rows = rows.assign(is_adapted=is_adapted, is_fitted=is_fitted)
    kept = [*_SETTING, "step", "is_fitted", "undecayed", *MEASURES]
    return rows[kept].astype(dict.fromkeys(MEASURES, float))


def _fits(curves: pd.DataFrame) -> pd.DataFrame:
    ends = curves.groupby(["is_adapted", "batch_size"])["step"].max()
    common = ends.groupby("is_adapted").min()
    rows = []
    for place, run in curves.groupby(list(_SETTING)):
        setting = dict(zip(_SETTING, place, strict=True))
        setting["steps"] = int(run["step"].max())
        setting["undecayed"] = run["undecayed"].iloc[0]
        for measure in MEASURES:
            distances = run.set_index("step")[measure]
            own = _fit(distances, run["is_fitted"].to_numpy(), common[place[0]])
            rows.append({**setting, "measure": measure, **own})
    return pd.DataFrame(rows, columns=_COLUMNS)


def _fit(
    distances: pd.Series, is_fitted: npt.NDArray[np.bool_], common: int
) -> dict[str, float]:
    """Fits the laws to the distances of a run.

    Args:
      distances: by step.
      is_fitted: which of them count.
      common: the last step that all batch sizes have.
    """
    steps, values = distances.index.to_numpy(float), distances.to_numpy()
    found = {"final": values[-1]}
    at_end = np.interp(np.log(common), np.log(steps), values)
    found["common_distance"] = at_end
    steps, values = steps[is_fitted], values[is_fitted]
    if len(steps) and common > steps[0]:
        found["common_slope"] = (at_end - values[0]) / np.log(common / steps[0])
    if len(steps) < theory.MIN_POINTS:
        return found
    log = theory.fit_growth(steps, values)
    found |= {
        "offset": log.coefficients[0],
        "slope": log.coefficients[1],
        "r_squared": log.r_squared,
        "exponent": theory.growth_exponent(steps, values).value,
        "alpha": theory.potential_exponent(steps, values).value,
    }
    for rival in RIVALS:
        other = theory.fit_growth(steps, values, rival)
        found[f"{rival}_criterion"] = other.criterion - log.criterion
    return found
