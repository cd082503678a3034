"""Runs of one of our networks for the rule of thumb, of which every record is kept."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from bsgen import config, data, errors
from bsgen.models import losses
from bsgen.sweeps import training
from bsgen.training import cost, records, step_plan
from bsgen.tuning.procedures import outcomes, settings

_WORST = -float(np.finfo(np.float32).max)  # score of a loss that is not finite


class RecordedRuns:
    """Trains settings for a few epochs; see `tuning.find_boundary`.

    Attributes:
      metric: name of what decides: on the validation set, if there is one, otherwise on
        the test set.
      lower_is_better: whether less of it is better.
      train_size: N.
    """

    def __init__(
        self,
        run: config.RunConfig,
        num_epochs: float,
        store: records.RunStore,
        data_dir: str | None = None,
        keeps_subset: bool = False,
        on_work: Callable[[float], None] = lambda seconds: None,
    ):
        """Opens the data.

        Args:
          run: what all runs share; its seed is that of repeat 0.
          num_epochs: of every run.
          store: keeps the runs, and those that it has are not trained again.
          data_dir: where prepared datasets lie.
          keeps_subset: whether all runs take the run's training subset; otherwise a
            repeat draws its own.
          on_work: called with expected seconds of work that are done.

        Raises:
          UserError: the run does not fit its data.
        """
        self._run, self._num_epochs, self._store = run, num_epochs, store
        self._data_dir, self._keeps_subset = data_dir, keeps_subset
        self._on_work = on_work
        metrics = losses.of_run(run).metrics
        deciding = max(metrics, key=lambda each: each.higher_is_better)
        part = "validation" if run.data.validation_size else "test"
        self.metric = f"{part}_{deciding.name}"
        self.lower_is_better = not deciding.higher_is_better
        source = data.load_source(run.data, data_dir)
        self._num_classes = source.num_classes
        self.train_size = len(data.split(source, run.data).train)

    def baseline_score(self, batch_size: int) -> float:
        """Returns the score to beat: chance for an accuracy, or an untrained network's.

        Args:
          batch_size: at which that takes its only step.
        """
        if not self.lower_is_better:
            return 1.0 / self._num_classes
        untrained = dataclasses.replace(
            self._configure(settings.Setting(batch_size, 1e-6, 0.0), 0),
            num_steps=1,
            evaluation_steps=(0,),
        )
        (record,) = self._execute([untrained])
        return self._score(record.curve[self.metric][0])

    def seconds(self, setting: settings.Setting, repeats: tuple[int, ...]) -> float:
        """Returns how long `train` is expected to take."""
        runs = [self._configure(setting, repeat) for repeat in repeats]
        return sum(map(cost.seconds, self._store.missing(runs)))

    def train(
        self, setting: settings.Setting, repeats: tuple[int, ...]
    ) -> outcomes.Outcome:
        """Trains a setting once a repeat.

        Raises:
          UserError: a run failed.
        """
        runs = [self._configure(setting, repeat) for repeat in repeats]
        found = self._execute(runs)
        scores = [self._score(each.final.get(self.metric)) for each in found]
        num_steps = sum(run.num_steps for run in runs)
        return outcomes.Outcome(
            dict(zip(repeats, scores, strict=True)),
            "diverged" if any(r.status == "diverged" for r in found) else "completed",
            num_steps,
            num_steps * setting.batch_size,
            sum(each.seconds for each in found),
        )

    def _configure(self, setting: settings.Setting, repeat: int) -> config.RunConfig:
        seed = self._run.seed + repeat
        drawn = self._run.data
        if not self._keeps_subset:
            drawn = dataclasses.replace(drawn, subset_seed=seed)
        run = dataclasses.replace(
            self._run,
            data=drawn,
            batch_size=setting.batch_size,
            optimizer=dataclasses.replace(
                self._run.sgd,
                learning_rate=setting.learning_rate,
                momentum=setting.momentum,
            ),
            num_steps=1,
            evaluation_steps=(),
            seed=seed,
        )
        num_steps = step_plan.num_steps_in_epochs(
            self._num_epochs, run, self.train_size
        )
        return dataclasses.replace(run, num_steps=num_steps)

    def _execute(self, runs: list[config.RunConfig]) -> list[records.RunRecord]:
        failed = training.train(
            [runs],
            self._store,
            self._data_dir,
            self._on_work,
            warn=lambda line: None,
        )
        for run in runs:
            if run.key in failed:
                raise errors.UserError("batch_size", run.batch_size, failed[run.key])
        return [record for run in runs if (record := self._store.find(run))]

    def _score(self, value: float | None) -> float:
        if value is None or not math.isfinite(value):
            return _WORST if self.lower_is_better else 0.0
        return -value if self.lower_is_better else value
