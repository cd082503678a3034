"""What figures 7 and 9 and table 6 train: the word-level LSTM, by scale.

Smith, Elsen & De (2020), appendix B.2: the medium network of Zaremba et al. (2014) on
Penn Treebank, its gradient clipped at 5. As in the code of Zaremba et al. that is the
gradient of the SUM over the 35 tokens of a window, and of the mean over streams, which
sets the meaning of rate and clip (our reading; the paper does not say). At `quick` a
narrow LSTM reads a text from a Markov process, of which the best perplexity is known.
How its settings were found is in BUILD_NOTES.md.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from bsgen import config
from bsgen.papers.smith_elsen_de_2020 import grids, presets
from bsgen.papers.smith_elsen_de_2020.epoch_budgets import Metric
from bsgen.papers.smith_elsen_de_2020.optima import Metrics, Setting
from bsgen.studies import best_runs, budgets, tasks

PLAIN, HEAVY = 0.0, 0.9  # momenta
PERPLEXITY = Metrics("test perplexity", "training perplexity", "final_train_perplexity")
_SELECTION = {
    scale: best_runs.Selection(
        keep, of, "final_test_perplexity", higher_is_better=False, worst=math.inf
    )
    for scale, keep, of in (("quick", 7, 10), ("reduced", 2, 3), ("paper", 5, 7))
}
_PAPER = tasks.Task(
    # All of it: (929,589 - 1) / 35 windows.
    config.DataConfig("ptb", 26_559, scaling="none", sampling="contiguous"),
    config.ModelConfig("lstm", (650, 650), dropout=0.5),
    config.MomentumConfig(momentum=HEAVY, clip_norm=5.0, schedule=presets.SCHEDULE),
    batch_size=64,
    budget=budgets.Epochs(40, rounds_down=True),
    num_seeds=7,
    loss="summed_token_cross_entropy",
)
_TASKS = {
    "quick": dataclasses.replace(
        _PAPER,
        data=dataclasses.replace(_PAPER.data, name="markov_text", train_size=384),
        model=config.ModelConfig("lstm", (24,), dropout=0.2),
        batch_size=16,
        budget=budgets.Epochs(32, rounds_down=True),
        num_seeds=14,
    ),
    # A narrow network, and a 26th of the text: 11 s of one core a run of six epochs.
    "reduced": dataclasses.replace(
        _PAPER,
        data=dataclasses.replace(_PAPER.data, train_size=1024),
        model=config.ModelConfig("lstm", (32,), dropout=0.2),
        batch_size=16,
        budget=budgets.Epochs(6, rounds_down=True),
        num_seeds=3,
    ),
    "paper": _PAPER,
}
SCALES = tuple(_TASKS)
# A difference of perplexities that counts as none: about a hundredth of them.
_MARGIN = {"quick": 0.1, "reduced": 5.0, "paper": 1.0}


class _Expected(NamedTuple):
    """Where the optimal effective rates are expected; only the rates tried follow.

    Attributes:
      rate: at `batch_size`, from which on it goes with a power of the batch size.
      batch_size: of the task.
      exponent: that power.
      highest: by momentum, where curvature bounds it.
    """

    rate: float
    batch_size: int
    exponent: float
    highest: Mapping[float, float]

    def times(self, factors: Sequence[float]) -> grids.Rates:
        """Returns the rates to try: the one that is expected times these factors."""

        def rates(batch_size: int, momentum: float) -> Sequence[float]:
            grown = self.rate * (batch_size / self.batch_size) ** self.exponent
            # On one grid for all batch sizes, of the powers of the root of two.
            steps = round(2 * math.log2(min(grown, self.highest[momentum])))
            return [2.0 ** (steps / 2) * factor for factor in factors]

        return rates


_EXPECTED = {
    "quick": _Expected(0.5, 16, 1.0, {PLAIN: 4.0, HEAVY: 16.0}),
    "reduced": _Expected(1.0, 16, 1.0, {PLAIN: 2.0, HEAVY: 4.0}),
    # Table 6, whose rates are powers of the root of two.
    "paper": _Expected(2.0**1.5, 64, 0.5, {PLAIN: 2.0**1.5, HEAVY: 2.0**2.5}),
}
_FACTORS = {
    "quick": grids.powers_of_two(-1, 2, 2),
    "reduced": grids.powers_of_two(-1, 2),
    "paper": grids.powers_of_two(-2, 2, 2),
}


def _setting(
    scale: str,
    batch_sizes: Sequence[int],
    last: Mapping[float, int],
    num_steps: int | None = None,
    rates: grids.Rates | None = None,
) -> Setting:
    """Returns what is trained.

    Args:
      scale: of all the rest.
      batch_sizes: B.
      last: see `Setting`; of each momentum that is trained.
      num_steps: a constant step budget; None for the task's epochs.
      rates: to try; None for those around the expected ones.
    """
    task: tasks.Task = _TASKS[scale]
    if num_steps:
        task = dataclasses.replace(task, budget=budgets.Steps(num_steps))
    rates = rates or _EXPECTED[scale].times(_FACTORS[scale])
    grid = grids.Grid(task, batch_sizes, rates, tuple(last))
    return Setting(grid, _SELECTION[scale], last, _MARGIN[scale])


FIGURE_7 = {
    # 384 windows are the full batch.
    "quick": _setting(
        "quick", (4, 8, 16, 32, 64, 128, 256, 384), {PLAIN: 16, HEAVY: 16}
    ),
    "reduced": _setting("reduced", (4, 16, 64), {PLAIN: 16, HEAVY: 16}),
    # "When the batch size exceeds 128", and 64 for vanilla SGD.
    "paper": _setting(
        "paper", (8, 16, 32, 64, 128, 256, 512, 1024), {PLAIN: 64, HEAVY: 128}
    ),
}
TABLE_6 = {
    # The optimum hardly rises with the batch size here.
    "quick": _setting(
        "quick",
        (4, 8, 16, 32, 128),
        {HEAVY: 16},
        768,
        lambda batch_size, momentum: grids.powers_of_two(-2, 1.5, 2),
    ),
    "reduced": _setting("reduced", (4, 16, 32), {HEAVY: 16}, 192),
    "paper": _setting("paper", (16, 32, 64, 128, 256), {HEAVY: 64}, 16_560),
}


class Budgets(NamedTuple):
    """What figure 9 trains at one scale, with momentum and the task's batch size.

    Attributes:
      task: without its budget.
      epochs: the budgets.
      rates: the effective rates tried at each of them.
      selection: which runs count on the test set.
    """

    task: tasks.Task
    epochs: Sequence[int]
    rates: Sequence[float]
    selection: best_runs.Selection

    @property
    def test(self) -> Metric:
        """What a rate is optimal for on the test set."""
        return Metric(PERPLEXITY.test, self.selection)

    @property
    def training(self) -> Metric:
        """What it is optimal for on the training set."""
        selection = dataclasses.replace(self.selection, column=PERPLEXITY.column)
        return Metric(PERPLEXITY.training, selection)

    def runs(self, num_seeds: int | None) -> list[config.RunConfig]:
        """Returns every budget, rate and seed."""
        return [
            run
            for epochs in self.epochs
            for run in grids.Grid(
                dataclasses.replace(
                    self.task, budget=budgets.Epochs(epochs, rounds_down=True)
                ),
                (self.task.batch_size,),
                lambda batch_size, momentum: self.rates,
                (HEAVY,),
            ).runs(num_seeds)
        ]


FIGURE_9 = {
    scale: Budgets(_TASKS[scale], epochs, rates, _SELECTION[scale])
    for scale, epochs, rates in (
        ("quick", (4, 8, 16, 32, 64, 128), grids.powers_of_two(-4, 3)),
        ("reduced", (2, 6, 12), grids.powers_of_two(-1, 2)),
        # "Over two orders of magnitude", with the 56 beyond which the perplexity rises.
        (
            "paper",
            (7, 14, 28, 56, 112, 224, 448, 896),
            grids.powers_of_two(-3.5, 3.5, 2),
        ),
    )
}


def budgets_of(runs: pd.DataFrame) -> Budgets:
    """Returns what figure 9 trains at the scale that runs were made at.

    Raises:
      ValueError: they are of none.
    """
    dataset, train_size = runs.iloc[0][["dataset", "train_size"]]
    for found in FIGURE_9.values():
        data = found.task.data
        if (data.name, data.train_size) == (dataset, train_size):
            return found
    raise ValueError("the runs are of no scale of this study")
