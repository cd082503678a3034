"""Made-up sweeps of the learning rate with known regimes, for the tests."""

import numpy as np
import pandas as pd

from bsgen.studies import best_runs

SELECTION = best_runs.Selection(6, 8)
RATES = 2.0 ** np.arange(-7, 7)
CHANCE = 0.1


def regimes(
    rng,
    sizes,
    boundary,
    plateau,
    slope=1.0,
    fall=0.003,
    noise=0.0,
    num_seeds=8,
    rates=RATES,
):
    """Sweeps whose optimal rate is plateau (B / boundary)^slope up to the boundary.

    The accuracy falls by about `fall` an octave squared beside the optimum, and
    training breaks down above the plateau, at a rate that differs by 0.15 octave from
    seed to seed: from there on the optimum is the largest rate that trains.
    """
    sweeps = {}
    for size in sizes:
        octaves = np.log2(rates / plateau) - slope * np.log2(size / boundary)
        accuracy = 0.97 - fall * octaves**2 / (1 + 0.3 * np.abs(octaves))
        values = accuracy[:, np.newaxis] + noise * rng.normal(
            size=(len(rates), num_seeds)
        )
        largest = np.log2(plateau) + 0.15 * rng.normal(size=num_seeds)
        broken = np.log2(rates)[:, np.newaxis] > largest
        sweeps[size] = sweep_of(np.where(broken, CHANCE, values), rates)
    return sweeps


def sweep_of(values, rates=RATES, selection=SELECTION):
    """The sweep of final values, [rates, seeds]."""
    number = len(values[0])
    runs = pd.DataFrame(
        {
            "effective_learning_rate": np.repeat(rates, number),
            "seed": np.tile(np.arange(number), len(rates)),
            "status": "completed",
            selection.column: np.ravel(values),
        }
    )
    return best_runs.sweep(runs, selection)
