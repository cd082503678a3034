"""The steps of one run, and the evaluations and checkpoints between them."""

import dataclasses
import math
import time
from typing import Any, Literal

import numpy as np

from bsgen import config, interrupts
from bsgen.training import (
    checkpoints,
    interruption,
    records,
    run_folder,
    weight_distance,
)
from bsgen.training.loop import (
    event_files,
    final_measures,
    run_state,
    strategies,
    trainee,
)
from bsgen.training.loop.options import Options
from bsgen.training.observer import Observer, TrainingProgress

_SECONDS_PER_CALL = 1.0  # how soon an interruption is noticed and progress is shown
_MAX_STEPS_PER_CALL = 1000


class RunLoop:
    """Takes the steps of a run in calls of about a second each."""

    def __init__(
        self,
        run: config.RunConfig,
        ready: trainee.Trainee,
        devices: strategies.Devices,
        folder: run_folder.RunFolder,
        options: Options,
        observer: Observer,
    ):
        """Begins at step 0; the chief has the folder open."""
        self._state = run_state.RunState()
        self._run = run
        self._trainee = ready
        self._devices = devices
        self._folder = folder
        self._options = options
        self._observer = observer
        self._events: event_files.EventFiles | None = None
        self._steps_per_call = 1  # the first call traces, so its time means nothing

    def restore(self, found: checkpoints.Checkpoint | None) -> None:
        """Moves every worker to the chief's checkpoint; None is the beginning."""
        if found is not None:
            self._trainee.state.restore(found.arrays)
            self._state = run_state.RunState(**found.info["state"])
        step = self._devices.largest([self._state.step])[0]
        if step:
            self._state.step = step
            self._devices.share_of_chief(self._trainee.state.variables().values())
        if self._devices.is_chief:
            self._folder.write_history(self._state.history)
            if self._options.write_events:
                self._events = event_files.EventFiles(
                    self._folder.path, self._state.history, self._observer.warned
                )

    def run(self) -> records.RunRecord | None:
        """Takes the remaining steps; returns the run's record, None but on the chief.

        Raises:
          Interrupted: the run was asked to stop, and is saved.
        """
        state, num_steps = self._state, self._run.num_steps
        evaluations = set(self._run.evaluation_steps)
        self._observer.started(state.step)
        if state.step == 0 and 0 in evaluations and not state.history:
            self._save_record(self._evaluate())
        interrupts.check()
        saved = time.monotonic()
        with interruption.Interruption() as asked:
            while state.step < num_steps and not self._has_fitted():
                progress = self._take_steps(evaluations)
                if not math.isfinite(next(iter(progress.metrics.values()))):
                    return self._finish("diverged")
                if state.step in evaluations:
                    record = self._evaluate(progress)
                    if not all(math.isfinite(value) for value in record.values()):
                        return self._finish("diverged")
                    self._save_record(record)
                    progress = dataclasses.replace(progress, record=record)
                    saved = time.monotonic()
                if asked.signal_number is None:  # else there may be no terminal left
                    self._observer.advanced(progress)
                signal_number, self._steps_per_call = self._devices.largest(
                    [asked.signal_number or 0, self._steps_per_call]
                )
                late = time.monotonic() - saved > self._options.checkpoint_seconds
                if (late or signal_number) and state.step not in evaluations:
                    self._save()
                    saved = time.monotonic()
                if signal_number and state.step < num_steps:
                    raise interruption.Interrupted(signal_number, state.step)
        return self._finish("completed")

    def _has_fitted(self) -> bool:
        """Whether the last evaluation found the training loss that ends the run."""
        goal, history = self._run.stop_train_loss, self._state.history
        if goal is None:
            return False
        name = f"train_{self._trainee.loss.metrics[0].name}"
        reached = bool(history) and history[-1][name] <= goal
        # After a restart the chief alone knows the records.
        return bool(self._devices.largest([reached])[0])

    def _take_steps(self, evaluations: set[int]) -> TrainingProgress:
        """Takes as many steps as one call may, up to the next event."""
        state, plan = self._state, self._trainee.plan
        first = state.step
        last = min(
            first + self._steps_per_call,
            plan.segment_end(first),
            min(step for step in evaluations if step > first),
        )
        last = self._trainee.end_of_call(first, last)
        begun = time.perf_counter()
        metrics = self._trainee.take_steps(first, last)
        elapsed = time.perf_counter() - begun
        finite = np.isfinite(metrics[:, 0])
        # A diverged run ends at the first step whose loss is not finite.
        state.step = last if finite.all() else first + int(finite.argmin()) + 1
        state.seconds += elapsed
        state.add_batches(metrics.tolist())
        self._adapt(elapsed / len(metrics))
        images = int(plan.batch_sizes[first]) * len(metrics)
        means = metrics.mean(axis=0, dtype=np.float64)
        epoch = float(plan.epochs[state.step])
        values = self._trainee.loss.values(means.tolist())
        return TrainingProgress(state.step, epoch, values, images / elapsed)

    def _adapt(self, seconds_per_step: float) -> None:
        wanted = _SECONDS_PER_CALL / seconds_per_step
        # At most doubled: the last call may have been faster than usual.
        wanted = min(wanted, 2.0 * self._steps_per_call, _MAX_STEPS_PER_CALL)
        self._steps_per_call = max(1, int(wanted))

    def _evaluate(self, progress: TrainingProgress | None = None) -> dict[str, Any]:
        """Returns the record of this step; without progress, of the untrained model."""
        state, plan = self._state, self._trainee.plan
        measured: dict[str, float] = {}
        with state.timed():
            for part in self._trainee.parts:
                measured |= self._trainee.evaluate(part)
            measured |= self._trainee.distances()
        record = {"step": state.step, "epoch": float(plan.epochs[state.step])}
        record |= measured
        if progress is not None:  # what is known of the steps since the last record
            means = [total / state.num_summed for total in state.sums]
            record |= self._trainee.loss.recorded("batch", means)
            record |= {
                "learning_rate": float(plan.learning_rates[state.step - 1]),
                "batch_size": int(plan.batch_sizes[state.step - 1]),
                "images_per_second": round(progress.images_per_second, 1),
            }
        return {**record, "seconds": round(state.seconds, 2)}

    def _save_record(self, record: dict[str, Any]) -> None:
        """Keeps a record: first in the checkpoint, as files can be remade from it."""
        self._state.add_record(record)
        self._save()
        if self._devices.is_chief:
            self._folder.append(record)
        if self._events:
            self._events.write(record)

    def _save(self) -> None:
        if self._devices.is_chief:
            self._folder.save(
                checkpoints.Checkpoint(
                    self._state.step,
                    self._trainee.state.arrays(),
                    {"state": dataclasses.asdict(self._state)},
                )
            )

    def _finish(
        self, status: Literal["completed", "diverged"]
    ) -> records.RunRecord | None:
        """Measures the final model and writes it with the summary."""
        state, parts = self._state, self._trainee.parts
        final: dict[str, float] = {}
        if status == "completed" and "train" not in parts:
            with state.timed():
                final = self._trainee.evaluate("train")
        if not self._devices.is_chief:
            return None
        if status == "completed":  # of other workers' records a restart knows nothing
            measured = (*(f"{part}_" for part in parts), *weight_distance.NAMES)
            last = state.history[-1].items()
            final = {k: v for k, v in last if k.startswith(measured)} | final
        if status == "completed" and self._run.final_measures:
            with state.timed():
                final |= final_measures.measure(self._run, self._trainee)
        summary = {
            "status": status,
            "step": state.step,
            "num_records": len(state.history),
            "seconds": round(state.seconds, 2),
            "final": final,
            "hardware": self._devices.hardware,
        }
        if status == "completed":
            self._folder.save_model(self._trainee.model)
        self._folder.finish(summary)
        return records.from_history(self._run, summary, state.history)
