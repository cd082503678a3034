"""Made-up lines between networks, whose basins have known widths."""

import numpy as np

DISTANCE = 10.0
RISE = 0.1  # of the loss, from an end of the line to the edge of its basin
FLOOR = 1e-3  # the loss at both ends


def rows(entry, generator, width_of=lambda rate, size, initial: 2.0, spread=0.02):
    """Rows of a line with a quadratic basin around each end.

    Args:
      entry: the measurement.
      generator: of the widths' spread.
      width_of: learning rate, batch size and whether it began from the second initial
        weights, to the width of a basin; None for a network that diverged.
      spread: standard deviation of the logarithm of a width.
    """
    given = entry.settings
    ends = (
        (given["learning_rate"], given["batch_size"], given["crossed"]),
        (given["other_learning_rate"], given["other_batch_size"], not given["crossed"]),
    )
    widths = [width_of(*end) for end in ends]
    alphas = np.linspace(-1, 2, given["num_alphas"])
    if None in widths:
        names = "distance", "train_cross_entropy", "train_accuracy", "test_accuracy"
        return [{"alpha": alpha, **dict.fromkeys(names)} for alpha in alphas]
    halves = [w / 2 * np.exp(spread * generator.normal()) for w in widths]
    places = [DISTANCE * np.abs(alphas - end) for end in (0, 1)]
    risen = np.min(
        [(x / half) ** 2 for x, half in zip(places, halves, strict=True)], axis=0
    )
    return [
        {
            "alpha": alpha,
            "distance": DISTANCE,
            "train_cross_entropy": FLOOR + RISE * rise,
            "train_accuracy": 1 / (1 + 0.1 * rise),
            "test_cross_entropy": 0.1 + 0.2 * rise,
            "test_accuracy": 0.9 / (1 + 0.1 * rise),
        }
        for alpha, rise in zip(alphas, risen, strict=True)
    ]
