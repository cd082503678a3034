"""Trains what is missing of a list of runs, each by its optimizer's engine."""

import collections
import dataclasses
import functools
import itertools
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from bsgen import config, data, interrupts, models
from bsgen.models import losses
from bsgen.training import (
    checkpoints,
    cost,
    ensemble,
    loop,
    minima,
    provenance,
    records,
    step_plan,
)


def engine(run: config.RunConfig) -> Literal["minima", "ensemble", "loop"]:
    """Returns which engine trains a run.

    Exact minima have their own; dense networks without state and with nothing that
    changes during the run are trained many at once, on data that fit in memory;
    everything else one by one.
    """
    if isinstance(run.optimizer, config.NewtonConfig):
        return "minima"
    plain = "normalization" not in models.takes(run.model)
    fits = data.find(run.data.name).fits_in_memory
    return "ensemble" if plain and fits and not ensemble.only_in_loop(run) else "loop"


def check(runs: Sequence[config.RunConfig], data_dir: str | None = None) -> None:
    """Checks runs against their data, without training.

    Raises:
      UserError: a dataset is not prepared, or a run does not fit it.
    """
    for run in runs:
        losses.of_run(run)
        trained_by = engine(run)
        if trained_by == "loop":
            step_plan.make(run, _train_size(run.data, data_dir))
            continue
        ensemble.check(run, data_dir)
        if trained_by == "minima":
            minima.check(run)


@functools.lru_cache(maxsize=64)
def _train_size(settings: config.DataConfig, data_dir: str | None) -> int:
    """Returns N, from a source that is opened but, if it streams, not read."""
    return len(data.split(data.load_source(settings, data_dir), settings).train)


@interrupts.kept()
def execute(
    runs: Sequence[config.RunConfig],
    store: records.RunStore,
    data_dir: str | None = None,
    on_work: Callable[[float], None] = lambda seconds: None,
    on_record: Callable[[records.RunRecord], None] = lambda record: None,
    resume: str = "auto",
) -> None:
    """Trains those of `runs` that `store` lacks; every finished run is kept at once.

    Runs trained one by one continue where a killed program left them; each keeps
    its network in `runs/KEY/model.keras` beside the store.

    Args:
      runs: any mixture of configurations.
      store: where finished runs are looked up and kept.
      data_dir: where prepared datasets lie.
      on_work: called with the expected seconds (`cost.seconds`) of work just done;
        those of a run sum to its cost, also when it diverged early.
      on_record: called with each run's record after it is on the disk.
      resume: as in `loop.Options`: "never" starts such runs over.

    Raises:
      UserError: a run does not fit its data; nothing has been trained then.
      Interrupted: the program was asked to stop, and the run in progress is saved.
    """
    missing = store.missing(runs)
    check(missing, data_dir)
    by_engine = collections.defaultdict(list)
    # Cheap runs first: first results soon, and the time left is learned early.
    for run in sorted(missing, key=cost.seconds):
        by_engine[engine(run)].append(run)

    steps_left = {run.key: run.num_steps for run in missing}

    def on_steps(run: config.RunConfig, steps: int) -> None:
        steps_left[run.key] -= steps
        on_work(cost.seconds(run) * steps / run.num_steps)

    for record in itertools.chain(
        minima.train(by_engine["minima"], data_dir),
        ensemble.train(by_engine["ensemble"], data_dir, on_steps=on_steps),
        _train_one_by_one(
            by_engine["loop"], store.path.parent / "runs", data_dir, on_steps, resume
        ),
    ):
        if not record.hardware:  # only the loop, which others resume, names its own
            made_by = provenance.hardware(engine(record.run))
            record = dataclasses.replace(record, hardware=made_by)
        store.add([record])
        on_steps(record.run, steps_left[record.run.key])
        on_record(record)


def _train_one_by_one(
    runs: Sequence[config.RunConfig],
    folder: pathlib.Path,
    data_dir: str | None,
    on_steps: Callable[[config.RunConfig, int], None],
    resume: str,
) -> Iterator[records.RunRecord]:
    options = loop.Options(data_dir=data_dir, resume=resume)
    for run in runs:
        record = loop.train(run, folder / run.key, options, _StepCounter(run, on_steps))
        if record is not None:
            yield record
            checkpoints.remove_all(folder / run.key)  # the record is on the disk now


class _StepCounter(loop.Observer):
    """Reports the steps of a run as they are taken; first, those before a resume."""

    def __init__(
        self, run: config.RunConfig, on_steps: Callable[[config.RunConfig, int], None]
    ):
        self._run, self._on_steps = run, on_steps
        self._counted = 0

    def started(self, step: int) -> None:
        self._count(step)

    def advanced(self, progress: loop.TrainingProgress) -> None:
        self._count(progress.step)

    def _count(self, step: int) -> None:
        self._on_steps(self._run, step - self._counted)
        self._counted = step
