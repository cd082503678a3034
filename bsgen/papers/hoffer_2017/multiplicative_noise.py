"""Hoffer et al. (2017), figure 6: a larger learning rate, or noisier gradients.

Section 4: both give the steps of a large batch the covariance of a small batch's; the
rate also makes the mean step larger, the noise does not, and "both methods yielded
similar performance".

The two differ where the large batch is no small part of the training set. The rate's
covariance is smaller then, by (1 - M/N) / (1 - m/N), so at such scales the noise is
tried twice: with the small batch's covariance, and with that of the rate's steps (see
`bsgen.theory.loss_noise`).
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from bsgen import config, theory
from bsgen.papers.hoffer_2017 import (
    error_curves,
    multiplicative_noise_figure,
    presets,
    regimes,
)
from bsgen.studies import claims, estimates, study

NOISE_OF_RATE = "noise of the rate's steps"
_TRIES_BOTH = ("quick", "reduced")
# "Similar": what the noise wins over the large batch without either, in units of what
# the rate wins. Without either it is 0. Our choice, as is the next bound.
_SIMILAR = (0.75, 1.25)
_CLOSE = 0.5  # distance of curves, over that from the large batch without either
_SHARES = np.arange(1, 21) / 20  # of the epochs, where curves are compared
_SHARED = "at equal seeds runs share initial weights, examples and their order"

Settings = dict[str, error_curves.Curves]


def runs(scale: str, num_seeds: int | None) -> list[config.RunConfig]:
    """Returns the small batch and the large one, plain, faster and noisy, by seed."""
    regime = presets.FIGURES[scale]
    seeds = regime.task.seeds(num_seeds)
    return [run for seed in seeds for run in _of_seed(regime, scale, seed)]


def _of_seed(
    regime: regimes.Regime, scale: str, seed: int
) -> Iterator[config.RunConfig]:
    size = presets.figure_batch_size(regime)
    yield regime.run(regimes.SB, seed)
    yield regime.run(regimes.LB, seed, size)
    yield regime.run(regimes.LR, seed, size)
    noisy = regime.run(regimes.NOISE, seed, size)
    yield noisy
    if scale in _TRIES_BOTH:
        train_size = noisy.data.train_size
        sigma = theory.loss_noise(
            size, regime.small_batch_size, train_size, target="sqrt_rate"
        )
        yield dataclasses.replace(noisy, loss_noise=float(sigma))


def analyse(results: study.Results) -> Settings:
    """Returns the curves of each setting, by its stage or `NOISE_OF_RATE`."""
    rows = regimes.stages(results.runs, presets.known())
    rows = rows.assign(stage=rows["stage"].fillna(NOISE_OF_RATE))
    return {
        stage: error_curves.of(results, rows[rows["stage"] == stage])
        for stage in (
            *(regimes.SB, regimes.LB, regimes.LR, regimes.NOISE),
            NOISE_OF_RATE,
        )
        if (rows["stage"] == stage).any()
    }


def judge(found: Settings) -> list[claims.Claim]:
    """Rate and noise win alike over the large batch without either."""
    plain, rate = found[regimes.LB], found[regimes.LR]
    noises = {
        name: found[stage]
        for name, stage in (
            ("the noise of the small batch", regimes.NOISE),
            ("the noise of the rate's steps", NOISE_OF_RATE),
        )
        if stage in found
    }
    faster = _better(found, regimes.LR, "a square-root learning rate", 0.0)
    large = {each.name: each.large_batch_size for each in presets.known()}
    if rate.batch_size == large[rate.runs["regime"].iloc[0]]:
        faster = claims.repeats(faster, "hoffer_2017/table1")
    noisy = _better(found, regimes.NOISE, "multiplicative noise", presets.MARGIN)
    judged = [faster, noisy]
    for name, noise in noises.items():
        judged += [_as_good(name, noise, rate, plain), _close(name, noise, rate, plain)]
    return judged


def _better(found: Settings, stage: str, words: str, margin: float) -> claims.Claim:
    plain, remedied = found[regimes.LB], found[stage]
    gain = remedied.final_error() - plain.final_error()
    size = remedied.batch_size
    return claims.below(
        f"The large batch generalizes better with {words}",
        f"final test error at batch size {size}, with it minus without",
        estimates.mean(gain, paired=True),
        f"{_SHARED}; less than {margin:g} counts as none" if margin else _SHARED,
        bound=0 - margin,
    )


def _as_good(
    name: str,
    noise: error_curves.Curves,
    rate: error_curves.Curves,
    plain: error_curves.Curves,
) -> claims.Claim:
    """Judges that the noise wins as much as the rate."""
    wins = [
        (plain.final_error() - each.final_error()).to_numpy() for each in (noise, rate)
    ]
    lowest, highest = _SIMILAR
    losses = ", ".join(
        f"{each.runs['final_train_cross_entropy'].astype(float).mean():.2g} {words}"
        for each, words in ((plain, "plain"), (rate, "by the rate"), (noise, "noisy"))
    )
    return claims.between(
        f"Square-root rate and multiplicative noise perform alike, with {name}",
        "what the noise takes off the large batch's final test error, over what the "
        "rate takes off",
        estimates.ratio_of_means(*wins),
        _SIMILAR,
        f"'alike' read as {lowest:g} to {highest:g}, our choice; 0 is the large batch "
        f"without either; training loss at the end {losses}",
    )


def _close(
    name: str,
    noise: error_curves.Curves,
    rate: error_curves.Curves,
    plain: error_curves.Curves,
) -> claims.Claim:
    """Judges that the curves of both lie close, beside the large batch's own."""
    apart, unit = (_distance(each, rate) for each in (noise, plain))
    return claims.below(
        f"Their learning curves lie close to each other, with {name}",
        "root mean squared difference of the test errors of noise and rate at equal "
        "epochs and seeds, over that of the large batch without either and rate",
        estimates.geometric_mean(np.log(apart / unit), paired=True),
        f"at {len(_SHARES)} equal parts of the epochs; 'close' read as below "
        f"{_CLOSE:g}, our choice",
        bound=_CLOSE,
    )


def _distance(first: error_curves.Curves, second: error_curves.Curves) -> np.ndarray:
    """Returns the root mean squared difference of two curves of a seed, [seeds]."""
    difference = first.at_share(_SHARES) - second.at_share(_SHARES)
    return np.sqrt((difference**2).mean()).to_numpy()


STUDY = study.Study(
    "hoffer_2017/fig6",
    "Square-root learning rate against multiplicative noise",
    caption="Test error of the small batch, of a large one for as many epochs, and of "
    "the large one with the learning rate times the square root of the ratio, or with "
    "multiplicative noise of the gradient at the same rate: (a) during training, mean "
    "over seeds with its 95 % t interval, dotted: where the learning rate drops; (b) "
    "at the end, minus that of the large batch without either at the same seed: mean "
    "with its 95 % t interval, and each seed as a dot. 'Noise' gives the steps the "
    "covariance of the small batch's; where there is a second one, that of the steps "
    "at the larger rate, which is smaller unless batches are small beside the training "
    "set. The paper does not say which, nor how it chose clipping for this figure; "
    "here it is the regime's.",
    analyse=analyse,
    judge=judge,
    show=multiplicative_noise_figure.show,
    make_runs=runs,
    # The released code has no multiplicative noise.
    scales=("quick", "reduced", "paper"),
)
