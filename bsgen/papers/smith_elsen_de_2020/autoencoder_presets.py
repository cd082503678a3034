"""The autoencoder of Smith, Elsen & De (2020), appendix B, by scale.

The paper leaves open activation, initialisation, output and training loss. At `paper`
they are those of Sutskever et al. (2013), to whom it refers, as far as these say:
sigmoid units and sparse initial weights; with them only sigmoid outputs let SGD on
squared errors leave the mean image. Smaller scales have tanh units, Glorot weights and
linear outputs, which train in a tenth of the steps. How the quick settings were found
on validation data is in BUILD_NOTES.md.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import pandas as pd

from bsgen import config
from bsgen.papers.smith_elsen_de_2020 import grids, optima, presets
from bsgen.papers.smith_elsen_de_2020.epoch_budgets import Metric
from bsgen.studies import best_runs, budgets, tasks

METRICS = optima.Metrics("test MSE", "final training MSE", "final_train_mse")
_SELECTION = {
    "quick": best_runs.Selection(5, 7, "final_test_mse", False, math.inf),
    "reduced": best_runs.Selection(4, 5, "final_test_mse", False, math.inf),
    "paper": best_runs.Selection(5, 7, "final_test_mse", False, math.inf),
}
_TANH = {"activation": "tanh"}
_SGD = config.MomentumConfig(l2=1e-5, schedule=presets.SCHEDULE)
_TASKS = {
    # So few images that the network overfits them.
    "quick": tasks.Task(
        config.DataConfig("digits", 100, scaling="unit_interval"),
        config.ModelConfig(
            "dense_autoencoder", (48, 24, 12, 6, 12, 24, 48), activation="tanh"
        ),
        _SGD,
        batch_size=8,
        budget=budgets.Epochs(256, rounds_down=True),
        num_seeds=7,
        loss="squared_error",
    ),
    # A tenth of the widths, half of the code, and a 25th of the images.
    "reduced": tasks.Task(
        config.DataConfig("mnist", 2048, scaling="unit_interval"),
        config.ModelConfig(
            "dense_autoencoder", (100, 50, 25, 15, 25, 50, 100), activation="tanh"
        ),
        _SGD,
        batch_size=64,
        budget=budgets.Epochs(100, rounds_down=True),
        num_seeds=5,
        loss="squared_error",
    ),
    # 156,250 steps are 200 epochs in batches of 64 if there are 50,000 images.
    "paper": tasks.Task(
        config.DataConfig("mnist", 50_000, scaling="unit_interval"),
        config.ModelConfig(
            "autoencoder",
            activation="sigmoid",
            output_activation="sigmoid",
            initialization="sparse",
        ),
        _SGD,
        batch_size=64,
        budget=budgets.Epochs(200, rounds_down=True),
        num_seeds=7,
        loss="squared_error",
    ),
}


def _rising(
    per_example: float, highest: Mapping[float, float], factors: Sequence[float]
) -> grids.Rates:
    """Returns the rates around those that rise with the batch size up to a limit.

    Args:
      per_example: expected optimal effective rate over the batch size, where small.
      highest: the limit by momentum.
      factors: of these the ones that are tried.
    """

    def rates(batch_size: int, momentum: float) -> tuple[float, ...]:
        centre = min(per_example * batch_size, highest[momentum])
        return tuple(centre * factor for factor in factors)

    return rates


FIGURE_8 = {
    "quick": optima.Setting(
        grids.Grid(
            _TASKS["quick"].changed(num_seeds=10),
            (2, 3, 4, 6, 8, 16, 32, 64, 100),
            _rising(
                2.0**-7, {0.0: 2.0**-4, 0.9: 2.0**-2}, grids.powers_of_two(-2, 1.5, 2)
            ),
        ),
        _SELECTION["quick"],
        last={0.0: 8, 0.9: 16},
        margin=0.1,
    ),
    "reduced": optima.Setting(
        grids.Grid(
            _TASKS["reduced"],
            (4, 8, 16, 32, 64, 128, 256),
            _rising(2.0**-9, {0.0: 2.0**-6, 0.9: 2.0**-4}, grids.powers_of_two(-3, 2)),
        ),
        _SELECTION["reduced"],
        last={0.0: 16, 0.9: 32},
        margin=0.5,
    ),
    # "The test MSE of SGD with momentum ... begins to rise when the batch size exceeds
    # 128", that of SGD beyond 16. Batch sizes and rates are our choice: around the 0.08
    # of table 7 at 64.
    "paper": optima.Setting(
        grids.Grid(
            _TASKS["paper"],
            tuple(2**k for k in range(2, 13)),
            _rising(0.08 / 64, {0.0: 0.02, 0.9: 0.16}, grids.powers_of_two(-3, 3)),
        ),
        _SELECTION["paper"],
        last={0.0: 16, 0.9: 128},
        margin=0.05,
    ),
}


def _constant_steps(
    scale: str,
    num_steps: int,
    batch_sizes: Sequence[int],
    rates: Sequence[float],
    num_seeds: int | None = None,
) -> grids.Grid:
    """Returns a grid with momentum under a constant step budget."""
    task = _TASKS[scale]
    repeats = num_seeds or task.num_seeds
    task = task.changed(budget=budgets.Steps(num_steps), num_seeds=repeats)
    momenta = (task.optimizer.momentum,)
    return grids.Grid(task, batch_sizes, lambda size, momentum: rates, momenta)


# `last` is the batch size up to which the training MSE falls.
TABLE_7 = {
    "quick": optima.Setting(
        _constant_steps(
            "quick", 1600, (16, 64, 100), grids.powers_of_two(-5.5, -2, 2), 28
        ),
        _SELECTION["quick"],
        last={0.9: 64},
    ),
    "reduced": optima.Setting(
        _constant_steps("reduced", 6400, (32, 128, 512), grids.powers_of_two(-6, -2)),
        _SELECTION["reduced"],
        last={0.9: 512},
    ),
    "paper": optima.Setting(
        _constant_steps(
            "paper",
            156_250,
            (64, 256, 1024, 4096),
            tuple(0.08 * rate for rate in grids.powers_of_two(-3, 3)),
        ),
        _SELECTION["paper"],
        last={0.9: 1024},
    ),
}


@dataclasses.dataclass(frozen=True)
class Budgets:
    """What figure 10 trains at one scale, with momentum 0.9.

    Attributes:
      task: at its batch size; the budget is replaced by each of `epochs`.
      epochs: the budgets, rising.
      rates: the effective rates tried at each.
      compared_rates: the larger and the smaller one of panel (d).
      num_evaluations: of a run of the longest budget, even.
      selection: which runs count on the test set.
    """

    task: tasks.Task
    epochs: Sequence[int]
    rates: Sequence[float]
    compared_rates: tuple[float, float]
    num_evaluations: int
    selection: best_runs.Selection

    @property
    def test(self) -> Metric:
        """What rates are optimal for on the test set."""
        return Metric("test MSE", self.selection)

    @property
    def training(self) -> Metric:
        """What they are optimal for on the training set."""
        of_train = dataclasses.replace(self.selection, column="final_train_mse")
        return Metric("training MSE", of_train)


FIGURE_10 = {
    "quick": Budgets(
        _TASKS["quick"].changed(num_seeds=10),
        tuple(2**k for k in range(5, 11)),
        grids.powers_of_two(-8, -1.5, 2),
        (2.0**-4, 2.0**-6),
        40,
        _SELECTION["quick"],
    ),
    "reduced": Budgets(
        _TASKS["reduced"].changed(train_size=1024, batch_size=32),
        tuple(20 * 2**k for k in range(6)),
        grids.powers_of_two(-8, -2),
        (2.0**-4, 2.0**-6),
        40,
        _SELECTION["reduced"],
    ),
    # "A batch size of 32"; panel (d) has 800 epochs and the rates 0.004 and 0.002 with
    # momentum 0.9. The other budgets, and the rates tried, are our choice.
    "paper": Budgets(
        dataclasses.replace(_TASKS["paper"], batch_size=32),
        tuple(25 * 2**k for k in range(6)),
        tuple(0.04 * rate for rate in grids.powers_of_two(-4, 3)),
        (0.04, 0.02),
        40,
        _SELECTION["paper"],
    ),
}


def of_runs(runs: pd.DataFrame) -> Budgets:
    """Returns the setting of figure 10 that runs were made at.

    Args:
      runs: rows of `Results.runs`, all of one scale.

    Raises:
      ValueError: they are of none.
    """
    first = runs.iloc[0]
    for setting in FIGURE_10.values():
        data = setting.task.data
        if (data.name, data.train_size) == (first["dataset"], first["train_size"]):
            return setting
    raise ValueError("the runs are of no scale of this study")
