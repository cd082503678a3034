"""The results of a sweep: a row a run, a row a setting, and the best setting."""

import dataclasses
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from bsgen import statistics
from bsgen.models import losses
from bsgen.studies import tables
from bsgen.sweeps import optima as optima_lib
from bsgen.sweeps.plan import Plan
from bsgen.training import records

STATUSES = COMPLETED, DIVERGED, FAILED, MISSING = (
    "completed",
    "diverged",
    "failed",
    "missing",
)
_SCALED = "scaled_learning_rate"


@dataclasses.dataclass(frozen=True, eq=False)
class Summary:
    """What the runs of each setting reached.

    Attributes:
      axes: names of the axes.
      num_seeds: repeats of a setting.
      counts: how many runs have each of `STATUSES`.
      metrics: names of the final metrics that are shown, such as `test_accuracy`; the
        first one chooses the best setting.
      higher_is_better: whether more of that one is better.
      settings: a row a setting: the axes, `runs` (that have ended), `diverged`, and for
        each metric `METRIC`, `METRIC_lower` and `METRIC_upper`: mean and 95 % t
        interval over seeds, NaN where a run has diverged or none has ended.
      best: the row of the best setting, of those whose runs have all been completed;
        None if there is none.
      optima: the optimal learning rates, of a sweep with a protocol.
    """

    axes: tuple[str, ...]
    num_seeds: int
    counts: dict[str, int]
    metrics: tuple[str, ...]
    higher_is_better: bool
    settings: pd.DataFrame
    best: int | None
    optima: optima_lib.Optima | None = None

    @property
    def by_validation(self) -> bool:
        """Whether the best setting was chosen without looking at the test set."""
        return bool(self.metrics) and self.metrics[0].startswith("validation")


def table(
    plan: Plan, store: records.RunStore, failed: Collection[str] = ()
) -> pd.DataFrame:
    """Returns one row a run of the plan.

    Args:
      plan: of the sweep.
      store: has the records of the runs that have ended.
      failed: keys of runs that ended with an error.

    Returns:
      `setting` (its number), the axes, `seed`, `status`, `seconds`, `final_METRIC` and
      `best_METRIC` as in `studies.Results`, whatever else differs among the runs
      (settings, hardware), and `key`.
    """
    rows: list[dict[str, Any]] = []
    for number, setting in enumerate(plan.settings):
        values = dict(zip(plan.axes, setting.values, strict=True))
        for seed, key in enumerate(setting.keys, plan.seed):
            status = FAILED if key in failed else MISSING
            row = {"setting": number, **values, "seed": seed, "status": status}
            rows.append({**row, "key": key})
    found = pd.DataFrame(rows)
    finished = [record for key in plan.keys if (record := store.by_key(key))]
    if not finished:
        return found.assign(seconds=np.nan)
    recorded = tables.results(finished).runs.drop_duplicates("key").set_index("key")
    statuses = found["key"].map(recorded["status"])
    found["status"] = statuses.fillna(found["status"])
    metrics = [n for n in recorded if n.startswith(("final_", "best_"))]
    others = recorded.drop(columns=["status", "seconds", *metrics])
    if plan.scaling != "none" and "learning_rate" in plan.axes:
        others = others.rename(columns={"learning_rate": _SCALED})
    varying = [
        name
        for name in others
        if name not in (*plan.axes, "seed", "subset_seed")
        and others[name].nunique(dropna=False) > 1
    ]
    more = pd.concat([recorded[["seconds", *metrics]], others[varying]], axis=1)
    found = found.join(more, on="key")
    return found[[*found.columns.drop("key"), "key"]]


def summarize(plan: Plan, runs: pd.DataFrame) -> Summary:
    """Returns the summary of a table of runs.

    Validation comes before the test set, and metrics of which more is better before the
    others.
    """
    metrics = _metrics(runs)
    rows = []
    for number, group in runs.groupby("setting"):
        values = dict(zip(plan.axes, plan.settings[number].values, strict=True))
        ended = group[group["status"].isin([COMPLETED, DIVERGED])]
        row = {
            **values,
            "runs": len(ended),
            "diverged": int((ended["status"] == DIVERGED).sum()),
            "is_complete": bool((group["status"] == COMPLETED).all()),
        }
        for metric in metrics:
            scores = ended[f"final_{metric}"].to_numpy(float)
            interval = statistics.mean_interval(scores if len(scores) else [np.nan])
            row |= {
                metric: interval.value,
                f"{metric}_lower": interval.lower,
                f"{metric}_upper": interval.upper,
            }
        rows.append(row)
    settings = pd.DataFrame(rows)
    higher = bool(metrics) and _higher_is_better(metrics[0])
    best = None
    if metrics:
        scores = settings[metrics[0]].where(settings["is_complete"])
        if scores.notna().any():
            best = int(scores.idxmax() if higher else scores.idxmin())
    counts = runs["status"].value_counts()
    return Summary(
        plan.axes,
        runs["seed"].nunique(),
        {status: int(counts.get(status, 0)) for status in STATUSES},
        metrics,
        higher,
        settings.drop(columns="is_complete"),
        best,
        optima_lib.find(plan, runs),
    )


def _metrics(runs: pd.DataFrame) -> tuple[str, ...]:
    """Returns one metric a part of the data, validation first."""
    chosen = []
    for part in ("validation", "test"):
        names = [name for name in runs if name.startswith(f"final_{part}_")]
        names.sort(key=lambda name: not _higher_is_better(name))
        chosen += [name.removeprefix("final_") for name in names[:1]]
    return tuple(chosen)


def _higher_is_better(name: str) -> bool:
    metric = losses.recorded_metric(name)
    return metric is not None and metric.higher_is_better
