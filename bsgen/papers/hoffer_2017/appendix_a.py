"""Hoffer et al. (2017), appendix A: are increments of different batches correlated?

Section 3 takes training for a random walk, whose increments are "uncorrelated between
different mini-batches", exactly with replacement and approximately without; section 4
finds their mean "typically orders of magnitude lower than the standard deviation".
The paper shows no measurement of either.

At fixed weights the covariance of two batches is a theorem of sampling (see
`bsgen.theory.increments`, also for the slip in appendix A), so those claims check our
measurement. What happens while weights move, and how long the mean is, depends on
network and data.
"""

import numpy as np
import pandas as pd

from bsgen import theory
from bsgen.papers.hoffer_2017 import appendix_a_figure, appendix_a_measurement
from bsgen.studies import claims, estimates, study

# All bounds are our choice.
_NEARLY = (
    0.05  # a smaller correlation is nearly none; at B = N/21 the exact one is more
)
_TOLERANCE = 0.1  # of a mean of ratios to the prediction
_PRECISE = 0.1  # predictions of at least this size are compared as ratios
_LOWER = 0.1  # "orders of magnitude lower", read as one at least
_AS_PAPER = (0.5, 2.0)  # the paper's covariance, within a factor of two


def analyse(results: study.Results) -> pd.DataFrame:
    """Returns the rows with what is predicted.

    New columns: `predicted`, the exact correlation, and `paper`, the one that appendix
    A's formulas give, both at fixed weights; and `mean_length`, |E dw| over the
    standard deviation of dw.
    """
    table = results.measurements.copy()
    fixed = table["kind"] == appendix_a_measurement.FIXED
    table["predicted"] = [
        _exact(row) if row["kind"] == appendix_a_measurement.FIXED else np.nan
        for _, row in table.iterrows()
    ]
    rows = table[fixed]
    settings = rows["squared_gradient"], rows["example_trace"]
    sizes = rows["batch_size"], rows["train_size"]
    between, alone = (
        theory.paper_increment_covariance(*sizes, lag, *settings)
        for lag in (rows["lag"], 0)
    )
    table.loc[fixed, "paper"] = between / alone
    table["mean_length"] = np.sqrt(table["squared_gradient"] / table["variance"])
    return table


def _exact(row: pd.Series) -> float:
    """Returns the exact correlation, mean over the pairs of batches that count."""
    size, train_size, lag = (
        int(row[name]) for name in ("batch_size", "train_size", "lag")
    )
    last = train_size // size - (lag if row["one_epoch"] else 0)
    covariance = theory.increment_covariance(size, train_size, lag, np.arange(last))
    return float(covariance.mean() / theory.increment_covariance(size, train_size, 0))


def judge(table: pd.DataFrame) -> list[claims.Claim]:
    """Nearly uncorrelated for B << N; the mean is not short beside the deviation."""
    fixed = table[table["kind"] == appendix_a_measurement.FIXED]
    return [*_checks(fixed), *_in_training(table), *_mean_lengths(fixed), _paper(fixed)]


def _checks(fixed: pd.DataFrame) -> list[claims.Claim]:
    """Judges the theorem of sampling, at fixed weights."""
    small = fixed["batch_size"].min()
    one_epoch = fixed["one_epoch"].astype(bool)
    neighbours = fixed[one_epoch]
    precise = neighbours[neighbours["predicted"] <= -_PRECISE]
    batches = fixed["train_size"] / fixed["batch_size"]
    apart = fixed[~one_epoch & (fixed["lag"] >= batches)]
    near = neighbours[neighbours["batch_size"] == small]
    note = "at fixed weights, both states; a theorem of sampling"
    return [
        claims.between(
            "For B << N increments of an epoch are nearly uncorrelated",
            f"correlation of neighbours at B = {small}",
            _mean_by_seed(near, near["correlation"]),
            (-_NEARLY, _NEARLY),
            note,
            kind=claims.CHECK,
        ),
        claims.between(
            "As B nears N they are anticorrelated, by -1 / (N/B - 1)",
            "correlation of neighbours, measured / predicted, mean over the batch "
            f"sizes for which it is beyond -{_PRECISE:g}",
            _mean_by_seed(precise, precise["correlation"] / precise["predicted"]),
            (1 - _TOLERANCE, 1 + _TOLERANCE),
            note,
            kind=claims.CHECK,
        ),
        claims.between(
            "Increments of different epochs are uncorrelated",
            f"correlation at B = {small}, mean over lags of an epoch and more",
            _mean_by_seed(apart, apart["correlation"]),
            (-_NEARLY / 2, _NEARLY / 2),
            note,
            kind=claims.CHECK,
        ),
    ]


