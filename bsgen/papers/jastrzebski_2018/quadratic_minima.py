"""Jastrzebski et al. (2018), section 2.2: SGD simulated on quadratic minima.

Under assumption 2, C = H, at small learning rates, whose ratio eta / S to the batch
size is realised by several pairs, and at rates up to the critical one; with and without
momentum, which the paper has not. The paper simulates nothing: spectra, rates and batch
sizes are our choice.
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
# Effective learning rates and ratios that realise each other with whole batch sizes.
_SMALL_RATES = (0.02, 0.04, 0.08)
_RATIOS = (2.5e-4, 1e-3, 4e-3)
_MIDDLE = _SMALL_RATES[1]
# Of the critical learning rate; what is smaller belongs to `_SMALL_RATES`.
SHARES = (0.1, 0.3, 0.5, 0.7, 0.85, 0.95)
_NEAR_BATCH_SIZE = 32
_SECONDS = 2e-5, 1.5e-8  # a step; a weight of a chain and step


@dataclasses.dataclass(frozen=True)
class Preset:
    """The settings of one scale.

    Attributes:
      dimension: number of weights.
      num_chains: independent ones, a simulation.
      num_steps: averaged over, a chain.
      num_seeds: of simulations, for each setting.
    """

    dimension: int
    num_chains: int
    num_steps: int
    num_seeds: int


@dataclasses.dataclass(frozen=True)
class Simulation:
    """The settings of one simulation; see `quadratic_descent.simulate`.

    Attributes:
      spectrum, dimension: see `hessian`.
      learning_rate, batch_size, momentum: of SGD.
      num_chains, num_steps: see `Preset`.
      seed: tells repeats apart; the noise follows from all settings.
    """

    spectrum: str
    dimension: int
    learning_rate: float
    batch_size: int
    momentum: float
    num_chains: int
    num_steps: int
    seed: int


PRESETS = {
    "quick": Preset(dimension=16, num_chains=128, num_steps=1000, num_seeds=3),
    "paper": Preset(dimension=32, num_chains=256, num_steps=2000, num_seeds=5),
}


def measurements(scale: str, num_seeds: int | None) -> list[measurement.Measurement]:
    """Returns every simulation, for each seed.

    Small rates realise every ratio by several batch sizes; the others approach the
    critical learning rate.
    """
    preset = PRESETS[scale]
    small = [
        (round(rate * (1.0 - momentum), 12), round(rate / ratio), momentum)
        for rate, ratio, momentum in itertools.product(_SMALL_RATES, _RATIOS, MOMENTA)
        if momentum == 0.0 or rate == _MIDDLE
    ]
    near = [
        (round(share * 2.0 * (1.0 + momentum), 12), _NEAR_BATCH_SIZE, momentum)
        for share, momentum in itertools.product(SHARES, MOMENTA)
    ]
    simulations = [
        Simulation(
            spectrum,
            preset.dimension,
            *setting,
            num_chains=preset.num_chains,
            num_steps=preset.num_steps,
            seed=seed,
        )
        for spectrum, setting, seed in itertools.product(
            SPECTRA, small + near, range(num_seeds or preset.num_seeds)
        )
    ]
    return [
        measurement.Measurement(
            dataclasses.asdict(simulation),
            functools.partial(_measure, simulation),
            seconds=_seconds(simulation),
        )
        for simulation in simulations
    ]


def hessian(spectrum: str, dimension: int) -> np.ndarray:
    """Returns a Hessian [dimension, dimension] in an arbitrary basis, always the same.

    Args:
      spectrum: of `SPECTRA`.
      dimension: above the number of outliers.
    """
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
    steps = simulation.num_steps + 7.0 / (rate * flattest)  # the start is forgotten
    a_step, a_weight = _SECONDS
    return steps * (a_step + a_weight * simulation.num_chains * simulation.dimension)


def _measure(
    simulation: Simulation, place: measurement.Place
) -> list[dict[str, float | int]]:
    """Returns one row: what was simulated, and what is predicted."""
    matrix = hessian(simulation.spectrum, simulation.dimension)
    rate, momentum = simulation.learning_rate, simulation.momentum
    arguments = matrix, rate, simulation.batch_size, None, momentum
    found = quadratic_descent.simulate(
        *arguments,
        num_chains=simulation.num_chains,
        num_steps=simulation.num_steps,
        # Noise of its own: with a common one, losses would be proportional to 1 / S.
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
