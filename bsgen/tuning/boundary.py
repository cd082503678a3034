"""The rule of thumb for the batch size of any Keras model, in one call.

Smith, Elsen & De (2020), arXiv 2006.15081, section 8; see
`bsgen.tuning.procedures.rule_of_thumb`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import keras

from bsgen import errors
from bsgen.tuning.procedures import outcomes, replay, settings
from bsgen.tuning.procedures import rule_of_thumb as procedures
from bsgen.tuning.trainers import model_trainer

Train = Callable[[Any, tuple[int, ...]], outcomes.Outcome]
_STEPS = 32  # that a run at the large batch takes at least, if the data allow it


def rule_of_thumb(
    build_model: Callable[[], keras.Model],
    train_data: Any,
    validation_data: Any,
    num_epochs: float = 3.0,
    loss: Any = None,
    metric: Any = None,
    mode: Literal["max", "min"] | None = None,
    batch_size: int = 16,
    large_batch_size: int | None = None,
    max_batch_size: int | None = None,
    learning_rate: float = 0.125,
    tuned_learning_rate: float | None = None,
    momentum: float = 0.9,
    scaling: str = "linear",
    num_repeats: int = 3,
    seed: int = 0,
    class_weight: Mapping[int, float] | None = None,
    on_decision: replay.OnDecision | None = None,
) -> procedures.Boundary:
    """Finds a batch size and a learning rate at the boundary of the two regimes.

    It trains for a few epochs with `bsgen.optimizers.Momentum`, at a small batch and at
    a large one, and recommends what to train with in full: `result.setting`, and
    `result.words()` says why.

    Args:
      build_model: returns a new Keras model with fresh weights, compiled or not.
      train_data: (inputs, targets) or (inputs, targets, weights) of arrays, or a
        tf.data.Dataset or PyDataset of such batches; see `bsgen.data.forms`.
      validation_data: the same; every choice is made on them. For more on these and the
        next four see `ModelTrainer`.
      num_epochs: of every run; a few.
      loss: for a model that is not compiled.
      metric: what decides.
      mode: "max" or "min", whether more of the metric is better.
      batch_size: the small one, at which noise dominates.
      large_batch_size: at which stability is tested; None for one that takes some
        thirty steps.
      max_batch_size: the largest to recommend; None if the data are the only limit.
      learning_rate: the first tried.
      tuned_learning_rate: the best at `batch_size`, if it is known.
      momentum: m of all runs.
      scaling: "linear", or "sqrt"; see `RuleOfThumb`.
      num_repeats: runs of a setting.
      seed: of the first of them.
      class_weight: weights of the training examples by class, as for `fit`.
      on_decision: called with each decision.

    Raises:
      UserError: data, model or settings do not fit together, or no rate trains.
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
    number = trainer.train_size
    large = large_batch_size or usual_large_batch(number, num_epochs, batch_size)
    procedure = procedures.RuleOfThumb(
        batch_size=batch_size,
        large_batch_size=errors.check_integer("large_batch_size", large, 1, number),
        max_batch_size=min(max_batch_size or number, number),
        momentum=momentum,
        learning_rate=learning_rate,
        tuned_learning_rate=tuned_learning_rate,
        scaling=scaling,
        num_repeats=num_repeats,
        baseline_score=trainer.baseline_score,
        metric=trainer.metric,
        lower_is_better=trainer.lower_is_better,
    )
    return find_boundary(procedure, trainer.train, on_decision)


def find_boundary(
    procedure: procedures.RuleOfThumb,
    train: Train,
    on_decision: replay.OnDecision | None = None,
) -> procedures.Boundary:
    """Trains what the procedure asks for, until it recommends something.

    Args:
      procedure: with its numbers.
      train: trains a setting once for each numbered repeat.
      on_decision: called with each decision.

    Raises:
      UserError: no learning rate trains.
    """
    results: dict[settings.Trainable, outcomes.Outcome] = {}
    told = 0
    while True:
        review = procedure.review(results)
        for decision in review.decisions[told:]:
            if on_decision is not None:
                on_decision(decision)
        told = len(review.decisions)
        if not review.wanted:
            break
        for request in review.wanted:
            results[request.setting] = train(request.setting, request.repeats)
    if review.boundary is None:
        remedy = f"{review.decisions[-1].text}, from a millionth of it to a million "
        remedy += "times it; give more epochs"
        raise errors.UserError("learning_rate", procedure.learning_rate, remedy)
    return review.boundary


def usual_large_batch(train_size: int, num_epochs: float, batch_size: int) -> int:
    """Returns a batch size for the test of stability: a power of two.

    It takes some thirty steps or, where the data are few, is four times the small one.

    Args:
      train_size: N.
      num_epochs: of a run.
      batch_size: the small one.
    """
    most = max(int(num_epochs * train_size) // _STEPS, 4 * batch_size)
    return min(1 << (most.bit_length() - 1), train_size)
