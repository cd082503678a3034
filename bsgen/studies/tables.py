"""Tables of the records: one row per run, per evaluation and per measured value."""

import collections
import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.models import losses
from bsgen.studies import measurement_store, study
from bsgen.training import records


def results(
    finished: Iterable[records.RunRecord],
    measured: Iterable[measurement_store.MeasurementRecord] = (),
    missing: Iterable[dict[str, Any]] = (),
) -> study.Results:
    """Returns the tables of a study's finished runs, measurements and missing runs."""
    finished, rows = list(finished), []
    for entry in measured:
        settings = {k: v for k, v in entry.settings.items() if k != "study"}
        made = {"seconds": entry.seconds, "hardware": entry.hardware.get("device")}
        same = {"key": entry.key, **settings, **made}
        rows += [{**same, **row} for row in entry.rows]
    return study.Results(
        pd.DataFrame(list(map(_row, finished))),
        _curves(finished),
        pd.DataFrame(rows),
        pd.DataFrame(missing),
    )


def recorded_results(
    run_keys: Iterable[str],
    store: records.RunStore,
    measurement_keys: Iterable[str],
    measured: measurement_store.MeasurementStore,
) -> study.Results | None:
    """Returns the tables of recorded runs and measurements; None if any is missing."""
    runs, entries = [], []
    for key in run_keys:
        if (record := store.by_key(key)) is None:
            return None
        runs.append(record)
    for key in measurement_keys:
        if (entry := measured.by_key(key)) is None:
            return None
        entries.append(entry)
    return results(runs, entries)


def partial_results(
    runs: Iterable[config.RunConfig], store: records.RunStore
) -> study.Results:
    """Returns the tables of an unfinished study, from settings with all their repeats.

    Args:
      runs: of the study, which makes no measurements.
      store: of its records.
    """
    repeats = collections.defaultdict(list)
    for run in runs:
        data = dataclasses.replace(run.data, subset_seed=0)
        repeats[dataclasses.replace(run, data=data, seed=0).key].append(run)
    finished, missing = [], []
    for group in repeats.values():
        found = [store.find(run) for run in group]
        if None not in found:
            finished += [record for record in found if record]
            continue
        for run, record in zip(group, found, strict=True):
            recorded = {"recorded": record is not None}
            missing.append({"key": run.key, **config.columns(run), **recorded})
    return results(finished, missing=missing)


def accuracies(runs: pd.DataFrame, chance: float) -> pd.DataFrame:
    """Returns final test accuracies, one row per batch size, one column per seed.

    Args:
      runs: rows of `Results.runs` that differ in batch size and seed only.
      chance: accuracy of a guess, 1 / number of classes, which diverged runs get.
    """
    metric = "final_test_accuracy"
    table = runs.pivot(index="batch_size", columns="seed", values=metric)
    return table.astype(float).fillna(chance).sort_index()


def curve_by_step(
    results: study.Results, runs: pd.DataFrame, metric: str
) -> pd.DataFrame:
    """Returns a metric: one row a step from 1 on, one column a seed.

    Args:
      results: tables of the study.
      runs: rows of `results.runs` that differ in their seed only.
      metric: a column of `results.curves`.
    """
    rows = results.curves.merge(runs[["key", "seed"]], on="key")
    table = rows[rows["step"] > 0].pivot(index="step", columns="seed", values=metric)
    return table.astype(float).sort_index()


def _curves(finished: Iterable[records.RunRecord]) -> pd.DataFrame:
    """Returns all curves below each other; a frame a run would be ten times as slow."""
    columns: dict[str, list[Any]] = {}
    length = 0
    for record in finished:
        number = max(map(len, record.curve.values()), default=0)
        own: dict[str, list[Any]] = {}
        if number:
            own = {"key": [record.run.key] * number, **record.curve}
        nothing = [None] * number
        for name in own:
            columns.setdefault(name, [None] * length)
        for name, column in columns.items():
            column += own.get(name, nothing)
        length += number
    return pd.DataFrame(columns)


def _row(record: records.RunRecord) -> dict[str, Any]:
    best: dict[str, float | None] = {}
    for name, values in record.curve.items():
        if metric := losses.recorded_metric(name):
            scores = np.array(values, float)
            scores = scores if metric.higher_is_better else -scores
            # A value that is not finite is never the best.
            place = int(np.where(np.isfinite(scores), scores, -np.inf).argmax())
            best[f"best_{name}"] = values[place]
            best[f"best_{name}_step"] = record.curve["step"][place]
    return {
        "key": record.run.key,
        **config.columns(record.run),
        "status": record.status,
        "seconds": record.seconds,
        "hardware": record.hardware.get("device"),
        **{f"final_{name}": value for name, value in record.final.items()},
        **best,
    }
