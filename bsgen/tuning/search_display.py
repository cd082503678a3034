"""What a search shows: a bar, and a line for every trial and every decision."""

import rich.progress

from bsgen import progress_bar
from bsgen.tuning.procedures import outcomes, replay, settings


class SearchDisplay(progress_bar.Bar):
    """A bar with the trials and the time so far; lines alone when piped."""

    def __init__(self, lower_is_better: bool = False) -> None:
        """Makes ready to show scores.

        Args:
          lower_is_better: whether they are the metric with its sign reversed.
        """
        self.lower_is_better = lower_is_better
        super().__init__(
            rich.progress.TextColumn("{task.completed} trials"),
            rich.progress.BarColumn(bar_width=None),
            rich.progress.TextColumn("{task.description}"),
            rich.progress.TimeElapsedColumn(),
            total=None,
        )
        # How many trials there will be depends on what they give.

    def replaced(self, optimizer: str | None) -> None:
        """Says that the user's own optimizer, if there is one, is not used at all."""
        if optimizer is not None:
            self.say(
                f"the search trains with Momentum in place of your own {optimizer}"
            )

    def trial(self, setting: settings.Trainable, outcome: outcomes.Outcome) -> None:
        """Shows a finished trial."""
        self._bar.update(self._task, advance=1, description=setting.words())
        self.say(f"{setting.words()}: {self._words(outcome)}")

    def decision(self, decision: replay.Decision) -> None:
        """Shows a decision of the search."""
        self.say(f"phase {decision.phase}: {decision.text}")

    def warn(self, line: str) -> None:
        """Shows what is wrong, but not in the way of the search."""
        self.say(f"warning: {line}")

    def _words(self, outcome: outcomes.Outcome) -> str:
        """Returns "0.974 ± 0.003, 5 repeats, 0.4 s", or what went wrong.

        The score of a diverged repeat is made up, so no mean is shown with it.
        """
        parts = []
        if outcome.status != "completed":
            parts.append(outcome.status.replace("_", " "))
        elif outcome.scores:
            scores = outcome.of([*outcome.scores])
            parts.append(outcomes.mean_words(scores, self.lower_is_better))
        if len(outcome.scores) > 1:
            parts.append(f"{len(outcome.scores)} repeats")
        return ", ".join([*parts, f"{outcome.seconds:.1f} s"])
