"""Jastrzebski et al. (2018), eq. 7: the loss at which SGD settles on a quadratic.

Simulations are compared with

    E[loss] = eta / (4 S) tr(H)                                              (eq. 7)

and with the exact answer for steps of that size, see `bsgen.theory.sde`. With momentum
m, which the paper does not have, eta / (1 - m) takes the place of eta.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from bsgen import statistics, theory
from bsgen.papers.jastrzebski_2018 import quadratic_minima, stationary_loss_figure
from bsgen.studies import claims, estimates, study

_TOLERANCE = 0.05
_BETWEEN_RATES = 0.1  # the exact answer exceeds eq. 7 by up to 4 % at small rates


class Simulated(NamedTuple):
    """The simulations; chains of all seeds are pooled.

    Attributes:
      settings: one row per setting: `loss` and its predictions, `relative_error` (the
        standard error over the loss), `degrees` of freedom, `relative_reach` (half of
        the interval over the loss) and `effective_rate`.
      small: the rows of small learning rates.
      num_chains: independent chains of each setting.
    """

    settings: pd.DataFrame
    small: pd.DataFrame
    num_chains: int


def analyse(results: study.Results) -> Simulated:
    """Pools the seeds of every setting."""
    measured = results.measurements
    settings = _pooled(measured)
    is_small = settings["critical_share"] < min(quadratic_minima.SHARES) / 2
    num_chains = measured.drop_duplicates("seed")["num_chains"].sum()
    return Simulated(settings, settings[is_small], int(num_chains))


def _pooled(measurements: pd.DataFrame) -> pd.DataFrame:
    from scipy import stats  # takes half a second

    same = ["spectrum", "dimension", "learning_rate", "batch_size", "momentum"]
    means = ["loss", "continuous_loss", "exact_loss", "ratio", "critical_share"]
    table = measurements.assign(
        variance=measurements["standard_error"] ** 2,
        degrees=measurements["num_chains"] - 1,
    )
    grouped = table.groupby(same, sort=False)
    found = grouped[[*means, "hessian_trace"]].mean()
    errors = np.sqrt(grouped["variance"].sum()) / grouped.size()
    found["relative_error"] = errors / found["loss"]
    found["degrees"] = grouped["degrees"].sum()
    _, quantiles = stats.t.interval(statistics.CONFIDENCE, found["degrees"])
    found["relative_reach"] = quantiles * found["relative_error"]
    found = found.reset_index()
    rates = theory.effective_learning_rate(found["learning_rate"], found["momentum"])
    # Rounded, as divisions of decimal fractions differ in their last binary digit.
    return found.assign(
        effective_rate=np.round(rates, 9), ratio=found["ratio"].round(9)
    )


def judge(simulated: Simulated) -> list[claims.Claim]:
    """The exact answer holds always, eq. 7 at small learning rates."""
    found, slow, num_chains = simulated
    plain = slow[slow["momentum"] == 0.0]
    with_momentum = slow[slow["momentum"] > 0.0]
    smallest = slow[slow["effective_rate"] == slow["effective_rate"].min()]
    nearest = found[found["critical_share"] > max(quadratic_minima.SHARES) - 1e-6]
    enlarged = nearest["exact_loss"] - nearest["continuous_loss"]
    note = f"simultaneous 95 % t intervals over {num_chains} independent chains"
    within = (1 - _TOLERANCE, 1 + _TOLERANCE)
    return [
        claims.between(
            "SGD with steps of any size settles at the exact answer of its recursion",
            "simulated / exact loss",
            furthest(found, found["loss"] / found["exact_loss"]),
            within,
            _of(len(found), note),
        ),
        claims.between(
            "At small learning rates it settles at eta / (4 S) tr(H), eq. 7",
            f"simulated loss / eq. 7, at {_share(smallest)} of the critical rate",
            furthest(smallest, smallest["loss"] / smallest["continuous_loss"]),
            within,
            _of(len(smallest), note),
        ),
        claims.between(
            "Equal ratios of learning rate to batch size settle at equal losses",
            "loss / that of the smallest learning rate of its ratio, up to "
            f"{_share(plain)} of the critical rate",
            _against(plain, smallest, ["spectrum", "ratio"]),
            (1 - _BETWEEN_RATES, 1 + _BETWEEN_RATES),
            _of(len(plain) - len(smallest), note),
        ),
        claims.between(
            "The loss is proportional to the ratio of learning rate to batch size",
            "log-log slope of the loss against the ratio",
            _slope(plain),
            within,
            _of(plain["spectrum"].nunique(), note),
        ),
        claims.between(
            "Near the critical rate it leaves eq. 7 by as much as the exact answer",
            f"simulated / exact excess over eq. 7, at {_share(nearest)} of the "
            "critical rate",
            furthest(
                nearest,
                (nearest["loss"] - nearest["continuous_loss"]) / enlarged,
                nearest["loss"] * nearest["relative_error"] / enlarged,
            ),
            within,
            _of(len(nearest), note),
        ),
        claims.between(
            "Momentum m acts as the learning rate eta / (1 - m)",
            f"loss with m = {slow['momentum'].max():g} / without, at equal "
            "eta / (1 - m) and S",
            _against(
                with_momentum, plain, ["spectrum", "effective_rate", "batch_size"]
            ),
            within,
            _of(len(with_momentum), note),
        ),
    ]


def furthest(
    rows: pd.DataFrame, values: pd.Series, errors: pd.Series | None = None
) -> estimates.Estimate:
    """Returns the one of simultaneous intervals that reaches furthest from 1.

    One for each row, whose value is predicted to be 1; without its standard errors they
    follow from the `relative_error` of the rows.
    """
    from scipy import stats  # takes half a second

    errors = values * rows["relative_error"] if errors is None else errors
    tail = (1 - statistics.CONFIDENCE) / 2 / len(rows)
    reach = stats.t.isf(tail, rows["degrees"]) * errors
    worst = (np.abs(values - 1) + reach).to_numpy().argmax()
    value, half = values.iloc[worst], reach.iloc[worst]
    ends = estimates.Ends(*np.array([[value], [value - half], [value + half]]))
    # Chains are pooled: there are no seeds to draw from.
    return estimates.Estimate(1, lambda chosen, confidence: ends, method="")


def _against(
    rows: pd.DataFrame, others: pd.DataFrame, same: list[str]
) -> estimates.Estimate:
    """Returns the ratio of losses furthest from 1 between settings alike in `same`."""
    columns = [*same, "learning_rate", "loss", "relative_error"]
    pairs = rows.merge(others[columns], on=same, suffixes=("", "_other"))
    pairs = pairs[pairs["learning_rate"] != pairs["learning_rate_other"]]
    errors = np.hypot(pairs["relative_error"], pairs["relative_error_other"])
    quotients = pairs["loss"] / pairs["loss_other"]
    return furthest(pairs, quotients, quotients * errors)


def _slope(rows: pd.DataFrame) -> estimates.Estimate:
    """Returns the slope of log loss against log ratio furthest from 1, by spectrum."""
    slopes = []
    for _, part in rows.groupby("spectrum", sort=False):
        logs = np.log(part["ratio"]) - np.log(part["ratio"]).mean()
        weights = logs / np.sum(logs**2)
        error = np.sqrt(np.sum((weights * part["relative_error"]) ** 2))
        degrees = part["degrees"].min()
        slopes.append((np.sum(weights * np.log(part["loss"])), error, degrees))
    table = pd.DataFrame(slopes, columns=["slope", "error", "degrees"])
    return furthest(table, table["slope"], table["error"])


def _share(rows: pd.DataFrame) -> str:
    return f"{rows['critical_share'].max():.3g}"


def _of(count: int, note: str) -> str:
    return f"of {count} settings, that whose interval reaches furthest from 1; {note}"


STUDY = study.Study(
    "jastrzebski_2018/theory",
    "The loss at which SGD settles on a quadratic, simulated and predicted",
    caption="Mean loss at which simulated SGD settles on quadratic minima with C = H, "
    "for three shapes of the spectrum of H. (a) Small learning rates, each ratio "
    "realised by several learning rates and batch sizes that mostly hide each other; "
    "lines are eta tr(H) / (4 S (1 - m)), eq. 7. (b) Divided by that, up to the "
    "critical learning rate; lines are the exact answer. Bars, where they exceed the "
    "dots: 95 % t interval over independent chains.",
    analyse=analyse,
    judge=judge,
    show=stationary_loss_figure.show,
    make_measurements=quadratic_minima.measurements,
)
