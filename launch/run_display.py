"""Shows a training run: a progress bar, and a line for every evaluation."""

from collections.abc import Mapping
from typing import Any

import rich.progress

from bsgen import config, data, progress_bar
from bsgen.models import losses
from bsgen.training.observer import Observer, TrainingProgress


class RunDisplay(progress_bar.Bar, Observer):
    """A bar with the metrics, examples per second and time left; lines when piped.

    Attributes:
      has_started: whether training has begun; a finished run never begins.
    """

    def __init__(self, run: config.RunConfig):
        """Prepares the bar of a run."""
        self.has_started = False
        self._num_steps = num_steps = run.num_steps
        self._loss = losses.of_run(run)
        is_text = data.find(run.data.name).labels == "tokens"
        self._unit = "windows" if is_text else "examples"
        super().__init__(
            rich.progress.TextColumn("step {task.completed:,.0f} of {task.total:,.0f}"),
            rich.progress.BarColumn(bar_width=None),
            rich.progress.TextColumn("{task.description}"),
            rich.progress.TextColumn("left"),
            rich.progress.TimeRemainingColumn(),
            total=num_steps,
        )

    def started(self, step: int) -> None:
        """Shows that training begins or continues after `step` steps."""
        self.has_started = True
        self._bar.reset(self._task, completed=step, total=self._num_steps)
        if step:
            self.say(f"continuing after step {step:,} of {self._num_steps:,}")

    def advanced(self, progress: TrainingProgress) -> None:
        """Shows how far the run is."""
        (_, loss), *others = progress.metrics.items()
        words = [f"loss {loss:.3f}", *(f"{name} {value:.3f}" for name, value in others)]
        words.append(f"{progress.images_per_second:,.0f} {self._unit}/s")
        line = ", ".join(words)
        self._bar.update(self._task, completed=progress.step, description=line)
        if progress.record is not None:
            self.say(self._line(progress.record))

    def warned(self, line: str) -> None:
        """Shows a warning."""
        self.say(f"warning: {line}")

    def _line(self, record: Mapping[str, Any]) -> str:
        """Returns an evaluation in words."""
        parts = [f"step {record['step']:,} (epoch {record['epoch']:.3g})"]
        minimised, judged_by = self._loss.metrics[0], self._loss.judged_by
        for part in ("batch", "validation", "test"):
            if f"{part}_{judged_by.name}" in record:
                name = "training" if part == "batch" else part
                words = f"{name} {record[f'{part}_{judged_by.name}']:.4f}"
                if judged_by != minimised:
                    words += f" (loss {record[f'{part}_{minimised.name}']:.4f})"
                parts.append(words)
        if "weight_distance" in record:
            parts.append(f"weight distance {record['weight_distance']:.4g}")
        if "images_per_second" in record:
            parts.append(f"{record['images_per_second']:,.0f} {self._unit}/s")
        return "; ".join(parts)
