"""A whole search: from data and a model to the recommendation and the files.

Smith & Le (2017), arXiv 1710.06451, appendix D, through keras-tuner.
"""

import dataclasses
import logging
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import keras
import numpy as np
import pandas as pd

from bsgen import interrupts
from bsgen.training import provenance
from bsgen.tuning import older_searches, search_display, search_folder
from bsgen.tuning.keras_tuner_adapter import (
    batch_size_heuristic,
    process_role,
    trials,
    tuner,
)
from bsgen.tuning.procedures import (
    appendix_d,
    comparison,
    outcomes,
    procedure,
    recommend,
    recommendations,
    replay,
    settings,
)
from bsgen.tuning.trainers import model_trainer, protocol

_LOGGER = logging.getLogger(__name__)
OnOutcome = Callable[[settings.Trainable, outcomes.Outcome], None]


@dataclasses.dataclass(frozen=True, eq=False)
class SearchResult:
    """What a search gave.

    Attributes:
      recommendation: None if nothing trained, and in a worker.
      decisions: of a procedure, each with its reason.
      trials: a row a trial; see `search_folder`.
    """

    recommendation: recommendations.Recommendation | None
    decisions: tuple[replay.Decision, ...]
    trials: pd.DataFrame

    def words(self) -> str:
        """Returns the recommendation as one line, or why there is none."""
        if self.recommendation is not None:
            return self.recommendation.words()
        if self.trials.empty:
            return "no recommendation: no trial ended in this process"
        counts = self.trials["status"].str.replace("_", " ").value_counts()
        trained = ", ".join(f"{count} {status}" for status, count in counts.items())
        parts = [f"no recommendation: of {len(self.trials)} trials {trained}"]
        parts += [each.text for each in self.decisions if "baseline" in each.numbers]
        parts += [each.text for each in self.decisions[-1:]]
        return "; ".join(parts)


