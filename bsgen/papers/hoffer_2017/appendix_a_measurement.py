"""Measures how the gradients of different batches covary, and how long their mean is.

The derivations of section 4 and appendix A are of gradients of examples that do not
depend on their batch. So the network of the figures is taken without batch
normalization, and trained without momentum, at the effective rate of its regime or,
where it diverges so, at a tenth of it.

Two kinds of rows. "fixed": at fixed weights, over batches drawn anew. "training": the
increments of the first epochs of training itself, whose weights move.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bsgen import config, theory
from bsgen.papers.hoffer_2017 import presets
from bsgen.studies import measurement

if TYPE_CHECKING:
    import keras

    from bsgen.measures.noise import batch_gradients

FIXED, TRAINING = "fixed", "training"
# Epochs with the small batch before each state; our choice. The rate is high in both.
EPOCHS = (0, 5)
STRETCH = 2  # epochs of training that are measured, from the initial weights on
SMALL = {"quick": 25, "reduced": 250}  # a fortieth of the training set
BATCH_SIZES = {
    "quick": (25, 50, 100, 125, 200, 250, 500),
    "reduced": (250, 500, 1000, 2000, 2500, 5000),
}
_LAGS = (1, 2, 4, 8, 16, 24, 32, 39, 40, 50, 60)  # of the small batch
TRAINING_LAGS = (1, 2, 4, 8)
# At the small batch, and more where epochs have fewer batches; our choice.
_NUM_STREAMS = {"quick": 10, "reduced": 4}
_NUM_SEEDS = {"quick": 8, "reduced": 5}
_SECONDS = {"quick": 4.0, "reduced": 300.0}
# Of the effective rate: F1 diverges at the whole of it without normalization.
_RATE_SHARE = {"quick": 1.0, "reduced": 0.1}


def measurements(scale: str, num_seeds: int | None) -> list[measurement.Measurement]:
    """Returns one a seed."""
    return [_measurement(scale, seed) for seed in range(num_seeds or _NUM_SEEDS[scale])]


def _measurement(scale: str, seed: int) -> measurement.Measurement:
    run = _run(scale, seed)
    settings: dict[str, measurement.Value] = {
        "dataset": run.data.name,
        "train_size": run.data.train_size,
        "model": run.model.name,
        "learning_rate": run.sgd.learning_rate,
        "num_streams": _NUM_STREAMS[scale],
        "seed": seed,
    }
    measure = functools.partial(
        _measure,
        run=run,
        batch_sizes=BATCH_SIZES[scale],
        num_streams=_NUM_STREAMS[scale],
    )
    return measurement.Measurement(
        settings, measure, datasets=(run.data.name,), seconds=_SECONDS[scale]
    )


def _run(scale: str, seed: int) -> config.RunConfig:
    task = presets.FIGURES[scale].task
    settings = task.optimizer
    rate = theory.effective_learning_rate(settings.learning_rate, settings.momentum)
    run = task.run(seed=seed, batch_size=SMALL[scale])
    return dataclasses.replace(
        run,
        model=dataclasses.replace(run.model, normalization="none"),
        optimizer=config.MomentumConfig(float(rate) * _RATE_SHARE[scale], 0.0),
    )


def _measure(
    place: measurement.Place,
    run: config.RunConfig,
    batch_sizes: Sequence[int],
    num_streams: int,
) -> list[dict[str, Any]]:
    """Returns rows of both kinds."""
    import keras

    from bsgen import data, models
    from bsgen.measures.noise import batch_gradients

    arrays = data.load(run.data, place.data_dir)
    inputs, labels = arrays.train
    model = models.build(run.model, inputs.shape[1:], arrays.num_classes, run.seed)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    of_batches = batch_gradients.BatchGradients(model, loss, (inputs, labels))
    trained = _Training(model, of_batches, run)
    rows = []
    for epochs in EPOCHS:
        trained.take_steps(epochs * trained.steps_per_epoch)
        of_batches.update()
        state = {"num_steps": trained.step}
        found = _at_fixed_weights(of_batches, run, batch_sizes, num_streams)
        if not epochs:
            found += trained.measured(STRETCH * trained.steps_per_epoch)
        rows += [state | row for row in found]
    return rows


def _at_fixed_weights(
    of_batches: "batch_gradients.BatchGradients",
    run: config.RunConfig,
    batch_sizes: Sequence[int],
    num_streams: int,
) -> list[dict[str, Any]]:
    """Returns rows: by lag over epochs, and for neighbours within an epoch, by B."""
    from bsgen.measures.noise import increments

    small = batch_sizes[0]
    rows = []
    for size, lags, one_epoch in (
        (small, _LAGS, False),
        *((size, (1,), True) for size in batch_sizes),
    ):
        found = increments.of_batch_gradients(
            of_batches,
            size,
            lags,
            one_epoch=one_epoch,
            num_streams=max(num_streams, num_streams * size // (4 * small)),
            seed=run.seed,
        )
        rows += [
            {
                "kind": FIXED,
                "batch_size": size,
                "lag": lag,
                "one_epoch": one_epoch,
                "correlation": found.correlation[place],
                "standard_error": found.correlation_standard_error[place],
                "along_gradient": found.along[place, 0],
                "along_random": found.along[place, 1],
                "covariance": found.covariance[place],
                "variance": found.variance,
                "squared_gradient": found.squared_gradient,
                "example_trace": found.example_trace,
            }
            for place, lag in enumerate(lags)
        ]
    return rows


class _Training:
    """Training without momentum on the batches of a run, from step to step.

    Attributes:
      step: taken so far.
      steps_per_epoch: whole batches of an epoch.
    """

    def __init__(
        self,
        model: "keras.Model",
        of_batches: "batch_gradients.BatchGradients",
        run: config.RunConfig,
    ):
        """Begins at the model's weights, whose gradients `of_batches` has."""
        from bsgen.measures.objective import flat_weights

        self._weights = flat_weights.FlatWeights(model)
        self._of_batches = of_batches
        self._run = run
        self._rate = run.sgd.learning_rate
        self.step = 0
        self.steps_per_epoch = of_batches.num_examples // (run.batch_size or 1)

    def take_steps(self, until: int) -> None:
        """Takes steps until so many have been taken."""
        while self.step < until:
            self._move(self._deviation() + self._of_batches.gradient)

    def measured(self, num_steps: int) -> list[dict[str, Any]]:
        """Takes steps, and returns a row for each lag between two of them.

        `correlation` is of the deviations from the full gradient of each step,
        `raw_correlation` of the increments as they are.
        """
        moves, deviations = [], []
        squared_gradient = 0.0
        for _ in range(num_steps):
            self._of_batches.update()
            deviation = self._deviation()
            gradient = self._of_batches.gradient
            squared_gradient += float(gradient @ gradient) / num_steps
            deviations.append(deviation)
            moves.append(deviation + gradient)
            self._move(moves[-1])
        return [
            {
                "kind": TRAINING,
                "batch_size": self._run.batch_size,
                "lag": lag,
                "correlation": _correlation(np.array(deviations), lag),
                "raw_correlation": _correlation(np.array(moves), lag),
                "variance": float(np.mean(np.square(deviations).sum(axis=1))),
                "squared_gradient": squared_gradient,
            }
            for lag in TRAINING_LAGS
        ]

    def _deviation(self) -> npt.NDArray[np.float64]:
        """Returns that of the next batch's gradient from the last full gradient."""
        from bsgen.data import sampling
        from bsgen.measures.noise import batch_gradients

        positions = sampling.batches(
            self._run.seed,
            self.step,
            1,
            self._run.batch_size or 1,
            self._of_batches.num_examples,
        )
        no_directions = np.empty((0, self._weights.num_parameters))
        deviations = self._of_batches.compiled(batch_gradients.itself, no_directions)
        return deviations(positions)[0]

    def _move(self, gradient: npt.NDArray[np.float64]) -> None:
        weights = self._weights.read()
        self._weights.assign(weights - np.asarray(self._rate * gradient, weights.dtype))
        self.step += 1


def _correlation(vectors: npt.NDArray[np.float64], lag: int) -> float:
    """Returns the mean product of vectors [T, P] so far apart, over that of each.

    The mean cosine would be no correlation: a batch without the few examples of large
    gradients deviates towards the others' mean, and such batches are most.
    """
    products = np.einsum("tp,tp->t", vectors[:-lag], vectors[lag:])
    return float(products.mean() / np.mean(np.square(vectors).sum(axis=1)))
