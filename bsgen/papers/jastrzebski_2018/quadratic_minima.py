"""Jastrzebski et al. (2018), section 2.2: simulations of SGD on quadratic minima.

The noise is that of assumption 2, C = H. Small learning rates realise each ratio
eta / S by several batch sizes; larger ones go up to the critical learning rate. All are
simulated without momentum, as in the paper, and with it. The paper itself simulates
nothing: spectra, learning rates and batch sizes are our choice.
"""

import dataclasses
import functools
import itertools
import zlib

import numpy as np

from bsgen import theory
from bsgen.papers.jastrzebski_2018 import quadratic_descent
from bsgen.studies import measurement

MOMENTA = (0.0, 0.9)
# Of the Hessian; the largest eigenvalue is 1. "outliers" has the shape measured on
# networks of few classes: a few large eigenvalues above a bulk.
SPECTRA = ("equal", "power law", "outliers")
_NUM_OUTLIERS = 3
# Effective learning rates, and ratios that all of them reach with whole batch sizes.
_SMALL_RATES = (0.02, 0.04, 0.08)
_RATIOS = (2.5e-4, 1e-3, 4e-3)
_RATE_WITH_MOMENTUM = 0.04
# Larger learning rates, over the critical one, and their batch size.
SHARES = (0.1, 0.3, 0.5, 0.7, 0.85, 0.95)
_BATCH_SIZE = 32
# Weights; independent chains of a simulation; steps of a chain that are averaged over.
_SIZES = {
    "quick": {"dimension": 16, "num_chains": 128, "num_steps": 1000},
    "paper": {"dimension": 32, "num_chains": 256, "num_steps": 2000},
}
_NUM_SEEDS = {"quick": 6, "paper": 5}
_SECONDS_PER_STEP, _SECONDS_PER_WEIGHT = 2e-5, 1.5e-8  # the latter per chain and step


@dataclasses.dataclass(frozen=True)
class Simulation:
    """The settings of `hessian` and `quadratic_descent.simulate`.

    The seed distinguishes repeats; the noise depends on all settings.
    """

    spectrum: str
    dimension: int
    learning_rate: float
    batch_size: int
    momentum: float
    num_chains: int
    num_steps: int
    seed: int


def measurements(scale: str, num_seeds: int | None) -> list[measurement.Measurement]:
    """Returns the simulations of every spectrum and setting, for each seed."""
    simulations = [
        Simulation(
            spectrum=spectrum,
            learning_rate=learning_rate,
            batch_size=batch_size,
            momentum=momentum,
            seed=seed,
            **_SIZES[scale],
        )
        for spectrum, (learning_rate, batch_size, momentum), seed in itertools.product(
            SPECTRA, _settings(), range(num_seeds or _NUM_SEEDS[scale])
        )
    ]
    return [
        measurement.Measurement(
            dataclasses.asdict(simulation),
            functools.partial(_measure, simulation),
            seconds=_seconds(simulation),
            engine="numpy",
        )
        for simulation in simulations
    ]


def _settings() -> list[tuple[float, int, float]]:
    """Returns learning rate, batch size and momentum of all settings."""
    small = [
        (round(rate * (1.0 - momentum), 12), round(rate / ratio), momentum)
        for rate, ratio, momentum in itertools.product(_SMALL_RATES, _RATIOS, MOMENTA)
        if momentum == 0.0 or rate == _RATE_WITH_MOMENTUM
    ]
    larger = [
        (round(share * 2.0 * (1.0 + momentum), 12), _BATCH_SIZE, momentum)
        for share, momentum in itertools.product(SHARES, MOMENTA)
    ]
    return small + larger


def hessian(spectrum: str, dimension: int) -> np.ndarray:
    """Returns a Hessian [dimension, dimension] with a spectrum of `SPECTRA`."""
    values = _eigenvalues(spectrum, dimension)
    draws = np.random.default_rng(0).normal(size=(dimension, dimension))
    basis = np.linalg.qr(draws)[0]
    return basis * values @ basis.T


def _eigenvalues(spectrum: str, dimension: int) -> np.ndarray:
    if spectrum == "equal":
        return np.ones(dimension)
    if spectrum == "power law":
        return 1.0 / np.arange(1, dimension + 1)
    outliers = np.linspace(1.0, 0.4, _NUM_OUTLIERS)
    bulk = np.geomspace(0.1, 0.05, dimension - _NUM_OUTLIERS)
    return np.concatenate([outliers, bulk])


def _seconds(simulation: Simulation) -> float:
    flattest = _eigenvalues(simulation.spectrum, simulation.dimension).min()
    rate = simulation.learning_rate / (1.0 - simulation.momentum)
    steps = simulation.num_steps + 7.0 / (rate * flattest)  # the latter is the burn-in
    weights = simulation.num_chains * simulation.dimension
    return steps * (_SECONDS_PER_STEP + _SECONDS_PER_WEIGHT * weights)


def _measure(
    simulation: Simulation, place: measurement.Place
) -> list[dict[str, float | int]]:
    """Returns one row: the simulated loss and its predictions."""
    matrix = hessian(simulation.spectrum, simulation.dimension)
    rate, momentum = simulation.learning_rate, simulation.momentum
    arguments = matrix, rate, simulation.batch_size, None, momentum
    found = quadratic_descent.simulate(
        *arguments,
        num_chains=simulation.num_chains,
        num_steps=simulation.num_steps,
        # With the same noise in all, losses would be exactly proportional to 1 / S.
        seed=zlib.crc32(repr(simulation).encode()),
    )
    critical = theory.critical_learning_rate(np.linalg.eigvalsh(matrix)[-1], momentum)
    return [
        {
            "loss": found.loss,
            "standard_error": found.standard_error,
            "burn_in_steps": found.burn_in_steps,
            "continuous_loss": theory.stationary_loss(*arguments),
            "exact_loss": theory.stationary_loss(*arguments, exact=True),
            "ratio": float(theory.temperature(rate, simulation.batch_size, momentum)),
            "critical_share": float(rate / critical),
            "hessian_trace": float(np.trace(matrix)),
        }
    ]
