"""Runs that many searches share: each is trained once, and kept in a folder.

Learning rates are rounded to half decades before a run is trained, so that searches
that draw them at random share settings. A run's number is its seed: 0 to 99 are for
searches that look runs up, 100 to 999 for the true scores of settings, and the repeats
of search s by a procedure start at 1000 (s + 1).
"""

import dataclasses
import itertools
import math
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np

from bsgen import config, tuning
from bsgen.training import records
from bsgen.tuning.trainers import protocol

_SEARCHES = 1000


class Recorder(tuning.RunTrainer):
    """Trains the runs that its folder lacks."""

    def __init__(
        self,
        run: config.RunConfig,
        num_epochs: float,
        folder: pathlib.Path,
        data_dir: str | None,
    ):
        super().__init__(run, num_epochs, folder, data_dir)
        self._store = records.RunStore(folder)

    def _execute(self, runs: Sequence[config.RunConfig]) -> Iterator[records.RunRecord]:
        for record in super()._execute(self._store.missing(runs)):
            self._store.add([record])
        for run in runs:
            found = self._store.find(run)
            if found is not None:
                yield found

    def record(
        self, settings: Sequence[tuning.Setting], repeats: Sequence[int]
    ) -> Iterator[config.RunConfig]:
        """Trains settings together, much faster than one by one; yields each run."""
        runs = [
            self._configure(rounded(setting), repeat, self.num_epochs)
            for setting, repeat in itertools.product(settings, repeats)
        ]
        for record in super()._execute(self._store.missing(runs)):
            self._store.add([record])
            yield record.run


class View:
    """The trainer of one search: its own repeats, from the recorder.

    See `bsgen.tuning.trainers.protocol.Trainer`.
    """

    def __init__(self, recorder: Recorder, search: int, num_recorded: int | None):
        """Chooses the runs.

        Args:
          recorder: of all searches.
          search: its number.
          num_recorded: how many recorded repeats to cycle through; None for new ones.
        """
        self._recorder = recorder
        self._search = search
        self._num_recorded = num_recorded
        self.train_size = recorder.train_size
        self.num_epochs = recorder.num_epochs
        self.metric = recorder.metric
        self.lower_is_better = recorder.lower_is_better
        self.worst_score = recorder.worst_score
        self.baseline_score = recorder.baseline_score

    def train(
        self,
        setting: tuning.Setting,
        repeats: Sequence[int],
        num_epochs: float | None = None,
    ) -> tuning.Outcome:
        """Trains, or looks up; see `bsgen.tuning.trainers.protocol.Trainer`."""
        numbers = [self._number(repeat) for repeat in repeats]
        found = self._recorder.train(rounded(setting), numbers, num_epochs)
        scores = {
            repeat: found.scores[number]
            for repeat, number in zip(repeats, numbers, strict=True)
        }
        return dataclasses.replace(found, scores=scores)

    def subject(self, repeat: int = 0) -> protocol.Subject:
        """Returns what theory measures, with the seed of this search."""
        return self._recorder.subject(self._number(repeat))

    def _number(self, repeat: int) -> int:
        if self._num_recorded is None:
            return _SEARCHES * (self._search + 1) + repeat
        return (self._search + repeat) % self._num_recorded


class Truth:
    """The mean score of settings, by runs that no search has used."""

    def __init__(self, recorder: Recorder, first: int, num_repeats: int):
        self._recorder = recorder
        self._repeats = range(first, first + num_repeats)

    def score(self, setting: tuning.Setting) -> float:
        """Returns the mean over all repeats."""
        found = self._recorder.train(rounded(setting), self._repeats)
        return float(np.mean(list(found.scores.values())))


def rounded(setting: tuning.Setting) -> tuning.Setting:
    """Returns the setting with its learning rate rounded to half decades."""
    exponent = round(2 * math.log10(setting.learning_rate)) / 2
    return dataclasses.replace(setting, learning_rate=float(f"{10**exponent:.4g}"))
