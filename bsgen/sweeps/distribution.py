"""A sweep on several machines: keras-tuner's chief hands out chunks of its runs.

A chunk has runs that may share a program, so that workers keep the ensemble engine's
speed. A worker keeps its finished runs in a folder of its own, and sends their records
to the chief with the chunk; a folder that all machines see is not needed.
"""

import collections
import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bsgen import config
from bsgen.sweeps import training
from bsgen.training import cost, provenance, records

_MAX_RUNS = 64  # of a chunk
_CHUNK_SECONDS = 60.0  # expected, of a chunk of more than one run

Settings = Sequence[Sequence[config.RunConfig]]


def lead(
    settings: Settings,
    store: records.RunStore,
    identity: Mapping[str, Any],
    on_record: training.OnRecord = lambda record: None,
) -> dict[str, str]:
    """Hands out the runs that `store` lacks, and keeps their records; for the chief.

    Args:
      settings: the runs of each.
      store: of the sweep.
      identity: of the sweep, as JSON types; workers must have the same.
      on_record: called with each record after it is on the disk.

    Returns:
      As `training.train`.

    Raises:
      UserError: it cannot listen at its address.
    """
    from bsgen.tuning.keras_tuner_adapter import work_queue

    failed: dict[str, str] = {}

    def on_result(result: str) -> None:
        found = json.loads(result)
        failed.update(found["failed"])
        for values in found["records"]:
            record = records.RunRecord.from_values(values)
            if store.find(record.run) is None:
                store.add([record])
                on_record(record)

    pieces = {
        number: json.dumps([run.key for run in missing])
        for number, runs in enumerate(chunks(settings))
        if (missing := store.missing(runs))
    }
    work_queue.serve(pieces, on_result, _with_versions(identity))
    return {key: why for key, why in failed.items() if store.by_key(key) is None}


def follow(
    settings: Settings,
    folder: str | os.PathLike,
    identity: Mapping[str, Any],
    data_dir: str | None = None,
    on_record: training.OnRecord = lambda record: None,
    warn: Callable[[str], None] = print,
) -> None:
    """Trains what the chief hands out, until nothing is left; for a worker.

    Args:
      settings: the runs of each.
      folder: of this worker alone, in which it continues if it is started again.
      identity: as for `lead`.
      data_dir, on_record, warn: as for `training.train`.

    Raises:
      UserError: the chief is away for too long, or has another sweep.
      Interrupted: as `training.train`.
    """
    from bsgen.tuning.keras_tuner_adapter import work_queue

    store = records.RunStore(folder)
    by_key = {run.key: run for runs in settings for run in runs}

    def do(work: str, report: Callable[[], None]) -> str:
        runs = [by_key[key] for key in json.loads(work)]
        failed = training.train(
            [[run] for run in runs],
            store,
            data_dir,
            lambda seconds: report(),
            on_record,
            warn,
        )
        done = [record.to_values() for run in runs if (record := store.find(run))]
        return json.dumps({"records": done, "failed": failed})

    work_queue.work(do, _with_versions(identity))


def chunks(settings: Settings) -> list[list[config.RunConfig]]:
    """Returns all runs in chunks; the same ones for equal settings.

    The runs of a chunk differ in what need not separate programs: seeds, learning rate,
    momentum and penalty.
    """
    alike = collections.defaultdict(list)
    for runs in settings:
        for run in runs:
            alike[_shared(run)].append(run)
    found = []
    for runs in alike.values():
        most = min(_MAX_RUNS, int(_CHUNK_SECONDS / cost.seconds(runs[0])))
        size = max(1, most)
        found += [runs[i : i + size] for i in range(0, len(runs), size)]
    return found


def _shared(run: config.RunConfig) -> config.RunConfig:
    return dataclasses.replace(
        run,
        seed=0,
        data=dataclasses.replace(run.data, subset_seed=0),
        optimizer=dataclasses.replace(run.sgd, learning_rate=0.0, momentum=0.0, l2=0.0),
    )


def _with_versions(identity: Mapping[str, Any]) -> dict[str, Any]:
    return {**provenance.versions(), **identity}
