"""Tuning any Keras model in one call, through keras-tuner.

Smith & Le (2017), arXiv 1710.06451, appendix D, or successive halving.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import keras

from bsgen import config, errors, interrupts
from bsgen.tuning import search, search_display, search_figure
from bsgen.tuning.keras_tuner_adapter import batch_size_heuristic, tuner
from bsgen.tuning.procedures import appendix_d, halving, outcomes, settings
from bsgen.tuning.trainers import model_trainer, protocol

_PROCEDURES = ("appendix_d", "halving")
_LEARNING_RATES = (1.0, 0.1, 0.01)  # the paper's two, and one more


@interrupts.kept()
def tune_batch_size(
    build_model: Callable[[], keras.Model],
    train_data: Any,
    validation_data: Any,
    num_epochs: float,
    loss: Any = None,
    metric: Any = None,
    mode: Literal["max", "min"] | None = None,
    batch_sizes: Sequence[int] | None = None,
    learning_rates: Sequence[float] = _LEARNING_RATES,
    max_batch_size: int | None = None,
    num_repeats: int = 5,
    tolerance: float | None = None,
    seed: int = 0,
    output_dir: str | os.PathLike | None = None,
    on_outcome: tuner.OnOutcome | None = None,
    class_weight: Mapping[int, float] | None = None,
    baseline_batch_size: int | None = 32,
    progress: bool = True,
    procedure: Literal["appendix_d", "halving"] = "appendix_d",
) -> search.SearchResult:
    """Tunes batch size, learning rate and momentum of any Keras model.

    Appendix D looks for a large batch that costs no accuracy, with the momentum that it
    needs. Successive halving looks for the best batch size and learning rate at
    momentum 0.9, with a fraction of the examples.

    The search trains with `bsgen.optimizers.Momentum` in place of the model's own
    optimizer. The model as compiled is trained beside it, with as many repeats and
    epochs, and the words of the result say which of the two is better.

    Args:
      build_model: returns a new Keras model with fresh weights, compiled or not.
      train_data: (inputs, targets) or (inputs, targets, weights) of arrays, or a
        tf.data.Dataset or PyDataset of such batches; see `bsgen.data.forms`.
      validation_data: the same; every choice is made on them. For more on these and the
        next four see `ModelTrainer`.
      num_epochs: passes over the training data of every trial.
      loss: for a model that is not compiled.
      metric: what to tune.
      mode: "max" or "min", whether more of the metric is better.
      batch_sizes: of phase 1; None for powers of two from 8 to a quarter of the
        training data. Phases 2 and 3 try others, up to the limit. Halving takes the
        smallest for its own smallest, and finds the others.
      learning_rates: tried in this order, falling, until one is no better than the one
        before. Halving finds its own.
      max_batch_size: the hardware's limit; None if there is none but the data.
      num_repeats: repeats of a setting in phase 1; finalists get twice as many, and at
        least four.
      tolerance: the difference of the metric that matters: nothing that was measured is
        better than what is recommended by more, in the same repeats. None for 0.01 or,
        where less of the metric is better, a hundredth of an untrained model's.
      seed: of the first repeat.
      output_dir: keeps the search, which continues there after an interruption, with a
        table and a picture of its trials; None for a temporary folder.
      on_outcome: called with each setting and its outcome.
      class_weight: weights of the training examples by class, as for `fit`.
      baseline_batch_size: at which the model as compiled is trained, at most
        `max_batch_size`; 32 is Keras' own default. None leaves it out.
      progress: whether to show a bar, trials and decisions; only lines if the output is
        no terminal.
      procedure: "appendix_d" or "halving".

    Returns:
      The recommendation with the evidence; `result.words()` says it.

    Raises:
      UserError: data, model or settings do not fit together, or `output_dir` holds
        another search.
    """
    if procedure not in _PROCEDURES:
        raise errors.unknown_name("procedure", procedure, _PROCEDURES)
    rates = config.check_falling_rates("learning_rates", learning_rates)
    if procedure == "halving" and rates != _LEARNING_RATES:
        remedy = "halving finds rates of its own; leave it out"
        raise errors.UserError("learning_rates", learning_rates, remedy)
    trainer = model_trainer.ModelTrainer(
        build_model,
        train_data,
        validation_data,
        num_epochs,
        loss,
        metric,
        mode,
        seed,
        class_weight,
    )
    numbers = protocol.numbers(trainer)
    limit = min(trainer.train_size, max_batch_size or trainer.train_size)
    own = None
    if baseline_batch_size is not None:
        own = protocol.own(trainer, baseline_batch_size, limit)
    if tolerance is not None:
        numbers["tolerance"] = tolerance
    sizes = settings.default_batch_sizes(trainer.train_size)
    if batch_sizes is not None:
        sizes = settings.given_batch_sizes(
            batch_sizes, trainer.train_size, max_batch_size
        )
    numbers |= {
        "max_batch_size": max_batch_size,
        "num_repeats": num_repeats,
        "own": own,
    }
    chosen: appendix_d.AppendixD | halving.Halving
    if procedure == "halving":
        smallest = min(sizes)
        chosen = halving.Halving(
            num_epochs=num_epochs, min_batch_size=smallest, **numbers
        )
    else:
        chosen = appendix_d.AppendixD(
            batch_sizes=sizes, learning_rates=rates, **numbers
        )
    more = {"num_epochs": float(num_epochs), "seed": int(seed)}
    description = search.describe(chosen, {**more, **trainer.fingerprints})
    with contextlib.ExitStack() as stack:
        if output_dir is not None:
            stack.enter_context(search_figure.written(output_dir))
        folder = output_dir or stack.enter_context(tempfile.TemporaryDirectory())
        shared = trainer, folder, description, chosen.num_repeats
        if not progress:
            oracle = batch_size_heuristic.BatchSizeHeuristic(chosen)
            return search.run_search(oracle, *shared, on_outcome)
        display = stack.enter_context(search_display.SearchDisplay())
        display.begin(trainer, own)

        def show(setting: settings.Trainable, outcome: outcomes.Outcome) -> None:
            display.trial(setting, outcome)
            if on_outcome is not None:
                on_outcome(setting, outcome)

        oracle = batch_size_heuristic.BatchSizeHeuristic(chosen, display.decision)
        return search.run_search(oracle, *shared, show, display.warn, display.kept)