def _in_training(table: pd.DataFrame) -> list[claims.Claim]:
    """Judges the increments of training itself, neighbours at the small batch."""
    rows = table[table["kind"] == appendix_a_measurement.TRAINING]
    rows = rows[rows["lag"] == 1]
    size, epochs = rows["batch_size"].iloc[0], appendix_a_measurement.STRETCH
    return [
        claims.between(
            f"While weights move, {what} are nearly uncorrelated",
            f"mean product of neighbours over the mean square, of {what}, without "
            f"momentum, at B = {size}, in the first {epochs} epochs",
            _mean_by_seed(rows, rows[column]),
            (-_NEARLY, _NEARLY),
            "the mean is that of the full gradient at the weights of each step",
        )
        for what, column in (
            ("increments less their mean", "correlation"),
            ("increments", "raw_correlation"),
        )
    ]


def _mean_lengths(fixed: pd.DataFrame) -> list[claims.Claim]:
    """Judges how long the mean step is, for small and large batches."""
    ends = fixed["batch_size"].min(), fixed["batch_size"].max()
    rows = fixed[fixed["one_epoch"].astype(bool)]
    return [
        claims.below(
            "The mean step is orders of magnitude shorter than the standard deviation "
            f"at B = {size}, step {steps}",
            "|E dw| over the root of the trace of its covariance",
            _geometric_mean(own),
            f"'orders of magnitude' read as below {_LOWER:g}",
            bound=_LOWER,
        )
        for (size, steps), own in rows.groupby(["batch_size", "num_steps"])
        if size in ends
    ]


def _paper(fixed: pd.DataFrame) -> claims.Claim:
    """Judges appendix A's covariance of different batches."""
    rows = fixed[fixed["one_epoch"].astype(bool)]
    given = rows["squared_gradient"] / (rows["train_size"] - 1)
    return claims.between(
        "The covariance between batches of an epoch is g g^T / (N - 1)",
        "its trace, measured over |g|^2 / (N - 1), mean over batch sizes",
        _mean_by_seed(rows, rows["covariance"] / given),
        _AS_PAPER,
        "the exact one is -F / N; within a factor of two counts",
    )


def _mean_by_seed(rows: pd.DataFrame, values: pd.Series) -> estimates.Estimate:
    return estimates.mean(values.groupby(rows["seed"]).mean().to_numpy())


def _geometric_mean(rows: pd.DataFrame) -> estimates.Estimate:
    logs = np.log(rows["mean_length"]).groupby(rows["seed"]).mean()
    return estimates.geometric_mean(logs.to_numpy())


STUDY = study.Study(
    "hoffer_2017/appendix_a",
    "Correlation of the increments of different batches",
    caption="(a) Correlation of the gradients of two batches against their distance, "
    "at the smallest batch size: at fixed weights (the first batch anywhere in its "
    "epoch, the second perhaps in a later one), and of increments in the first epochs "
    "of training, less the full gradient of each step. Line: exactly what drawing "
    "without replacement gives; dashed: appendix A's formula. (b) Minus the "
    "correlation of neighbours within an epoch against batch size, at fixed weights, "
    "with the exact 1 / (N/B - 1); appendix A's formula has the other sign. (c) Length "
    "of the mean step over the root of the trace of its covariance, at fixed weights; "
    "dashed: an order of magnitude. All: mean over seeds with its 95 % t interval, "
    "geometric in (c). The network has no batch normalization, which the derivation "
    "leaves out, and trains without momentum at the effective rate of the regime, "
    "a tenth of it for F1 on MNIST.",
    analyse=analyse,
    judge=judge,
    show=appendix_a_figure.show,
    make_measurements=appendix_a_measurement.measurements,
    scales=tuple(appendix_a_measurement.BATCH_SIZES),
)
