"""Made-up rows of appendix A: correlations of increments, by any law of them."""

import numpy as np

SIZES, TRAIN_SIZE = (25, 100, 500), 1000
TRACE, SQUARED = 20.0, 0.3


def exact(size, lag, one_epoch):
    """Slow twin: mean correlation over the steps of an epoch that B divides."""
    batches = TRAIN_SIZE // size
    later_in_epoch = max(0, batches - lag) / batches
    return -1 / (batches - 1) * (1.0 if one_epoch else later_in_epoch)


def rows(entry, law=exact, squared=SQUARED, raw=0.0, error=0.002):
    """The rows of a measurement that follows a law of (size, lag, one_epoch)."""
    rng = np.random.default_rng(entry.settings["seed"])
    found = []
    for step in (0, 200):
        pairs = [(25, lag, False) for lag in (1, 8, 39, 40, 60)]
        for size, lag, one_epoch in [*pairs, *((s, 1, True) for s in SIZES)]:
            variance = (1 / size - 1 / TRAIN_SIZE) * TRACE
            correlation = law(size, lag, one_epoch) + error * rng.normal()
            found.append(
                {
                    "num_steps": step,
                    "kind": "fixed",
                    "batch_size": size,
                    "lag": lag,
                    "one_epoch": one_epoch,
                    "correlation": correlation,
                    "standard_error": error,
                    "covariance": correlation * variance,
                    "variance": variance,
                    "squared_gradient": squared * (1 + error * rng.normal()),
                    "example_trace": TRACE,
                }
            )
    for lag in (1, 2):
        row = {"num_steps": 0, "kind": "training", "batch_size": 25, "lag": lag}
        noise = error * rng.normal(size=2)
        row |= {"correlation": noise[0], "raw_correlation": raw + noise[1]}
        found.append(row | {"variance": 1.0, "squared_gradient": squared})
    return found
