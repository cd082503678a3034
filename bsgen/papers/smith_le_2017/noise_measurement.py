"""Measures the covariance of a batch's gradient by batch size.

Eq. 15 of Smith & Le (2017) rests on N (N/B - 1) F, for batches without replacement;
appendix A of Hoffer et al. (2017), arXiv 1705.08741, finds 1/B for both kinds where B
<< N. Neither paper shows a measurement. Here batches of the network of section 4 are
drawn, at its initial weights and early in its training: near the end of it nearly all
of the gradient is that of a few examples, which small batches hardly ever draw. F is
the covariance of single examples.
"""

import functools
from typing import Any

import numpy as np

from bsgen import config
from bsgen.papers.smith_le_2017 import presets
from bsgen.studies import measurement

TRAINED_STEPS = 100  # some three passes over N = 1000 images; our choice
# Batches drawn at a batch size, and more of the small ones until they hold a number of
# examples: after some training a few examples have most of the gradient.
_NUM_BATCHES = {"quick": 200, "paper": 500}
_NUM_EXAMPLES = {"quick": 2000, "paper": 5000}
_NUM_SEEDS = {"quick": 6, "paper": 5}
_SECONDS = {"quick": 4.0, "paper": 50.0}


def measurements(scale: str, num_seeds: int | None) -> list[measurement.Measurement]:
    """Returns one a seed, before and after training, and kind of drawing."""
    return [
        _measurement(scale, num_steps, replacement, seed)
        for num_steps in (0, TRAINED_STEPS)
        for replacement in (False, True)
        for seed in range(num_seeds or _NUM_SEEDS[scale])
    ]


def _measurement(
    scale: str, num_steps: int, replacement: bool, seed: int
) -> measurement.Measurement:
    run = presets.task(scale).run(seed=seed)
    sizes = presets.batch_sizes()
    counts = [max(_NUM_BATCHES[scale], _NUM_EXAMPLES[scale] // size) for size in sizes]
    settings: dict[str, measurement.Value] = {
        "dataset": run.data.name,
        "train_size": presets.TRAIN_SIZE,
        "num_steps": num_steps,
        "replacement": replacement,
        "fewest_batches": min(counts),
        "most_batches": max(counts),
        "seed": seed,
    }
    measure = functools.partial(
        _measure,
        run=run,
        num_steps=num_steps,
        replacement=replacement,
        num_batches=counts,
        batch_sizes=sizes,
    )
    return measurement.Measurement(
        settings, measure, datasets=(run.data.name,), seconds=_SECONDS[scale]
    )


def _measure(
    place: measurement.Place,
    run: config.RunConfig,
    num_steps: int,
    replacement: bool,
    num_batches: list[int],
    batch_sizes: list[int],
) -> list[dict[str, Any]]:
    """Returns a row a batch size, all for the gradient of the mean loss of a batch."""
    import keras

    from bsgen import data, measures, models

    arrays = data.load(run.data, place.data_dir)
    inputs, labels = arrays.train
    model = models.build(run.model, inputs.shape[1:], arrays.num_classes, run.seed)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    _train(model, loss, run, num_steps, inputs, labels)
    found = measures.noise_by_batch_size(
        model,
        loss,
        (inputs, labels),
        batch_sizes,
        replacement=replacement,
        num_batches=num_batches,
        seed=run.seed,
    )
    gradient_variance, random_variance = found.example_variances
    return [
        {
            "batch_size": size,
            "num_batches": num_batches[row],
            "trace": found.trace[row],
            "trace_standard_error": found.trace_standard_error[row],
            "gradient_variance": found.variances[row, 0],
            "random_variance": found.variances[row, 1],
            "example_trace": found.example_trace,
            "example_gradient_variance": gradient_variance,
            "example_random_variance": random_variance,
            "squared_gradient": found.squared_gradient,
        }
        for row, size in enumerate(batch_sizes)
    ]


def _train(
    model: Any,
    loss: Any,
    run: config.RunConfig,
    num_steps: int,
    inputs: np.ndarray,
    labels: np.ndarray,
) -> None:
    """Takes the first steps of a run of figure 4, on batches in the same order."""
    from bsgen import optimizers
    from bsgen.data import sampling

    if not num_steps:
        return
    settings = run.sgd
    model.compile(optimizers.Momentum(settings.learning_rate, settings.momentum), loss)
    size = run.batch_size or len(labels)
    for positions in sampling.batches(run.seed, 0, num_steps, size, len(labels)):
        model.train_on_batch(inputs[positions], labels[positions])
