"""The columns of table 1 of Hoffer et al. (2017): from the small batch to adaptation.

Most figures compare the same runs, so all take them from here, and a run that two of
them need is trained once.
"""

import dataclasses
import math

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.studies import tasks
from bsgen.training import large_batch

SB, LB, LR, GBN, RA = STAGES = ("SB", "LB", "+LR", "+GBN", "+RA")
NOISE = "noise"  # multiplicative noise in place of a larger rate, figure 6
WORDS = {
    SB: "small batch",
    LB: "large batch, equal epochs",
    LR: "square-root learning rate",
    GBN: "and ghost batch normalization",
    RA: "and as many updates",
    NOISE: "multiplicative noise",
}


@dataclasses.dataclass(frozen=True)
class Regime:
    """A network, its data, how the small batch trains it, and the way to a large one.

    Attributes:
      name: for people, such as "F1, MNIST".
      task: of the small batch.
      large_batch_size: B_L.
      ghost_batch_size: of the stages with ghosts.
      clip_norm: bound on the gradient's norm wherever the rate or the noise is scaled.
      clip_steps: for how many steps; None for all.
      row: the row of table 1 that it is, or is a smaller version of.
      paper: validation accuracies of that row by stage.
      rate_batch_size: of the released code, None for the paper's words. The code takes
        the rate of `task` times sqrt(B / this) at every batch size B, with ghosts times
        sqrt(B / ghost), and as it is for `LB`; ghosts average unbiased variances.
    """

    name: str
    task: tasks.Task
    large_batch_size: int
    ghost_batch_size: int
    clip_norm: float
    clip_steps: int | None
    row: str
    paper: dict[str, float]
    rate_batch_size: int | None = None

    @property
    def small_batch_size(self) -> int:
        """B_S."""
        return self.task.batch_size

    def run(
        self, stage: str, seed: int, batch_size: int | None = None
    ) -> config.RunConfig:
        """Returns a run.

        Args:
          stage: of `STAGES`, or `NOISE`. `LB` may have any batch size, and with the
            small one it is `SB`.
          seed: of the repeat.
          batch_size: None for the regime's large one; not used by `SB`.
        """
        size = batch_size or self.large_batch_size
        if stage == SB or (stage == LB and size == self.small_batch_size):
            stage, size = SB, self.small_batch_size
        run = self._run(stage, seed, size)
        if self.rate_batch_size is None:
            return run
        return self._as_released(run, stage, self.rate_batch_size)

    def _run(self, stage: str, seed: int, size: int) -> config.RunConfig:
        small = self.task.run(seed=seed, weight_distance=True)
        if stage == SB:
            return small
        if stage == LB:
            return large_batch.at_batch_size(small, size)
        remedies = large_batch.Remedies(
            scaling="none" if stage == NOISE else "sqrt",
            loss_noise=stage == NOISE,
            ghost_batch_size=self.ghost_batch_size if stage in (GBN, RA) else None,
            clip_norm=self.clip_norm,
            clip_steps=self.clip_steps,
            adapts_regime=stage == RA,
        )
        return large_batch.adapted(small, size, remedies)

    def _as_released(
        self, run: config.RunConfig, stage: str, base: int
    ) -> config.RunConfig:
        size = self.small_batch_size if stage == NOISE else run.batch_size or 0
        model = run.model
        if model.normalization == "ghost":
            base = self.ghost_batch_size
            model = dataclasses.replace(model, running_spread="variance", unbiased=True)
        factor = 1.0 if stage == LB else math.sqrt(size / base)
        rate = factor * self.task.optimizer.learning_rate
        optimizer = dataclasses.replace(run.sgd, learning_rate=rate)
        return dataclasses.replace(run, model=model, optimizer=optimizer)


def stages(runs: pd.DataFrame, known: list[Regime]) -> pd.DataFrame:
    """Returns the runs with two more columns, found by their keys.

    Args:
      runs: rows of `Results.runs`.
      known: the regimes that they may belong to.

    Returns:
      `regime`, its name, and `stage`; NaN where a run is of no regime.
    """
    found: dict[str, tuple[str, str]] = {}
    for regime in known:
        own = runs[_may_be_of(runs, regime)]
        for seed in own["seed"].unique():
            for size in own["batch_size"].unique():
                larger = size >= regime.small_batch_size
                for stage in (*STAGES, NOISE) if larger else (LB,):
                    run = regime.run(stage, int(seed), int(size))
                    found.setdefault(run.key, (regime.name, stage))
    pairs = [found.get(key, (None, None)) for key in runs["key"]]
    names, labels = zip(*pairs, strict=True) if pairs else ((), ())
    return runs.assign(regime=list(names), stage=list(labels))


def drop_steps(run: pd.Series) -> list[int]:
    """Returns after how many steps the learning rate of a run drops, each time.

    Args:
      run: a row of `Results.runs`.
    """
    text = run.get("schedule")
    schedule = config.parse_schedule(text) if isinstance(text, str) else None
    if not isinstance(schedule, config.Stepwise):
        return []
    unit = 1.0
    if schedule.unit == "epochs":
        unit = run["train_size"] / run["batch_size"]
    return [math.ceil(unit * boundary - 1e-6) for boundary in schedule.boundaries]


def first_phase_steps(runs: pd.DataFrame) -> pd.Series:
    """Returns for each run how many steps it takes before the rate first drops."""
    steps = [(*drop_steps(run), run["num_steps"])[0] for _, run in runs.iterrows()]
    return pd.Series(steps, runs.index, dtype=int)


def steps_before_drop(
    schedule: config.Schedule | None, steps_per_epoch: float, num_steps: int
) -> int:
    """Returns how many of a run's steps precede the first drop of the rate."""
    if not isinstance(schedule, config.Stepwise):
        return num_steps
    first = schedule.boundaries[0]
    if schedule.unit == "epochs":
        first *= steps_per_epoch
    return math.ceil(first - 1e-6)


def _may_be_of(runs: pd.DataFrame, regime: Regime) -> np.ndarray:
    """Returns which runs have the dataset and network of a regime."""
    same = runs["dataset"] == regime.task.data.name
    return (same & (runs["model"] == regime.task.model.name)).to_numpy()
