"""Measures a model, and gives advice on its batch size.

Noise and curvature are measured on at most a few thousand examples drawn at random, so
that a small network takes well under a minute on two cores; their error says whether
more would help.
"""

import inspect
import sys
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors, interrupts, layers, measures
from bsgen.advice import rules, situation
from bsgen.advice.advice import Advice
from bsgen.data import array_forms, dataset_forms, forms
from bsgen.measures import progress as measure_progress
from bsgen.measures.objective import compiled_loss, given_model, mean_loss

_TOLERANCE = 0.05  # of the eigenvalue; the advice has fewer digits
_MAX_PRODUCTS = 60
_BATCH_SIZE = 256  # of the measurements
_SECONDS_PER_LINE = 5.0
OnProgress = Callable[[str, measure_progress.Progress], None]


def advise(
    model: given_model.Model,
    loss: compiled_loss.Loss,
    data: Any,
    *,
    batch_size: int,
    learning_rate: float,
    target_batch_size: int,
    **options: Any,
) -> Advice:
    """Says what to do when going from one batch size to another, and why.

    Args:
      model: a model, or a function that builds one. Best one that the present setting
        has trained for an epoch or more: at initial weights the noise scale is far too
        small. It is not changed.
      loss: as for `compile`; None for that of a compiled model.
      data: the training data: (inputs, targets) or (inputs, targets, weights) of
        arrays, or a tf.data.Dataset or PyDataset of such batches; see
        `bsgen.data.forms`.
      batch_size: B of the present setting, the global one.
      learning_rate: found good at that batch size.
      target_batch_size: the batch size wanted.
      **options: momentum, train_size, max_examples, l2, seed, progress or on_progress,
        see `bsgen.advice.measure`.

    Returns:
      The advice; `print` shows it, `to_dict` has it as JSON's types.

    Raises:
      UserError: an argument is wrong, the model has no weights, or loss or gradient
        are not finite.
    """
    known = inspect.signature(measure).parameters
    for name in options:
        if name not in known:
            raise errors.unknown_name("option", name, known)
    present = measure(
        model,
        loss,
        data,
        batch_size=batch_size,
        learning_rate=learning_rate,
        target_batch_size=target_batch_size,
        **options,
    )
    return rules.advice_on(present)


@interrupts.kept()
def measure(
    model: given_model.Model,
    loss: compiled_loss.Loss,
    data: Any,
    *,
    batch_size: int,
    learning_rate: float,
    target_batch_size: int,
    momentum: float | None = None,
    train_size: int | None = None,
    max_examples: int = 2000,
    l2: float = 0.0,
    seed: int = 0,
    progress: bool = True,
    on_progress: OnProgress | None = None,
) -> situation.Situation:
    """Measures what advice is made of; arguments not named here are of `advise`.

    Args:
      momentum: m; None for that of the model's optimizer, 0 if it has none.
      train_size: N; None for the number of examples in `data`, for which a data set of
        unknown length is read to its end.
      max_examples: most that are measured on, at least 3. Of arrays they are drawn at
        random; of a data set, which should be shuffled, they are the first.
      l2: of a penalty l2 |w|^2 / 2 that the optimizer adds to the mean loss.
      seed: of the examples drawn, and of the start of the search for the eigenvalue.
      progress: whether to say on stderr, every few seconds, how far it is.
      on_progress: called instead, with what is measured and how far it is.

    Raises:
      UserError: as for `advise`.
    """
    model = given_model.built(model, data)
    loss = _known_loss(model, loss)
    most = errors.check_integer("max_examples", max_examples, 3)
    drawn, size, number = _examples(data, model, most, seed)
    size = size if train_size is None else train_size
    optimizer = getattr(model, "optimizer", None)
    if momentum is None:
        momentum = float(getattr(optimizer, "momentum", 0.0) or 0.0)
    setting = (batch_size, learning_rate, target_batch_size, size, momentum)
    situation.check_setting(*setting)
    _check_is_mean(model, loss, drawn)
    tell = on_progress or (_Lines().tell if progress else None)
    noise = measures.gradient_noise_scale(
        model,
        loss,
        drawn,
        l2=l2,
        batch_size=_BATCH_SIZE,
        on_progress=_named("gradient noise scale", tell),
    )
    critical = measures.critical_learning_rate(
        measures.Hessian(model, loss, drawn, l2=l2, batch_size=_BATCH_SIZE),
        momentum,
        tolerance=_TOLERANCE,
        max_products=_MAX_PRODUCTS,
        seed=seed,
        on_progress=_named("largest eigenvalue", tell),
    )
    kind, ghosts = normalization(model)
    return situation.Situation(
        batch_size=batch_size,
        learning_rate=learning_rate,
        target_batch_size=target_batch_size,
        train_size=size,
        momentum=momentum,
        gradient_noise_scale=noise.value,
        gradient_noise_scale_error=noise.standard_error,
        critical_learning_rate=critical.value,
        critical_learning_rate_error=critical.error,
        num_examples=number,
        mode=noise.mode,
        normalization=kind,
        ghost_batch_size=ghosts,
        optimizer="" if optimizer is None else type(optimizer).__name__,
        num_updates=None if optimizer is None else int(optimizer.iterations.numpy()),
    )


