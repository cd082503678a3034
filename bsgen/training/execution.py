"""Trains what is missing of a list of runs, each by its engine (see `routing`)."""

import collections
import dataclasses
import functools
import logging
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence

from bsgen import config, data, errors, interrupts
from bsgen.models import losses
from bsgen.training import (
    carried_state,
    checkpoints,
    cost,
    ensemble,
    jobs,
    loop,
    minima,
    provenance,
    records,
    routing,
    same_network,
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
        carried_state.check(run)
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
    num_processes: int = 1,
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
      num_processes: that train; see `jobs.perform`.

    Raises:
      UserError: a run does not fit its data, and nothing has been trained; or as
        `jobs.perform`.
      Interrupted: the program was asked to stop, and the run in progress is saved.
    """
    desk = jobs.Desk(store, on_work, on_record, warn)
    jobs.perform(
        plan(store.missing(runs), data_dir, resume, keep_networks), desk, num_processes
    )


def plan(
    runs: Sequence[config.RunConfig],
    data_dir: str | None = None,
    resume: str = "auto",
    keep_networks: Collection[str] = (),
) -> list[jobs.Job]:
    """Returns the jobs that train runs; arguments as of `execute`.

    Raises:
      UserError: a run does not fit its data.
    """
    costs = {run.key: cost.seconds(run, run.key in keep_networks) for run in runs}
    by_engine = collections.defaultdict(list)
    # Cheap runs first: first results soon, and the time left is learned early.
    for run in sorted(runs, key=lambda run: costs[run.key]):
        by_engine[routing.engine(run, run.key in keep_networks)].append(run)
    # `ensemble.plan` checks its own.
    check([*by_engine["minima"], *by_engine["loop"]], data_dir, keep_networks)

    def job(
        engine: routing.Engine,
        together: list[config.RunConfig],
        program: Hashable = None,
    ) -> jobs.Job:
        own = {run.key: costs[run.key] for run in together}
        work = _Training(engine, together, data_dir, resume, own)
        return jobs.Job(work, sum(own.values()), program)

    found = []
    for path in minima.paths(by_engine["minima"]):
        found.append(job("minima", path, path[0].model))
    for each in ensemble.plan(by_engine["ensemble"], data_dir):
        found.append(job("ensemble", each.runs, each.program))
    for alike, run in same_network.in_a_row(by_engine["loop"]):
        found.append(job("loop", [run], alike))
    return found


@dataclasses.dataclass(frozen=True)
class _Training:
    """The work of a job: trains runs by one engine, and keeps each record at once."""

    engine: routing.Engine
    runs: list[config.RunConfig]
    data_dir: str | None
    resume: str
    costs: dict[str, float]

    def __call__(self, desk: jobs.Desk) -> None:
        steps_left = {run.key: run.num_steps for run in self.runs}

        def on_steps(run: config.RunConfig, steps: int) -> None:
            key = run.key
            steps = min(steps, steps_left[key])  # some are taken again after a failure
            steps_left[key] -= steps
            desk.on_work(self.costs[key] * steps / run.num_steps)

        for record in self._train(desk, on_steps):
            if not record.hardware:  # only the loop, which others resume, names its own
                made_by = provenance.hardware(self.engine)
                record = dataclasses.replace(record, hardware=made_by)
            desk.store.add([record])
            on_steps(record.run, steps_left[record.run.key])
            desk.on_record(record)

    def _train(
        self, desk: jobs.Desk, on_steps: Callable[[config.RunConfig, int], None]
    ) -> Iterator[records.RunRecord]:
        if self.engine == "minima":
            yield from minima.train(self.runs, self.data_dir)
        elif self.engine == "ensemble":
            yield from ensemble.train_together(
                self.runs, self.data_dir, on_steps, desk.warn
            )
        else:
            yield from self._train_one_by_one(desk.store, on_steps)

    def _train_one_by_one(
        self,
        store: records.RunStore,
        on_steps: Callable[[config.RunConfig, int], None],
    ) -> Iterator[records.RunRecord]:
        options = loop.Options(data_dir=self.data_dir, resume=self.resume)
        for run in self.runs:
            folder = store.network(run).parent
            record = loop.train(run, folder, options, _StepCounter(run, on_steps))
            if record is not None:
                yield record
                checkpoints.remove_all(folder)  # its summary has the record, too


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
