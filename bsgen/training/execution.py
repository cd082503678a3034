"""Trains what is missing of a list of runs, each by its engine (see `routing`)."""

import collections
import dataclasses
import functools
import itertools
import logging
from collections.abc import Callable, Collection, Iterator, Sequence

from bsgen import config, data, errors, interrupts
from bsgen.models import losses
from bsgen.training import (
    checkpoints,
    cost,
    ensemble,
    loop,
    minima,
    provenance,
    records,
    routing,
    step_plan,
)

_LOGGER = logging.getLogger(__name__)


def check(
    runs: Sequence[config.RunConfig],
    data_dir: str | None = None,
    keep_networks: Collection[str] = (),
) -> None:
    """Checks runs against their data, without training; arguments as of `execute`.

    Raises:
      UserError: a dataset is not prepared, or a run does not fit it, or it is to keep a
        network that its engine does not leave.
    """
    for run in runs:
        losses.of_run(run)
        kept = run.key in keep_networks
        trained_by = routing.engine(run, kept)
        if trained_by == "loop":
            step_plan.make(run, _train_size(run.data, data_dir))
        elif trained_by == "ensemble":
            ensemble.check(run, data_dir)
        else:
            step_plan.base_batch_size(run, _train_size(run.data, data_dir))
            minima.check(run)
            if kept:
                remedy = "Newton's method leaves no network, which is needed here"
                raise errors.UserError("optimizer", run.optimizer.name, remedy)


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
    keep_networks: Collection[str] = (),
    warn: Callable[[str], None] = _LOGGER.warning,
) -> None:
    """Trains those of `runs` that `store` lacks; every finished run is kept at once.

    Runs trained one by one continue where a killed program left them; each keeps
    its network, see `RunStore.network`.

    Args:
      runs: any mixture of configurations.
      store: where finished runs are looked up and kept.
      data_dir: where prepared datasets lie.
      on_work: called with the expected seconds (`cost.seconds`) of work just done;
        those of a run sum to its cost, also when it diverged early.
      on_record: called with each run's record after it is on the disk.
      resume: as in `loop.Options`: "never" starts such runs over.
      keep_networks: keys of runs whose trained networks are needed afterwards.
      warn: called with one line when runs exceed the memory and are divided.

    Raises:
      UserError: a run does not fit its data; nothing has been trained then.
      Interrupted: the program was asked to stop, and the run in progress is saved.
    """
    missing = store.missing(runs)
    check(missing, data_dir, keep_networks)
    by_engine = collections.defaultdict(list)
    costs = {run.key: cost.seconds(run, run.key in keep_networks) for run in missing}
    # Cheap runs first: first results soon, and the time left is learned early.
    for run in sorted(missing, key=lambda run: costs[run.key]):
        by_engine[routing.engine(run, run.key in keep_networks)].append(run)

    steps_left = {run.key: run.num_steps for run in missing}

    def on_steps(run: config.RunConfig, steps: int) -> None:
        key = run.key
        steps = min(steps, steps_left[key])  # some are taken again after a failure
        steps_left[key] -= steps
        on_work(costs[key] * steps / run.num_steps)

    for record in itertools.chain(
        minima.train(by_engine["minima"], data_dir),
        ensemble.train(by_engine["ensemble"], data_dir, on_steps=on_steps, warn=warn),
        _train_one_by_one(by_engine["loop"], store, data_dir, on_steps, resume),
    ):
        if not record.hardware:  # only the loop, which others resume, names its own
            made_by = provenance.hardware(routing.engine(record.run))
            record = dataclasses.replace(record, hardware=made_by)
        store.add([record])
        on_steps(record.run, steps_left[record.run.key])
        on_record(record)


def _train_one_by_one(
    runs: Sequence[config.RunConfig],
    store: records.RunStore,
    data_dir: str | None,
    on_steps: Callable[[config.RunConfig, int], None],
    resume: str,
) -> Iterator[records.RunRecord]:
    options = loop.Options(data_dir=data_dir, resume=resume)
    for run in runs:
        folder = store.network(run).parent
        record = loop.train(run, folder, options, _StepCounter(run, on_steps))
        if record is not None:
            yield record
            checkpoints.remove_all(folder)  # the record is on the disk now


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
