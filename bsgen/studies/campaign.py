"""Carries out studies: trains the missing runs, measures, and writes the results.

The missing runs of all studies are trained together, so that figures share the runs
that they have in common and equal programs are compiled once. Measurements follow. A
study is written as soon as all that it needs has finished.
"""

import dataclasses
import logging
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bsgen import config, data, interrupts
from bsgen.files import folder_lock
from bsgen.studies import folder, measurement, measurement_store, outcome, study, tables
from bsgen.training import cost, jobs, provenance, records

_LOGGER = logging.getLogger(__name__)
# The rows of a measurement, its wall time, and the hardware that it was made on.
_Measured = tuple[Sequence[Mapping[str, Any]], float, dict[str, str]]


class Campaign:
    """Studies of one scale that share an output folder.

    Attributes:
      missing: the runs that are still to be trained.
      unmeasured: the measurements that are still to be made.

    No other campaign may use the folder until this one is closed, at the end of a
    `with`, or the process ends.
    """

    def __init__(
        self,
        studies: Sequence[study.Study],
        scale: str,
        output_dir: str,
        num_seeds: int | None = None,
        data_dir: str | None = None,
        force: bool = False,
        warn: Callable[[str], None] = _LOGGER.warning,
    ):
        """Plans the runs, looks for their data and takes the study folders.

        TensorFlow is not loaded yet, so that mistakes show at once.

        Args:
          studies: to carry out.
          scale: that all of them have.
          output_dir: where runs and results are kept.
          num_seeds: repeats; None takes the scale's own number.
          data_dir: where prepared datasets lie.
          force: replaces study folders of another configuration, and trains finished
            runs again.
          warn: called with one line for each oddity in the records that is no error.

        Raises:
          UserError: a study lacks the scale, a dataset is not prepared, another process
            uses the output folder, or a folder holds something else or cannot be
            written.
        """
        self._data_dir = data_dir
        self._output_dir = pathlib.Path(output_dir)
        self._plans = [
            (s, s.runs(scale, num_seeds), s.measurements(scale, num_seeds))
            for s in studies
        ]
        runs = [run for _, planned, _ in self._plans for run in planned]
        measurements = [entry for *_, planned in self._plans for entry in planned]
        read = {run.data.name for run in runs}
        for name in sorted(read.union(*(entry.datasets for entry in measurements))):
            data.find(name).require(data_dir)
        self._lock = folder_lock.FolderLock(self._output_dir)
        self._lock.take()
        try:
            self._claim_folders(scale, force)
            self._store = records.RunStore(self._output_dir, warn)
            self._measured = measurement_store.MeasurementStore(self._output_dir, warn)
        except BaseException:
            self.close()
            raise
        self._resume = "never" if force else "auto"
        self._warn = warn
        if force:
            self._store.forget(runs)
            self._measured.forget(measurements)
        self.unmeasured = self._measured.missing(measurements)
        measured = {run.key: run for entry in self.unmeasured for run in entry.runs}
        self._keep_networks = {*measured}
        # Records that were made elsewhere, or by an ensemble, come without networks.
        self._store.forget(filter(self._lacks_network, measured.values()))
        self.missing = self._store.missing(runs)

    def __enter__(self) -> "Campaign":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Releases the output folder for other campaigns."""
        self._lock.release()

    @property
    def expected_seconds(self) -> float:
        """What a process of one thread is expected to take for what is missing."""
        training = sum(
            cost.seconds(run, run.key in self._keep_networks) for run in self.missing
        )
        return training + self._measuring

    def seconds_at(self, speed: cost.Speed, most_processes: int = 1) -> float:
        """Returns the expected wall time of what is missing, on any machine.

        With what its runs share, unlike `expected_seconds`; measurements as on one
        core of an AMD EPYC.
        """
        return cost.total_seconds(
            self.missing, self._keep_networks, speed, self._measuring, most_processes
        )

    @property
    def _measuring(self) -> float:
        return sum(entry.seconds for entry in self.unmeasured)

    @interrupts.kept()
    def run(
        self,
        on_work: Callable[[float], None] = lambda seconds: None,
        on_study: Callable[[study.Study], None] = lambda finished: None,
        num_processes: int = 1,
    ) -> None:
        """Trains and measures what is missing and writes the results of every study.

        Args:
          on_work: called with the expected seconds of work just done.
          on_study: called with each study whose results have been written.
          num_processes: that do the work; see `jobs.perform`.

        Raises:
          UserError: a run does not fit its data, and nothing has been trained; or as
            `jobs.perform`.
          Interrupted: as `jobs.perform`.
        """
        waiting = [  # with the keys, which take time to compute
            (planned, [run.key for run in runs], [entry.key for entry in entries])
            for planned, runs, entries in self._plans
        ]

        def finish_studies() -> None:
            for entry in list(waiting):
                planned, runs, rows = entry
                results = tables.recorded_results(
                    runs, self._store, rows, self._measured
                )
                if results is not None:
                    waiting.remove(entry)
                    outcome.write(self._output_dir, planned, results)
                    on_study(planned)

        def job(entry: measurement.Measurement) -> jobs.Job:
            def keep(result: _Measured) -> None:
                self._measured.add(entry, *result)
                self.unmeasured.remove(entry)
                on_work(entry.seconds)
                finish_studies()

            work = _Measuring(
                entry, self._measured.folder(entry), self._data_dir, self._resume
            )
            needs = tuple(run.key for run in entry.needs)
            return jobs.Job(work, entry.seconds, needs=needs, on_result=keep)

        finish_studies()
        work = [job(entry) for entry in self.unmeasured]
        if self.missing:
            from bsgen.training import execution  # loads TensorFlow

            work[:0] = execution.plan(
                self.missing, self._data_dir, self._resume, self._keep_networks
            )
        desk = jobs.Desk(
            self._store, on_work, lambda record: finish_studies(), self._warn
        )
        jobs.perform(work, desk, num_processes)
        self.missing = []

    def _lacks_network(self, run: config.RunConfig) -> bool:
        record = self._store.find(run)
        completed = record is not None and record.status == "completed"
        return completed and not self._store.network(run).exists()

    def _claim_folders(self, scale: str, force: bool) -> None:
        for planned, runs, entries in self._plans:
            found = folder.Folder(self._output_dir, planned.name)
            found.check(scale, runs, entries, force)
        for planned, runs, entries in self._plans:  # nothing is written before all fit
            found = folder.Folder(self._output_dir, planned.name)
            found.claim_for(scale, runs, entries, force)


@dataclasses.dataclass(frozen=True)
class _Measuring:
    """The work of a job: makes a measurement."""

    entry: measurement.Measurement
    folder: pathlib.Path
    data_dir: str | None
    resume: str

    def __call__(self, desk: jobs.Desk) -> _Measured:
        begun = time.perf_counter()
        place = measurement.Place(desk.store, self.folder, self.data_dir, self.resume)
        rows = self.entry.measure(place)
        seconds = time.perf_counter() - begun
        return rows, seconds, provenance.hardware(self.entry.engine)
