"""Trained networks whose inference takes its statistics from elsewhere.

Hoffer et al. (2017), section 4: "it is important to use the full batch statistic as
suggested by (Ioffe & Szegedy, 2015) for the inference phase". There these are the
statistics of the population, the training set, of which algorithm 1 keeps running
averages. We read the sentence as a warning of inference by the statistics of a ghost,
be it one of the training set or the ghosts that the test examples themselves make.
"""

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from bsgen import config, data, models
from bsgen.studies import measurement
from bsgen.training import cost

if TYPE_CHECKING:
    import keras

# Where the statistics come from.
RUNNING = "running averages"
TRAINING_SET = "training set"
TRAINING_GHOST = "a training ghost"
TEST_BATCHES = "test batches"
TEST_GHOSTS = "test ghosts"
SOURCES = RUNNING, TRAINING_SET, TRAINING_GHOST, TEST_BATCHES, TEST_GHOSTS
_VALUES = ("test_accuracy", "test_cross_entropy")


def of_run(run: config.RunConfig) -> measurement.Measurement:
    """Returns the measurement of the network that a run with ghosts leaves.

    Its rows have `statistics`, of `SOURCES`, and what the network reaches with them.
    """
    settings: dict[str, measurement.Value] = {
        "model": run.model.name,
        "batch_size": run.batch_size,
        "ghost_batch_size": run.model.ghost_batch_size,
        "seed": run.seed,
    }
    # Forward passes over training and test sets, a few of each; some compilations.
    seconds = 2.0 + 5 * cost.seconds(run) / run.num_steps
    return measurement.Measurement(
        settings,
        functools.partial(_measure, run),
        (run,),
        datasets=(run.data.name,),
        seconds=seconds,
    )


def _measure(run: config.RunConfig, place: measurement.Place) -> list[dict[str, Any]]:
    """Returns a row for each source; values are None if the network diverged."""
    if place.record(run).status == "diverged":
        return [{"statistics": each, **dict.fromkeys(_VALUES)} for each in SOURCES]
    model = place.model(run)
    examples = data.load(run.data, place.data_dir)
    return [
        {"statistics": source, **dict(zip(_VALUES, values, strict=True))}
        for source, values in by_source(model, run, examples.train, examples.test)
    ]


def by_source(
    model: "keras.Model",
    run: config.RunConfig,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
) -> list[tuple[str, tuple[float, float]]]:
    """Returns accuracy and cross-entropy (nats) on test examples for each of `SOURCES`.

    Args:
      model: trained by `run`, without dropout; it is not changed.
      run: gives the sizes of batches and ghosts.
      train: inputs and labels [N, ...]; the first of them make the training ghost.
      test: inputs and labels [T, ...], in any order but that of the labels.
    """
    batch_size, ghost = run.batch_size, run.model.ghost_batch_size
    if batch_size is None or ghost is None:
        raise ValueError("the run has no batch size, or no ghosts")
    found = []
    for source in SOURCES:
        # Test batches are one ghost each; training examples pass as in training.
        size = batch_size if source == TEST_BATCHES else ghost
        twin = _twin(model, run, size)
        if source == TRAINING_SET:
            _reestimate(twin, train, batch_size)
        elif source == TRAINING_GHOST:
            _reestimate(twin, tuple(part[:ghost] for part in train), ghost)
        of_test = source in (TEST_BATCHES, TEST_GHOSTS)
        found.append((source, _scores(twin, test, batch_size, training=of_test)))
    return found


def _twin(
    model: "keras.Model", run: config.RunConfig, ghost_batch_size: int
) -> "keras.Model":
    """Returns the network with ghosts of another size and statistics of whole batches.

    At inference it is the same.
    """
    settings = dataclasses.replace(
        run.model,
        ghost_batch_size=ghost_batch_size,
        running_statistics="pooled",
        running_spread="variance",
        unbiased=False,
    )
    twin = models.build(settings, model.input_shape[1:], model.output_shape[-1])
    twin.set_weights(model.get_weights())
    return twin


def _reestimate(
    model: "keras.Model", examples: tuple[np.ndarray, ...], batch_size: int
) -> None:
    """Gives a network the running averages of the examples."""
    import tensorflow as tf

    from bsgen.measures.landscape import reestimation
    from bsgen.measures.objective import batches

    found = reestimation.Reestimation(model, batches.Batches(examples, batch_size))
    weights = [tf.convert_to_tensor(v) for v in model.trainable_variables]
    others = [tf.convert_to_tensor(v) for v in model.non_trainable_variables]
    for variable, value in zip(
        model.non_trainable_variables, found.at(weights, others), strict=True
    ):
        variable.assign(value)


def _scores(
    model: "keras.Model",
    examples: tuple[np.ndarray, np.ndarray],
    batch_size: int,
    training: bool,
) -> tuple[float, float]:
    """Returns accuracy and cross-entropy; `training` normalizes by the batch itself."""
    import keras

    inputs, labels = examples
    starts = range(0, len(inputs), batch_size)
    logits = np.concatenate(
        [model(inputs[i : i + batch_size], training=training).numpy() for i in starts]
    )
    losses = keras.losses.sparse_categorical_crossentropy(labels, logits, True)
    return float(np.mean(logits.argmax(axis=1) == labels)), float(np.mean(losses))
