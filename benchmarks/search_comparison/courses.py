"""The searches that are compared, and the course of each."""

import dataclasses
import pathlib
import tempfile
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.search_comparison import recorded_runs
from bsgen import tuning
from bsgen.tuning.keras_tuner_adapter import general_oracles, tuner
from bsgen.tuning.trainers import protocol


@dataclasses.dataclass(frozen=True)
class Space:
    """What all searches choose from, and their budget.

    Attributes:
      batch_sizes: rising.
      learning_rates: rising, half decades.
      momenta: rising.
      num_epochs: of a run.
      num_trials: of a general search; Hyperband gets at least as many epochs.
    """

    batch_sizes: tuple[int, ...]
    learning_rates: tuple[float, ...]
    momenta: tuple[float, ...]
    num_epochs: int
    num_trials: int

    def grid(self) -> list[tuning.Setting]:
        """Returns all settings."""
        return [
            tuning.Setting(size, rate, momentum)
            for size in self.batch_sizes
            for rate in self.learning_rates
            for momentum in self.momenta
        ]


class Spent(NamedTuple):
    """Where a search stands after a trial.

    Attributes:
      num_steps: parameter updates so far.
      num_examples: examples so far.
      best: the setting of the highest mean score so far; None before the first.
    """

    num_steps: int
    num_examples: int
    best: tuning.Setting | None


_NOTHING = Spent(0, 0, None)


class Course(NamedTuple):
    """A whole search; `chosen` is what it recommends at its end."""

    spent: list[Spent]
    chosen: tuning.Setting | None


class _Tuner(tuning.SettingTuner):
    def pre_create_trial(self) -> None:
        """Does not wait: here no worker is ever idle."""


def _follow(
    oracle: tuner.Oracle,
    trainer: recorded_runs.View,
    start: Spent,
) -> list[Spent]:
    course = [start]
    results: dict[tuning.Setting, tuning.Outcome] = {}

    def on_outcome(
        trained: tuning.Setting | tuning.Prefix, outcome: tuning.Outcome
    ) -> None:
        # A longer run of the same repeat takes the place of its prefix.
        setting = trained.whole if isinstance(trained, tuning.Prefix) else trained
        before = results.get(setting)
        results[setting] = outcome if before is None else before.merged(outcome)
        means = {one: result.mean for one, result in results.items() if result.scores}
        last = course[-1]
        course.append(
            Spent(
                last.num_steps + outcome.num_steps,
                last.num_examples + outcome.num_examples,
                max(means, key=lambda one: means[one] or 0.0, default=None),
            )
        )

    with tempfile.TemporaryDirectory() as folder:
        tuner = _Tuner(oracle, trainer, pathlib.Path(folder), 1, on_outcome)
        tuner.search(verbose=0)
    return course


def _procedure(
    procedure: tuning.AppendixD | tuning.Guided | tuning.Halving,
    trainer: recorded_runs.View,
) -> Course:
    start = _NOTHING
    if isinstance(procedure, tuning.Guided):
        start = Spent(procedure.measuring_steps, procedure.measuring_examples, None)
    oracle = tuning.BatchSizeHeuristic(procedure)
    course = _follow(oracle, trainer, start)
    found = oracle.review().recommendation
    return Course(course, found.setting if found else None)


def appendix_d(recorder: recorded_runs.Recorder, space: Space, search: int) -> Course:
    """Runs appendix D."""
    trainer = recorded_runs.View(recorder, search, None)
    procedure = tuning.AppendixD(
        batch_sizes=space.batch_sizes,
        **protocol.numbers(trainer),
    )
    return _procedure(procedure, trainer)


def guided(recorder: recorded_runs.Recorder, space: Space, search: int) -> Course:
    """Measures, then runs the guided variant."""
    trainer = recorded_runs.View(recorder, search, None)
    return _procedure(tuning.measured_guided(trainer), trainer)


def halving(recorder: recorded_runs.Recorder, space: Space, search: int) -> Course:
    """Runs successive halving."""
    trainer = recorded_runs.View(recorder, search, None)
    procedure = tuning.Halving(
        num_epochs=trainer.num_epochs,
        min_batch_size=min(space.batch_sizes),
        **protocol.numbers(trainer),
    )
    return _procedure(procedure, trainer)


def _general(
    name: str,
) -> Callable[[recorded_runs.Recorder, Space, int], Course]:
    def run(recorder: recorded_runs.Recorder, space: Space, search: int) -> Course:
        numbers = {"max_trials": space.num_trials}
        if name == "hyperband":  # an iteration takes about ten full trials
            numbers = {"num_iterations": max(1, round(space.num_trials / 10))}
        oracle = general_oracles.make(
            name,
            space.batch_sizes,
            space.learning_rates,
            space.num_epochs,
            seed=search,
            momenta=space.momenta,
            **numbers,
        )
        trainer = recorded_runs.View(recorder, search, NUM_RECORDED)
        course = _follow(oracle, trainer, _NOTHING)
        return Course(course, course[-1].best)

    return run


NUM_RECORDED = 5
SEARCHES = {
    "appendix D": appendix_d,
    "guided": guided,
    "halving": halving,
    "RandomSearch": _general("random"),
    "Hyperband": _general("hyperband"),
    "BayesianOptimization": _general("bayesian"),
}
