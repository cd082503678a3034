"""Smith & Le (2017), section 5: the noise of a batch's gradient against eq. 15.

Eq. 15's covariance is that of the gradient of the SUM over the training set, N^2 times
that of the mean loss, which is what `noise_measurement` measures.

That a batch's gradient has this covariance is a theorem of sampling, true for any
network: these claims check our implementation and its measurement. Whether the mean
gradient is so small that the mean of g g^T may stand for F depends on network and data.
"""

import functools

import numpy as np
import pandas as pd

from bsgen import theory
from bsgen.papers.smith_le_2017 import noise_figure, noise_measurement
from bsgen.studies import claims, estimates, study

_TOLERANCE = 0.05  # of the mean of a ratio of traces; our choice
_TOLERANCE_ALONG = 0.1  # wider, as one direction is estimated less exactly
_SAMPLING = 1.5  # rms of z scores; 1 if the sampling error is all there is
_NO_NOISE = 1e-6  # share of the variance of one example; rounding leaves some 1e-14


def analyse(results: study.Results) -> pd.DataFrame:
    """Returns the measurements with what eq. 15 predicts, for the gradient of the SUM.

    New columns, in units of F: `predicted`, N (N/B - 1) without and N^2 / B with
    replacement, and `trace_share`, N^2 times the measured trace over that of F; and
    measured over predicted, NaN where 0 is predicted: `trace_ratio`, and
    `gradient_ratio` and `random_ratio` along the full gradient and a random direction.
    """
    measured = results.measurements
    sizes, train_size = measured["batch_size"], measured["train_size"]
    predicted = train_size * np.where(
        measured["replacement"],
        theory.noise_scale(1.0, sizes, train_size),
        theory.noise_scale(1.0, sizes, train_size, exact=True),
    )
    table = measured.assign(predicted=predicted)
    for name, column in (
        ("trace", "trace"),
        ("gradient", "gradient_variance"),
        ("random", "random_variance"),
    ):
        share = train_size**2 * measured[column] / measured[f"example_{column}"]
        table[f"{name}_share"] = share
        table[f"{name}_ratio"] = share / predicted.where(predicted > 0)
    return table


def judge(table: pd.DataFrame) -> list[claims.Claim]:
    """The covariance is that of eq. 15, and with replacement that of 1/B."""
    without = table[~table["replacement"] & (table["predicted"] > 0)]
    full = table[~table["replacement"] & (table["predicted"] == 0)]
    replaced = table[table["replacement"]]
    note = (
        "each seed at its initial weights and after "
        f"{noise_measurement.TRAINED_STEPS} steps"
    )
    between = functools.partial(
        claims.between,
        note=f"{note}; mean over batch sizes, below N without replacement",
        kind=claims.CHECK,
    )
    scales_as = functools.partial(claims.scales_as, note=note, kind=claims.CHECK)
    within = (1 - _TOLERANCE, 1 + _TOLERANCE)
    along = (1 - _TOLERANCE_ALONG, 1 + _TOLERANCE_ALONG)
    return [
        scales_as(
            "Without replacement the noise of a batch falls as N/B - 1",
            "slope of the log trace of the covariance against log(N/B - 1)",
            _slope(without, without["predicted"]),
            1,
            within,
            (0, 0.5, 2),
        ),
        between(
            "Its covariance is N (N/B - 1) F",
            "trace, measured / predicted",
            _geometric_mean(without, without["trace_ratio"]),
            within,
        ),
        claims.below(
            "It is so at every batch size below N, up to the error of the sampling",
            "root mean square over batch sizes of (measured - predicted) / standard "
            "error",
            _root_mean_square_error(without),
            f"{note}; 1 is the sampling error alone",
            bound=_SAMPLING,
            kind=claims.CHECK,
        ),
        between(
            "It is so along the full gradient",
            "variance along it, measured / predicted",
            _geometric_mean(without, without["gradient_ratio"]),
            along,
        ),
        between(
            "It is so along a random direction",
            "variance along it, measured / predicted",
            _geometric_mean(without, without["random_ratio"]),
            along,
        ),
        claims.below(
            "The full batch has no noise",
            "trace at B = N / trace of one example",
            _mean_by_seed(full, full["trace"] / full["example_trace"]),
            note,
            bound=_NO_NOISE,
            kind=claims.CHECK,
        ),
        scales_as(
            "With replacement the noise of a batch falls as 1/B",
            "slope of the log trace of the covariance against log B",
            _slope(replaced, replaced["batch_size"]),
            -1,
            (-1 - _TOLERANCE, -1 + _TOLERANCE),
            (0, -0.5, -2),
        ),
        between(
            "With replacement the covariance is N^2 F / B",
            "trace, measured / predicted",
            _geometric_mean(replaced, replaced["trace_ratio"]),
            within,
        ),
        claims.below(
            "The mean of g g^T over examples serves for F (eq. 6 of Hoffer et al.)",
            "|mean g|^2 / mean |g|^2: the part of its trace that is no covariance",
            _mean_by_seed(replaced, _no_covariance(replaced)),
            f"{note}; from the gradients of all examples",
            bound=_TOLERANCE,
        ),
    ]


def _no_covariance(rows: pd.DataFrame) -> pd.Series:
    """Returns the square of the mean gradient over the mean of squares."""
    squared = rows["squared_gradient"]
    variance = rows["example_trace"] * (1 - 1 / rows["train_size"])
    return squared / (variance + squared)


def _slope(rows: pd.DataFrame, against: pd.Series) -> estimates.Estimate:
    """Returns the least-squares slope on logarithms, mean over both states."""
    logs = rows.assign(x=np.log(against), y=np.log(rows["trace_share"]))
    found = [
        (seed, np.polyfit(part["x"], part["y"], 1)[0])
        for (seed, _), part in logs.groupby(["seed", "num_steps"])
    ]
    slopes = pd.DataFrame(found, columns=["seed", "slope"])
    return _mean_by_seed(slopes, slopes["slope"])


def _geometric_mean(rows: pd.DataFrame, values: pd.Series) -> estimates.Estimate:
    logs = np.log(values).groupby(rows["seed"]).mean()
    return estimates.geometric_mean(logs.to_numpy())


def _root_mean_square_error(rows: pd.DataFrame) -> estimates.Estimate:
    scores = (1 - 1 / rows["trace_ratio"]) * rows["trace"]
    scores = scores / rows["trace_standard_error"]
    squares = (scores**2).groupby(rows["seed"]).mean()
    return estimates.mean(np.sqrt(squares).to_numpy())


def _mean_by_seed(rows: pd.DataFrame, values: pd.Series) -> estimates.Estimate:
    return estimates.mean(values.groupby(rows["seed"]).mean().to_numpy())


STUDY = study.Study(
    "smith_le_2017/noise",
    "Covariance of a batch's gradient against batch size",
    caption="(a) Trace of the covariance of a batch's gradient, of the sum over the "
    "training set, in units of the trace of F, that of single examples, at the initial "
    "weights and after 100 steps. At B = N nothing is left without replacement. (b) "
    "The same over eq. 15's N(N/B - 1) and, with replacement, N^2/B; points of one "
    "batch size are moved apart. Both: geometric mean over seeds with its 95 % t "
    "interval.",
    analyse=analyse,
    judge=judge,
    show=noise_figure.show,
    make_measurements=noise_measurement.measurements,
)
