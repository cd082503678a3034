"""One search, from an oracle and a trainer to the recommendation and the files."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import pandas as pd

from bsgen import errors, interrupts
from bsgen.training import provenance
from bsgen.tuning import older_searches, search_folder
from bsgen.tuning.keras_tuner_adapter import (
    batch_size_heuristic,
    process_role,
    trials,
    tuner,
)
from bsgen.tuning.procedures import (
    comparison,
    procedure,
    recommend,
    recommendations,
    replay,
)
from bsgen.tuning.trainers import protocol

_LOGGER = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, eq=False)
class SearchResult:
    """The result of a search.

    Attributes:
      recommendation: None if nothing trained, and in a worker.
      decisions: of a procedure, each with its reason.
      trials: a row a trial; see `search_folder`.
      trainer: of the search; None in a worker.
    """

    recommendation: recommendations.Recommendation | None
    decisions: tuple[replay.Decision, ...]
    trials: pd.DataFrame
    trainer: protocol.Trainer | None = dataclasses.field(default=None, repr=False)

    def build(self) -> keras.Model:
        """Returns a new model, compiled with the recommended rate and momentum.

        The batch size is left to `fit`:

            model = result.build()
            batch_size = result.recommendation.setting.batch_size
            model.fit(inputs, targets, batch_size=batch_size, epochs=20)

        It has `bsgen.optimizers.Momentum` even where your own optimizer was better
        (`result.recommendation.baseline.is_better`).

        Raises:
          UserError: nothing is recommended, or the search trained runs of this
            project's own networks, which `launch.train --from_search` trains.
        """
        if self.recommendation is None:
            raise errors.UserError("recommendation", None, self.words())
        if not isinstance(self.trainer, protocol.BuildingTrainer):
            remedy = "it trains no model of yours; use `launch.train --from_search`"
            raise errors.UserError("trainer", type(self.trainer).__name__, remedy)
        return self.trainer.build(self.recommendation.setting)

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
    oracle: tuner.Oracle,
    trainer: protocol.Trainer,
    output_dir: str | os.PathLike | search_folder.SearchFolder,
    description: Mapping[str, Any],
    num_repeats: int = 1,
    on_outcome: tuner.OnOutcome | None = None,
    warn: Callable[[str], None] = _LOGGER.warning,
    on_kept: Callable[[int], None] | None = None,
) -> SearchResult:
    """Runs a search to its end, or continues it.

    A process that keras-tuner's variables make a worker trains what the chief hands
    out, and returns an empty result. After Ctrl-C the folder has the table of the
    trials that have ended, and their decisions.

    Args:
      oracle: what to try next; `BatchSizeHeuristic` or one of keras-tuner's.
      trainer: trains settings.
      output_dir: of this search alone; no second process may use it meanwhile.
      description: of the search, as JSON types; a folder with another one is refused.
      num_repeats: of a trial whose oracle does not say.
      on_outcome: called with each setting trained in this process, and its outcome.
      warn: called with one line for each damaged file that the search does without.
      on_kept: called first, with the number of finished trials that are there already,
        if there are any.

    Raises:
      UserError: another process searches in the folder, it holds something else, it is
        too damaged for the search to continue, or it cannot be written.
    """
    process_role.check()
    is_worker = process_role.role() == "worker"
    with contextlib.ExitStack() as stack:
        folder = output_dir
        if not isinstance(folder, search_folder.SearchFolder):
            opened = search_folder.SearchFolder(folder, warn)
            folder = stack.enter_context(opened)
        if not is_worker:
            folder.claim(description)
        identity = {**provenance.versions(), **description}
        searching = tuner.SettingTuner(
            oracle, trainer, folder.path, num_repeats, on_outcome, identity, warn
        )
        ended = [*filter(None, map(trials.to_outcome, oracle.trials.values()))]
        if ended and on_kept is not None and not is_worker:
            on_kept(len(ended))
        try:
            searching.search(verbose=0)
        except KeyboardInterrupt:
            if not is_worker and any(map(trials.to_outcome, oracle.trials.values())):
                _written(oracle, trainer, folder, num_repeats, has_ended=False)
            raise
        if is_worker:
            return SearchResult(None, (), pd.DataFrame())
        return _written(oracle, trainer, folder, num_repeats)


def _written(
    oracle: tuner.Oracle,
    trainer: protocol.Trainer,
    folder: search_folder.SearchFolder,
    num_repeats: int,
    has_ended: bool = True,
) -> SearchResult:
    """Writes the result of a search, and returns it.

    One that has not ended recommends nothing.
    """
    done = [
        (trials.to_request(trial.hyperparameters.values, num_repeats), outcome)
        # In the order in which they began; keras-tuner reads them back in any.
        for _, trial in sorted(oracle.trials.items())
        if (outcome := trials.to_outcome(trial)) is not None
    ]
    if isinstance(oracle, batch_size_heuristic.BatchSizeHeuristic):
        review = oracle.review()
        decisions, recommended = review.decisions, review.recommendation
        done = [
            (older_searches.with_phase(request, review.asked), outcome)
            for request, outcome in done
        ]
    else:
        rules = comparison.Rules(
            trainer.baseline_score,
            metric=trainer.metric,
            lower_is_better=trainer.lower_is_better,
        )
        decisions, recommended = (), None
        if has_ended:
            recommended = recommend.from_best(done, rules)
    table = folder.write(done, decisions, recommended, trainer.lower_is_better)
    return SearchResult(recommended, decisions, table, trainer)


def describe(chosen: procedure.Procedure, more: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the identity of a search: its procedure, its numbers and `more`."""
    name = type(chosen).__name__
    values = {"procedure": name, **dataclasses.asdict(chosen), **more}
    return {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in values.items()
    }
