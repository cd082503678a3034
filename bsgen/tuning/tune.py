"""Tuning any Keras model in one call.

Smith & Le (2017), arXiv 1710.06451, appendix D, through keras-tuner.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import keras

from bsgen import interrupts
from bsgen.tuning import search, search_display
from bsgen.tuning.keras_tuner_adapter import batch_size_heuristic, tuner
from bsgen.tuning.procedures import appendix_d, outcomes, settings
from bsgen.tuning.trainers import model_trainer, protocol


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
    learning_rates: Sequence[float] = (1.0, 0.1, 0.01),
    max_batch_size: int | None = None,
    num_repeats: int = 5,
    tolerance: float | None = None,
    seed: int = 0,
    output_dir: str | os.PathLike | None = None,
    on_outcome: tuner.OnOutcome | None = None,
    class_weight: Mapping[int, float] | None = None,
    baseline_batch_size: int | None = 32,
    progress: bool = True,
) -> search.SearchResult:
    """Tunes batch size, learning rate and momentum of any Keras model by appendix D.

    The search trains with `bsgen.optimizers.Momentum` in place of the model's own
    optimizer. The model as compiled is trained beside it, with as many repeats and
    epochs, and the words of the result say which of the two is better.

    Args:
      build_model: returns a new Keras model with fresh weights, compiled or not.
      train_data: see `ModelTrainer`, as the next five and `class_weight`.
      validation_data: every choice is made on them.
      num_epochs: passes over the training data of every trial.
      loss: for a model that is not compiled.
      metric: what to tune.
      mode: "max" or "min", whether more of the metric is better.
      batch_sizes: of phase 1; None for powers of two from 8 to a quarter of the
        training data. Phases 2 and 3 try others, up to the limit.
      learning_rates: tried in this order, falling, until one is no better than the one
        before.
      max_batch_size: the hardware's limit; None if there is none but the data.
      num_repeats: repeats of a setting in phase 1; finalists get twice as many, and at
        least four.
      tolerance: the difference of the metric that matters: nothing that was measured is
        better than what is recommended by more, in the same repeats. None for 0.01 or,
        where less of the metric is better, a hundredth of an untrained model's.
      seed: of the first repeat.
      output_dir: keeps the search, which continues there after an interruption; None
        for a temporary folder.
      on_outcome: called with each setting and its outcome.
      class_weight: weights of the training examples by class, as for `fit`.
      baseline_batch_size: at which the model as compiled is trained, at most
        `max_batch_size`; 32 is Keras' own default. None leaves it out.
      progress: whether to show a bar, trials and decisions; only lines if the output is
        no terminal.

    Returns:
      The recommendation with the evidence; `result.words()` says it.

    Raises:
      UserError: data, model or settings do not fit together, or `output_dir` holds
        another search.
    """
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
    procedure = appendix_d.AppendixD(
        batch_sizes=sizes,
        learning_rates=tuple(learning_rates),
        max_batch_size=max_batch_size,
        num_repeats=num_repeats,
        own=own,
        **numbers,
    )
    more = {"num_epochs": float(num_epochs), "seed": int(seed)}
    description = search.describe(procedure, {**more, **trainer.fingerprints})
    with contextlib.ExitStack() as stack:
        folder = output_dir or stack.enter_context(tempfile.TemporaryDirectory())
        shared = trainer, folder, description, procedure.num_repeats
        if not progress:
            oracle = batch_size_heuristic.BatchSizeHeuristic(procedure)
            return search.run_search(oracle, *shared, on_outcome)
        display = stack.enter_context(search_display.SearchDisplay())
        display.begin(trainer, own)

        def show(setting: settings.Trainable, outcome: outcomes.Outcome) -> None:
            display.trial(setting, outcome)
            if on_outcome is not None:
                on_outcome(setting, outcome)

        oracle = batch_size_heuristic.BatchSizeHeuristic(procedure, display.decision)
        return search.run_search(oracle, *shared, show, display.warn)
