"""Tables of the records: one row per run, per evaluation and per measured value."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.studies import measurement_store, study
from bsgen.training import records


def results(
    finished: Iterable[records.RunRecord],
    measured: Iterable[measurement_store.MeasurementRecord] = (),
) -> study.Results:
    """Returns the tables of a study's finished runs and measurements."""
    finished = list(finished)
    return study.Results(
        runs_table(finished), curves_table(finished), measurements_table(measured)
    )


def recorded_results(
    run_keys: Iterable[str],
    store: records.RunStore,
    measurement_keys: Iterable[str],
    measured: measurement_store.MeasurementStore,
) -> study.Results | None:
    """Returns the tables of recorded runs and measurements; None if any is missing."""
    runs = [store.by_key(key) for key in run_keys]
    rows = [measured.by_key(key) for key in measurement_keys]
    found_runs = [record for record in runs if record is not None]
    found_rows = [record for record in rows if record is not None]
    complete = len(found_runs) == len(runs) and len(found_rows) == len(rows)
    return results(found_runs, found_rows) if complete else None


def runs_table(finished: Iterable[records.RunRecord]) -> pd.DataFrame:
    """Returns one row per run: settings, seed, status, final and best metrics, seconds.

    Columns are the fields of the configuration (`dataset`, `model`, `batch_size`, which
    is N for the full batch, ...; fields such as `schedule` and `normalization` only
    where a run departs from the default), then `final_<metric>`, and `best_<metric>`
    with its step: the highest accuracy and the lowest cross-entropy of the curve.
    """
    return pd.DataFrame([_row(record) for record in finished])


def curves_table(finished: Iterable[records.RunRecord]) -> pd.DataFrame:
    """Returns one row per evaluation: `key`, `step` and the metrics measured there."""
    parts = [
        pd.DataFrame({"key": record.run.key, **record.curve})
        for record in finished
        if record.curve
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def measurements_table(
    measured: Iterable[measurement_store.MeasurementRecord],
) -> pd.DataFrame:
    """Returns the rows of measurements: `key`, settings, `seconds`, measured values."""
    rows = []
    for record in measured:
        settings = {k: v for k, v in record.settings.items() if k != "study"}
        same = {"key": record.key, **settings, "seconds": record.seconds}
        rows += [{**same, **row} for row in record.rows]
    return pd.DataFrame(rows)


def accuracies(
    runs: pd.DataFrame, chance: float, metric: str = "final_test_accuracy"
) -> pd.DataFrame:
    """Returns one row per batch size, one column per seed, for `optimum.find`.

    Args:
      runs: rows of `runs_table` that differ in batch size and seed only.
      chance: accuracy of a guess, 1 / number of classes, which diverged runs get.
      metric: the column to take.
    """
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


def _row(record: records.RunRecord) -> dict[str, Any]:
    best: dict[str, float | None] = {}
    for metric, values in record.curve.items():
        if metric.endswith(("accuracy", "cross_entropy")):
            scores = np.array(values, float)
            scores = scores if metric.endswith("accuracy") else -scores
            # A value that is not finite is never the best.
            place = int(np.where(np.isfinite(scores), scores, -np.inf).argmax())
            best[f"best_{metric}"] = values[place]
            best[f"best_{metric}_step"] = record.curve["step"][place]
    return {
        "key": record.run.key,
        **config.columns(record.run),
        "status": record.status,
        "seconds": record.seconds,
        **{f"final_{name}": value for name, value in record.final.items()},
        **best,
    }
