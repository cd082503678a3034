"""The progress of a search: a bar, and a line for every trial and every decision."""

import rich.progress

from bsgen import progress_bar
from bsgen.tuning.procedures import outcomes, replay, settings
from bsgen.tuning.trainers import protocol


class SearchDisplay(progress_bar.Bar):
    """A bar with the trials and the time so far; only lines if piped."""

    def __init__(self) -> None:
        super().__init__(
            rich.progress.TextColumn("{task.completed} trials"),
            rich.progress.BarColumn(bar_width=None),
            rich.progress.TextColumn("{task.description}"),
            rich.progress.TimeElapsedColumn(),
            total=None,  # How many trials there will be depends on their outcomes.
        )
        self._lower_is_better = False

    def begin(self, trainer: protocol.Trainer, own: settings.AsCompiled | None) -> None:
        """Shows what a search must beat, and that a user's optimizer is not used."""
        self._lower_is_better = trainer.lower_is_better
        self.say(protocol.to_beat(trainer))
        optimizer = protocol.own_optimizer(trainer)
        if own is None and optimizer is not None:
            self.say(
                f"the search trains with Momentum in place of your own {optimizer}"
            )

    def kept(self, count: int) -> None:
        """Shows that a search continues, with so many finished trials."""
        self._bar.update(self._task, advance=count)
        self.say(f"continuing after {count} finished trials")

    def trial(self, setting: settings.Trainable, outcome: outcomes.Outcome) -> None:
        """Shows a finished trial."""
        self._bar.update(self._task, advance=1, description=setting.words())
        self.say(f"{setting.words()}: {self._words(outcome)}")

    def decision(self, decision: replay.Decision) -> None:
        """Shows a decision of the search."""
        when = f"phase {decision.phase}" if decision.phase else "at the start"
        self.say(f"{when}: {decision.text}")

    def warn(self, line: str) -> None:
        """Shows a warning; the search continues."""
        self.say(f"warning: {line}")

    def _words(self, outcome: outcomes.Outcome) -> str:
        """Returns "0.974 ± 0.003, 5 repeats, 0.4 s", or what went wrong.

        No mean is shown with a diverged repeat, whose score is made up.
        """
        parts = []
        if outcome.status != "completed":
            parts.append(outcome.status.replace("_", " "))
        elif outcome.scores:
            scores = outcome.of([*outcome.scores])
            parts.append(outcomes.mean_words(scores, self._lower_is_better))
        if len(outcome.scores) > 1:
            parts.append(f"{len(outcome.scores)} repeats")
        return ", ".join([*parts, f"{outcome.seconds:.1f} s"])
