"""Made-up rows of the noise of batches, by any law of it."""

import numpy as np

from bsgen.papers.smith_le_2017 import noise_measurement
from bsgen.studies import measurement_store, study, tables

BATCH_SIZES = [2**power for power in range(10)] + [1000]
ERROR = 0.02  # of every variance, its own share


def exact(size, train_size, replacement):
    """The covariance of a batch's mean gradient in units of F."""
    if replacement:
        return (1 - 1 / train_size) / size
    return 1 / size - 1 / train_size


def rows(entry, generator, law=exact, squared_gradient=0.1, error=ERROR):
    """The rows of a measurement if the covariance followed `law`."""
    settings = entry.settings
    found = []
    for size in BATCH_SIZES:
        share = law(size, settings["train_size"], settings["replacement"])
        trace, gradient, random = share * (1 + error * generator.normal(size=3))
        found.append(
            {
                "batch_size": size,
                "num_batches": 200,
                "trace": 3.0 * trace,
                "trace_standard_error": 3.0 * share * ERROR,
                "gradient_variance": 0.2 * gradient,
                "random_variance": 1e-4 * random,
                "example_trace": 3.0,
                "example_gradient_variance": 0.2,
                "example_random_variance": 1e-4,
                "squared_gradient": squared_gradient,
            }
        )
    return found


def results(num_seeds=4, **options):
    """The tables of the study at quick scale."""
    generator = np.random.default_rng(8)
    records = [
        measurement_store.MeasurementRecord(
            entry.key, dict(entry.settings), rows(entry, generator, **options), 1.0
        )
        for entry in noise_measurement.measurements("quick", num_seeds)
    ]
    return tables.results([], records)


def changed(found: study.Results, **columns) -> study.Results:
    """The same tables with columns of the measurements multiplied."""
    table = found.measurements.copy()
    for name, factor in columns.items():
        table[name] *= factor
    return found._replace(measurements=table)
