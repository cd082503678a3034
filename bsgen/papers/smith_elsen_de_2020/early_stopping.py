"""Smith, Elsen & De (2020), figure 10: epoch budgets of the autoencoder.

Here the rate that is best on the test set falls as the budget grows, the opposite of
figures 2 and 9. Panel (d) gives the reason: at the longest budget a larger rate has
overfitted by the time of the first decay, so that when to stop matters more than noise.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen import config
from bsgen.papers.smith_elsen_de_2020 import (
    autoencoder_presets,
    early_stopping_figure,
    epoch_budget_claims,
    epoch_budgets,
    epoch_budgets_figure,
    grids,
)
from bsgen.papers.smith_elsen_de_2020.epoch_budgets import Budgets
from bsgen.studies import budgets, claims, estimates, study, tables


class Curves(NamedTuple):
    """Errors during training at the longest budget, at one effective rate.

    Attributes:
      rate: the initial effective learning rate.
      test: MSE, a row an evaluation (the epoch is the index), a column a seed.
      first_decay: the epoch of the evaluation at the first decay of the rate.
    """

    rate: float
    test: pd.DataFrame
    first_decay: float

    def overfitting(self) -> pd.Series:
        """Returns how far log test MSE has risen by the first decay, by seed.

        It has risen from the evaluation that is best for the other seeds, so that
        choosing the lowest of many does not make it seem to rise.
        """
        logs = np.log(self.test.loc[: self.first_decay])
        rises = {}
        for seed in logs.columns:
            others = logs.drop(columns=seed)
            chosen = (others if len(others.columns) else logs).mean(axis=1).idxmin()
            rises[seed] = logs[seed].iloc[-1] - logs.at[chosen, seed]
        return pd.Series(rises, dtype=float)


class Found(NamedTuple):
    """The budgets, and the curves of panel (d).

    Attributes:
      budgets: optimal rates on both sets.
      curves: of the larger rate, and of the smaller one.
    """

    budgets: Budgets
    curves: tuple[Curves, Curves]


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns every budget, learning rate and seed; the longest runs have curves."""
    setting = autoencoder_presets.FIGURE_10[scale]
    longest = max(setting.epochs)
    made = []
    for epochs in setting.epochs:
        count = setting.num_evaluations if epochs == longest else 0
        budget = budgets.Epochs(epochs, num_evaluations=count, rounds_down=True)
        grid = grids.Grid(
            setting.task.changed(budget=budget),
            (setting.task.batch_size,),
            lambda batch_size, momentum: setting.rates,
            (setting.task.optimizer.momentum,),
        )
        made += grid.runs(num_seeds)
    return made


def analyse(results: study.Results) -> Found:
    """Finds both optimal rates at every budget, and the curves at the longest."""
    setting = autoencoder_presets.of_runs(results.runs)
    test, train = (
        epoch_budgets.tune(results.runs, metric)
        for metric in (setting.test, setting.training)
    )
    rows = epoch_budgets.by_budget(results.runs)
    longest = rows[rows["num_epochs"] == test.budgets[-1]]
    larger, smaller = (
        _curves(results, longest, rate) for rate in setting.compared_rates
    )
    return Found(Budgets("autoencoder", test, train), (larger, smaller))


def judge(found: Found) -> list[claims.Claim]:
    """The opposite of figure 2: the rate for the test set falls; early stopping."""
    test, train = found.budgets.test, found.budgets.train
    return [
        epoch_budget_claims.improves(test),
        epoch_budget_claims.gets_worse(test),
        epoch_budget_claims.falls_throughout(train),
        epoch_budget_claims.rate_falls(test),
        epoch_budget_claims.rate_stays(train),
        epoch_budget_claims.falls_more(test, than=train),
        *_judge_curves(*found.curves),
    ]


def _judge_curves(larger: Curves, smaller: Curves) -> list[claims.Claim]:
    """Judges panel (d): what happens until the first decay."""
    until = (
        f"from its best evaluation to the first decay, {larger.first_decay:g} epochs"
    )
    risen = larger.overfitting()
    chosen = "the best evaluation is chosen on the other seeds"
    return [
        claims.above(
            f"At the longest budget and the rate {larger.rate:.3g} the test MSE has "
            "risen again by the first decay",
            f"ratio of the test MSE {until}",
            estimates.geometric_mean(risen, paired=True),
            chosen,
            bound=1,
        ),
        claims.above(
            f"It overfits faster at that rate than at {smaller.rate:.3g}",
            f"that ratio of the test MSE at the rate {larger.rate:.3g} over the one at "
            f"{smaller.rate:.3g}",
            estimates.geometric_mean(
                (risen - smaller.overfitting()).dropna(), paired=True
            ),
            chosen,
            bound=1,
        ),
    ]


def _curves(results: study.Results, longest: pd.DataFrame, rate: float) -> Curves:
    """Returns the curves of the runs of the longest budget at a rate."""
    near = np.isclose(longest["effective_learning_rate"], rate, rtol=1e-6)
    own = longest[near]
    row = own.iloc[0]
    test = tables.curve_by_step(results, own, "test_mse")
    first_decay = test.index[test.index <= row["num_steps"] / 2][-1]
    epochs_per_step = row["batch_size"] / row["train_size"]
    test = test.set_axis(test.index * epochs_per_step, axis=0)
    return Curves(rate, test, float(first_decay * epochs_per_step))


STUDY = study.Study(
    "smith_elsen_de_2020/fig10",
    "The autoencoder at a fixed batch size and a range of epoch budgets",
    caption="(a) Test MSE at the rate that minimises it, and (b) training MSE at the "
    f"rate that minimises that: {epoch_budgets_figure.REACHED}. (c) Both optimal "
    f"effective rates. {epoch_budgets_figure.RATES}. (d) Test MSE during training at "
    "the longest budget for two effective rates, geometric mean over seeds with its "
    "95 % t interval, and each seed; dotted: the first decay of the rate. The paper, at"
    " a batch of 32 and budgets up to 800 epochs: the rate for the test MSE falls and "
    "the one for the training MSE is constant, the opposite of figure 2, because at a "
    "larger rate the network has overfitted by the first decay. MSEs are sums over the "
    "pixels. The rate is chosen on the test set, as in the paper.",
    analyse=analyse,
    judge=judge,
    show=early_stopping_figure.show,
    make_runs=runs,
    scales=tuple(autoencoder_presets.FIGURE_10),
)