def normalization(model: keras.Model) -> tuple[situation.Normalization, int | None]:
    """Returns which batch normalization a model has, and the size of its ghosts."""
    found = list(model._flatten_layers())  # noqa: SLF001, nested models too
    ghosts = [
        each for each in found if isinstance(each, layers.GhostBatchNormalization)
    ]
    if ghosts:
        return "ghost", ghosts[0].ghost_batch_size
    kinds = (keras.layers.BatchNormalization, layers.BatchNormalization)
    return ("batch" if any(isinstance(each, kinds) for each in found) else "none"), None


def _known_loss(model: keras.Model, loss: Any) -> Any:
    if loss is None and not model.compiled:
        raise errors.UserError("loss", None, "give a loss, or a compiled model")
    return loss


def _check_is_mean(model: keras.Model, loss: Any, data: Any) -> None:
    """Refuses a loss that is a sum over the batch.

    Raises:
      UserError: it is, so that every batch size has a critical rate of its own.
    """
    of_batch = mean_loss.MeanLoss(model, loss)
    one = tf.nest.map_structure(lambda array: tf.convert_to_tensor(array[:4]), data)
    of_batch.recognise_sum(one)
    if of_batch.is_sum:
        remedy = "it is a sum over the batch, so that every batch size has a critical "
        remedy += "rate of its own; give a loss that is a mean"
        raise errors.UserError("loss", of_batch.name, remedy)


def _examples(
    data: Any, model: keras.Model, most: int, seed: int
) -> tuple[tuple[Any, ...], int, int]:
    """Returns examples drawn from data, the size of the data, and that of the draw.

    Of arrays they are drawn at random; of a data set the first ones are taken, which
    should have been shuffled.
    """
    read = forms.read("data", data)
    if isinstance(read, tf.data.Dataset):
        shapes = dataset_forms.input_shapes(model)
        single = dataset_forms.single_examples("data", read, shapes)
        size = dataset_forms.count("data", single)
        rows = list(single.take(most).as_numpy_iterator())
        drawn = tf.nest.map_structure(lambda *parts: np.stack(parts), *rows)
        return drawn, size, len(rows)
    size = array_forms.count("data", read)
    places = np.random.default_rng(seed).permutation(size)[:most]
    drawn = tf.nest.map_structure(lambda array: array[places], read)
    return drawn, size, len(places)


def _named(
    name: str, tell: OnProgress | None
) -> Callable[[measure_progress.Progress], None] | None:
    return None if tell is None else lambda told: tell(name, told)


class _Lines:
    """Prints on stderr what is measured, a line every few seconds."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _SECONDS_PER_LINE

    def tell(self, name: str, told: measure_progress.Progress) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _SECONDS_PER_LINE
        most = "" if told.max_products is None else f" of at most {told.max_products:,}"
        print(f"measuring the {name}: {told.num_products:,}{most}", file=sys.stderr)
