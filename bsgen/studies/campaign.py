"""Brings studies to their results: trains the runs that are missing, judges the claims.

The missing runs of all studies are trained together, so that figures that need the same
run share it and equal programs are compiled once; a study is written as soon as its
last run has finished.
"""

import pathlib
from collections.abc import Callable, Sequence

from bsgen import config, data
from bsgen.studies import folder, study, tables
from bsgen.training import cost, records


class Campaign:
    """Studies of one scale that share an output folder."""

    def __init__(
        self,
        studies: Sequence[study.Study],
        scale: str,
        output_dir: str,
        num_seeds: int | None = None,
        data_dir: str | None = None,
        force: bool = False,
    ):
        """Plans the runs, looks for their data and takes the study folders.

        TensorFlow is not loaded yet, so a mistake shows at once.

        Args:
          studies: to bring to results.
          scale: one that all of them have.
          output_dir: where runs and results are kept.
          num_seeds: repeats; None takes the scale's own number.
          data_dir: where prepared datasets lie.
          force: replaces study folders of another configuration and trains again what
            has finished.

        Raises:
          UserError: a study lacks the scale, a dataset is not prepared, or a folder
            holds something else or cannot be written.
        """
        self._studies = tuple(studies)
        self._data_dir = data_dir
        self._output_dir = pathlib.Path(output_dir)
        self._runs = {s.name: s.runs(scale, num_seeds) for s in studies}
        runs = [run for of_study in self._runs.values() for run in of_study]
        self._store = records.RunStore(self._output_dir)
        for name in {run.data.name for run in runs}:
            data.require(name, data_dir)
        for name, of_study in self._runs.items():
            self._folder(name).check(scale, of_study, force)
        for name, of_study in self._runs.items():  # nothing is written before all fit
            self._folder(name).claim_for(scale, of_study, force)
        self._resume = "never" if force else "auto"
        if force:
            self._store.forget(runs)
        self._missing = self._store.missing(runs)

    @property
    def missing(self) -> list[config.RunConfig]:
        """The runs that are still to be trained."""
        return list(self._missing)

    @property
    def expected_seconds(self) -> float:
        """The expected wall time of the missing runs on two cores."""
        return sum(cost.seconds(run) for run in self._missing)

    def run(
        self,
        on_work: Callable[[float], None] = lambda seconds: None,
        on_study: Callable[[study.Study], None] = lambda finished: None,
    ) -> None:
        """Trains the missing runs and writes the results of every study.

        Args:
          on_work: called with the expected seconds of work just done.
          on_study: called with each study whose results have been written.

        Raises:
          UserError: a run does not fit its data; nothing has been trained then.
          Interrupted: as `execution.execute`.
        """
        waiting = {
            name: {run.key for run in self._store.missing(runs)}
            for name, runs in self._runs.items()
        }
        by_name = {s.name: s for s in self._studies}

        def finish_studies() -> None:
            for name in [name for name, keys in waiting.items() if not keys]:
                del waiting[name]
                self._write(by_name[name])
                on_study(by_name[name])

        def on_record(record: records.RunRecord) -> None:
            for keys in waiting.values():
                keys.discard(record.run.key)
            finish_studies()

        finish_studies()
        if self._missing:
            from bsgen.training import execution  # loads TensorFlow

            execution.execute(
                self._missing,
                self._store,
                self._data_dir,
                on_work,
                on_record,
                self._resume,
            )
            self._missing = []

    def _write(self, finished: study.Study) -> None:
        found = [self._store.find(run) for run in self._runs[finished.name]]
        results = tables.results([record for record in found if record is not None])
        self._folder(finished.name).write_results(results, finished.judge(results))

    def _folder(self, name: str) -> folder.Folder:
        return folder.Folder(self._output_dir, name)
