"""Jastrzebski et al. (2018), eq. 7: the loss at which SGD settles on a quadratic.

Simulations are compared with

    E[loss] = eta / (4 S) tr(H)                                              (eq. 7)

and with the exact answer for steps of that size, see `bsgen.theory.sde`. With momentum
m, which the paper does not have, eta / (1 - m) takes the place of eta.

The minima are quadratic and C = H, so both of the paper's assumptions hold by
construction, and the rest is mathematics: all claims are checks of formulas and code.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bsgen import statistics, theory
from bsgen.papers.jastrzebski_2018 import quadratic_minima, stationary_loss_figure
from bsgen.studies import claims, estimates, study

_TOLERANCE = 0.05
_BETWEEN_RATES = 0.1  # the exact answer exceeds eq. 7 by up to 4 % at small rates
_SAME = ["spectrum", "dimension", "learning_rate", "batch_size", "momentum"]

_Floats = npt.NDArray[np.float64]
# From the losses of settings and their relative errors, each [settings, draws], to
# quantities that are predicted to be 1 and their errors, each [quantities, draws].
Comparison = Callable[[_Floats, _Floats], tuple[_Floats, _Floats]]


class Simulated(NamedTuple):
    """The simulations, each with its seeds.

    Attributes:
      settings: one row a setting, numbered from 0, with the chains of all seeds pooled:
        `loss` and its predictions, `relative_reach` (half of its 95 % t interval over
        the loss) and `effective_rate`.
      small: the rows of small learning rates.
      losses, variances: of each setting and seed, the mean over chains and the square
        of its standard error, [settings, seeds].
      num_chains: independent chains of a setting, of all seeds together.
    """

    settings: pd.DataFrame
    small: pd.DataFrame
    losses: _Floats
    variances: _Floats
    num_chains: int


def analyse(results: study.Results) -> Simulated:
    """Gathers the seeds of every setting."""
    measured = results.measurements
    num_chains = int(measured.drop_duplicates("seed")["num_chains"].sum())
    means = ["loss", "continuous_loss", "exact_loss", "ratio", "critical_share"]
    settings = measured.groupby(_SAME, sort=False)[[*means, "hessian_trace"]].mean()
    losses, errors = (
        measured.pivot(index=_SAME, columns="seed", values=name)
        .loc[settings.index]
        .to_numpy()
        for name in ("loss", "standard_error")
    )
    settings = settings.reset_index()
    rates = theory.effective_learning_rate(
        settings["learning_rate"], settings["momentum"]
    )
    num_seeds = losses.shape[1]
    pooled = np.sqrt(np.sum(errors**2, axis=1)) / num_seeds
    reach = statistics.t_quantile(num_chains - num_seeds) * pooled
    settings = settings.assign(
        # Rounded, as divisions of decimal fractions differ in their last binary digit.
        effective_rate=np.round(rates, 9),
        ratio=settings["ratio"].round(9),
        relative_reach=reach / settings["loss"],
    )
    is_small = settings["critical_share"] < min(quadratic_minima.SHARES) / 2
    return Simulated(settings, settings[is_small], losses, errors**2, num_chains)


def judge(simulated: Simulated) -> list[claims.Claim]:
    """The exact answer holds always, eq. 7 at small learning rates."""
    found, slow = simulated.settings, simulated.small
    plain = slow[slow["momentum"] == 0.0]
    with_momentum = slow[slow["momentum"] > 0.0]
    smallest = slow[slow["effective_rate"] == slow["effective_rate"].min()]
    nearest = found[found["critical_share"] > max(quadratic_minima.SHARES) - 1e-6]
    check = functools.partial(_check, simulated)
    return [
        check(
            "SGD with steps of any size settles at the exact answer of its recursion",
            "simulated / exact loss",
            _over(found["exact_loss"]),
            len(found),
        ),
        check(
            "At small learning rates it settles at eta / (4 S) tr(H), eq. 7",
            f"simulated loss / eq. 7, at {_share(smallest)} of the critical rate",
            _over(smallest["continuous_loss"]),
            len(smallest),
        ),
        check(
            "Equal ratios of learning rate to batch size settle at equal losses",
            "loss / that of the smallest learning rate of its ratio, up to "
            f"{_share(plain)} of the critical rate",
            *_against(plain, smallest, ["spectrum", "ratio"]),
            _BETWEEN_RATES,
        ),
        check(
            "The loss is proportional to the ratio of learning rate to batch size",
            "log-log slope of the loss against the ratio, of each spectrum",
            _slopes(plain),
            plain["spectrum"].nunique(),
        ),
        check(
            "Near the critical rate it leaves eq. 7 by as much as the exact answer",
            f"simulated / exact excess over eq. 7, at {_share(nearest)} of the "
            "critical rate",
            _over(nearest["exact_loss"], nearest["continuous_loss"]),
            len(nearest),
        ),
        check(
            "Momentum m acts as the learning rate eta / (1 - m)",
            f"loss with m = {slow['momentum'].max():g} / without, at equal "
            "eta / (1 - m) and S",
            *_against(
                with_momentum, plain, ["spectrum", "effective_rate", "batch_size"]
            ),
        ),
    ]


def _check(
    simulated: Simulated,
    claim: str,
    quantity: str,
    compare: Comparison,
    count: int,
    tolerance: float = _TOLERANCE,
) -> claims.Claim:
    return claims.below(
        claim,
        f"{quantity}; the largest of {count} departures from 1",
        largest_departure(simulated, compare),
        bound=tolerance,
        kind=claims.CHECK,
    )


def largest_departure(simulated: Simulated, compare: Comparison) -> estimates.Estimate:
    """Estimates how far the quantity that departs most from 1 is from it.

    With probability 0.95 all quantities lie in their simultaneous t intervals
    (Bonferroni), and then the largest departure lies between the largest of the least
    and the largest of the greatest departures that these allow. It is drawn high by the
    errors, which the interval respects.
    """

    def procedure(chosen: npt.NDArray[np.intp], confidence: float) -> estimates.Ends:
        from scipy import stats  # takes half a second

        losses = simulated.losses[:, chosen].mean(axis=-1)
        variances = simulated.variances[:, chosen].mean(axis=-1) / chosen.shape[1]
        values, errors = compare(losses, np.sqrt(variances) / losses)
        tail = (1 - confidence) / 2 / len(values)
        reach = stats.t.isf(tail, simulated.num_chains - chosen.shape[1]) * errors
        departures = np.abs(values - 1)
        return estimates.Ends(
            departures.max(axis=0),
            np.maximum(departures - reach, 0).max(axis=0),
            (departures + reach).max(axis=0),
        )

    words = f"simultaneous 95 % t intervals over {simulated.num_chains} chains"
    return estimates.Estimate(simulated.losses.shape[1], procedure, words)


def _over(predicted: pd.Series, offset: pd.Series | float = 0.0) -> Comparison:
    """Compares losses with their predictions, of both the excess over `offset`."""
    places = predicted.index
    origin, length = (
        np.broadcast_to(column, len(places))[:, np.newaxis]
        for column in (offset, predicted - offset)
    )

    def compare(losses: _Floats, errors: _Floats) -> tuple[_Floats, _Floats]:
        own = losses[places]
        return (own - origin) / length, own * errors[places] / length

    return compare


def _against(
    rows: pd.DataFrame, others: pd.DataFrame, same: list[str]
) -> tuple[Comparison, int]:
    """Compares losses of settings alike in `same`; also returns how many pairs."""
    rows, others = (
        part[[*same, "learning_rate"]].rename_axis("place").reset_index()
        for part in (rows, others)
    )
    pairs = rows.merge(others, on=same, suffixes=("", "_other"))
    pairs = pairs[pairs["learning_rate"] != pairs["learning_rate_other"]]
    places, other = pairs["place"].to_numpy(), pairs["place_other"].to_numpy()

    def compare(losses: _Floats, errors: _Floats) -> tuple[_Floats, _Floats]:
        quotients = losses[places] / losses[other]
        return quotients, quotients * np.hypot(errors[places], errors[other])

    return compare, len(pairs)


def _slopes(rows: pd.DataFrame) -> Comparison:
    """Returns the slopes of log loss against log ratio, of each spectrum."""
    groups = [part for _, part in rows.groupby("spectrum", sort=False)]

    def compare(losses: _Floats, errors: _Floats) -> tuple[_Floats, _Floats]:
        slopes, variances = [], []
        for part in groups:
            logs = np.log(part["ratio"].to_numpy())
            weights = (logs - logs.mean()) / np.sum((logs - logs.mean()) ** 2)
            slopes.append(weights @ np.log(losses[part.index]))
            variances.append(weights**2 @ errors[part.index] ** 2)
        return np.stack(slopes), np.sqrt(variances)

    return compare


def _share(rows: pd.DataFrame) -> str:
    return f"{rows['critical_share'].max():.3g}"


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
