"""One run of an ensemble: what it needs from step to step, and its record."""

import bisect
import dataclasses
import functools

from bsgen import config, data
from bsgen.training import records, step_plan


@dataclasses.dataclass(eq=False)
class Member:
    """A run, its split of the pool, and what has been recorded of it so far.

    Attributes:
      run: its configuration.
      split: of the pool.
      curve, final: see `records.RunRecord`.
      diverged: whether a weight has stopped being finite.
      seconds: this run's share of the time so far.
    """

    run: config.RunConfig
    split: data.Split
    curve: dict[str, list[float | None]] = dataclasses.field(default_factory=dict)
    final: dict[str, float | None] = dataclasses.field(default_factory=dict)
    diverged: bool = False
    seconds: float = 0.0

    @property
    def batch_size(self) -> int:
        """The run's batch size before any schedule, perhaps the full batch."""
        return step_plan.base_batch_size(self.run, len(self.split.train))

    @functools.cached_property
    def plan(self) -> step_plan.Plan:
        """Batch size and learning rate of each step."""
        # Equal but for their seeds, runs share a plan.
        alike = dataclasses.replace(self.run, seed=0)
        return _plan(alike, len(self.split.train))

    def takes(self, step: int) -> bool:
        """Whether the run takes the step of this number."""
        return step < self.run.num_steps and not self.diverged

    def is_due(self, step: int) -> bool:
        """Whether the run is evaluated after so many steps."""
        return not self.diverged and step in self.evaluations

    def next_evaluation(self, step: int) -> int:
        """The next evaluation after so many steps, of a run that has not ended."""
        steps = self.run.evaluation_steps
        return steps[bisect.bisect_right(steps, step)]

    @functools.cached_property
    def evaluations(self) -> frozenset[int]:
        """The steps after which the run is evaluated."""
        return frozenset(self.run.evaluation_steps)

    def batch_size_at(self, step: int) -> int:
        """The batch size of a step; after the end, that of the last one."""
        return int(self.plan.batch_sizes[min(step, self.run.num_steps - 1)])

    def add(self, step: int, metrics: dict[str, float]) -> None:
        """Adds an evaluation to the curve; the last one is also the final one."""
        place = {"step": step, "epoch": float(self.plan.epochs[step])}
        for name, value in {**place, **metrics}.items():
            self.curve.setdefault(name, []).append(value)
        self.final = dict(metrics)

    def to_record(self) -> records.RunRecord:
        """Returns the record of the run at its end."""
        if self.diverged:
            return records.RunRecord(self.run, "diverged", self.curve, {}, self.seconds)
        return records.RunRecord(
            self.run, "completed", self.curve, self.final, self.seconds
        )


@functools.lru_cache(maxsize=32)
def _plan(run: config.RunConfig, train_size: int) -> step_plan.Plan:
    return step_plan.make(run, train_size)