@interrupts.kept()
def run_search(
    search_oracle: tuner.Oracle,
    trainer: protocol.Trainer,
    output_dir: str | os.PathLike | search_folder.SearchFolder,
    description: Mapping[str, Any],
    num_repeats: int = 1,
    on_outcome: OnOutcome = lambda setting, outcome: None,
    warn: Callable[[str], None] = _LOGGER.warning,
) -> SearchResult:
    """Runs a search to its end, or goes on with it.

    In a process that keras-tuner's variables make a worker, it trains what the chief
    hands out, and returns an empty result.

    Args:
      search_oracle: what to try next; `BatchSizeHeuristic` or one of keras-tuner's.
      trainer: trains settings.
      output_dir: of this search alone; no second process may use it meanwhile.
      description: of the search, of JSON's types; another one in the folder is refused.
      num_repeats: of a trial whose oracle does not say.
      on_outcome: called with each setting trained in this process, and its outcome.
      warn: is given one line for each damaged file that the search goes on without.

    Raises:
      UserError: another process searches in the folder, it holds something else, so
        much in it is damaged that the search cannot go on, or it cannot be written.
    """
    process_role.check()
    if not isinstance(output_dir, search_folder.SearchFolder):
        with search_folder.SearchFolder(output_dir, warn) as folder:
            return run_search(
                search_oracle,
                trainer,
                folder,
                description,
                num_repeats,
                on_outcome,
                warn,
            )
    folder = output_dir
    is_worker = process_role.role() == "worker"
    if not is_worker:
        folder.claim(description)
    searcher = tuner.SettingTuner(
        search_oracle,
        trainer,
        folder.path,
        num_repeats,
        on_outcome,
        {**provenance.versions(), **description},
        warn,
    )
    searcher.search(verbose=0)
    if is_worker:
        return SearchResult(None, (), pd.DataFrame())
    done = [
        (trials.to_request(trial.hyperparameters.values, num_repeats), outcome)
        # In the order in which they began; keras-tuner reads them back in any.
        for _, trial in sorted(search_oracle.trials.items())
        if (outcome := trials.to_outcome(trial)) is not None
    ]
    if isinstance(search_oracle, batch_size_heuristic.BatchSizeHeuristic):
        review = search_oracle.review()
        decisions, recommended = review.decisions, review.recommendation
        done = [(older_searches.with_phase(r, review.asked), o) for r, o in done]
    else:
        rules = comparison.Rules(
            trainer.baseline_score,
            metric=trainer.metric,
            lower_is_better=trainer.lower_is_better,
        )
        decisions, recommended = (), recommend.from_best(done, rules)
    table = folder.write(done, decisions, recommended, trainer.lower_is_better)
    return SearchResult(recommended, decisions, table)


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
    on_outcome: OnOutcome = lambda setting, outcome: None,
    class_weight: Mapping[int, float] | None = None,
    baseline_batch_size: int | None = 32,
    progress: bool = True,
) -> SearchResult:
    """Tunes batch size, learning rate and momentum of any Keras model by appendix D.

    The search trains with `bsgen.optimizers.Momentum` in place of the model's own
    optimizer. The model as compiled is trained beside it, as often and for as many
    epochs, and the words of the result say which of the two is better.

    Args:
      build_model: returns a new Keras model with fresh weights, compiled or not.
      train_data: `(inputs, targets)` or `(inputs, targets, weights)`, or a
        `tf.data.Dataset` of such, see `ModelTrainer`.
      validation_data: the same; every choice is made on them.
      num_epochs: passes over the training data of every trial.
      loss: for a model that is not compiled.
      metric: what to tune, see `ModelTrainer`.
      mode: "max" or "min", whether more of the metric is better; None where Keras
        knows.
      batch_sizes: of phase 1; None for powers of two from 8 to a quarter of the
        training data. Phases 2 and 3 try others, up to the limit.
      learning_rates: tried in this order, falling, until one is no better than the one
        before.
      max_batch_size: what the hardware takes; None for no limit but the data.
      num_repeats: repeats of a setting in phase 1; finalists get twice as many, and at
        least four.
      tolerance: the difference of the metric that matters: what is recommended is at
        most so much worse than anything that was measured, in the same repeats. None
        for 0.01 or, where less of the metric is better, a hundredth of what an
        untrained model has.
      seed: of the first repeat.
      output_dir: where a search is kept, and goes on after an interruption; None for
        a temporary folder.
      on_outcome: called with each setting and its outcome.
      class_weight: weights of the training examples by class, as for `fit`.
      baseline_batch_size: at which the model as compiled is trained; Keras' own default
        unless given, at most `max_batch_size`. None leaves it out.
      progress: whether to show a bar, trials and decisions; where the output is no
        terminal, as lines.

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
    chosen = appendix_d.AppendixD(
        batch_sizes=sizes,
        learning_rates=tuple(learning_rates),
        max_batch_size=max_batch_size,
        num_repeats=num_repeats,
        own=own,
        **numbers,
    )
    more = {"num_epochs": float(num_epochs), "seed": int(seed)}
    description = describe(chosen, {**more, **trainer.fingerprints})
    with tempfile.TemporaryDirectory() as temporary:
        folder = output_dir or temporary
        return _run(chosen, trainer, folder, description, on_outcome, progress)


def _run(
    chosen: procedure.Procedure,
    trainer: protocol.Trainer,
    output_dir: str | os.PathLike,
    description: Mapping[str, Any],
    on_outcome: OnOutcome,
    progress: bool,
) -> SearchResult:
    """Runs a procedure's search, and shows its progress if asked."""
    shared = trainer, output_dir, description, chosen.num_repeats
    if not progress:
        return run_search(
            batch_size_heuristic.BatchSizeHeuristic(chosen), *shared, on_outcome
        )
    with search_display.SearchDisplay(trainer.lower_is_better) as display:
        display.say(protocol.to_beat(trainer))
        if chosen.own is None:
            display.replaced(protocol.own_optimizer(trainer))

        def tell(setting: settings.Trainable, outcome: outcomes.Outcome) -> None:
            display.trial(setting, outcome)
            on_outcome(setting, outcome)

        search_oracle = batch_size_heuristic.BatchSizeHeuristic(
            chosen, display.decision
        )
        return run_search(search_oracle, *shared, tell, display.warn)


def describe(chosen: procedure.Procedure, more: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what makes a search the same: its procedure, its numbers and `more`."""
    name = type(chosen).__name__
    values = {"procedure": name, **dataclasses.asdict(chosen), **more}
    return {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in values.items()
    }
