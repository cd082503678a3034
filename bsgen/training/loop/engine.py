"""The engine for big networks: trains one run on any devices, and never loses work.

What a run computes follows from its configuration and its step alone, so a run that was
killed at any moment goes on from its last checkpoint as if nothing had happened: on one
device with `HardwareConfig.deterministic` bit for bit, else up to rounding. Checkpoints
hold the records so far too, hence none is lost or doubled. A checkpoint is written
after every evaluation, after every `checkpoint_seconds`, and when the run is asked to
stop (SIGTERM, SIGHUP, Ctrl-C).

Where the number of replicas changes what is computed: see `replica_program`.
"""

import dataclasses
import logging
import math
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from bsgen import config, errors, interrupts
from bsgen.training import checkpoints, interruption, records, run_folder
from bsgen.training.loop import event_files, final_measures, strategies, trainee

_SECONDS_PER_CALL = 1.0  # so soon an interruption is noticed, and progress is shown
_MAX_STEPS_PER_CALL = 1000
_LOGGER = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where a run is.

    Attributes:
      step: number of steps taken.
      epoch: passes over the training set completed.
      cross_entropy, accuracy: means over the batches of the last call.
      images_per_second: of the last call.
      record: what was recorded after it, or None.
    """

    step: int
    epoch: float
    cross_entropy: float
    accuracy: float
    images_per_second: float
    record: dict[str, Any] | None = None


@dataclasses.dataclass
class _State:
    """What a checkpoint holds besides the arrays."""

    step: int = 0
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    # Of cross-entropy and accuracy over the batches since the last record.
    sums: list[float] = dataclasses.field(default_factory=lambda: [0.0, 0.0])
    num_summed: int = 0
    seconds: float = 0.0


@interrupts.kept()
def train(
    run: config.RunConfig,
    output_dir: str | os.PathLike,
    hardware: config.HardwareConfig | None = None,
    data_dir: str | None = None,
    resume: str = "auto",
    on_start: Callable[[int], None] = lambda step: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    warn: Callable[[str], None] = _LOGGER.warning,
    checkpoint_seconds: float = 300.0,
    write_events: bool = False,
) -> records.RunRecord | None:
    """Trains a run to its end, or brings the record of one that has finished.

    `output_dir` gets `config.json`, `metrics.jsonl` (a line an evaluation),
    `summary.json`, the checkpoints and at last the model, `model.keras`. Of several
    workers the first alone writes.

    Args:
      run: of SGD with momentum.
      output_dir: for this run alone.
      hardware: the devices and how to use them; None for one device.
      data_dir: where prepared datasets lie.
      resume: "auto" continues if there is a checkpoint, "must" insists on one, "never"
        begins anew and removes what an earlier run left.
      on_start: called with the number of steps taken before, once training begins.
      on_progress: called about once a second.
      warn: is given one line for each damaged file that the run goes on without.
      checkpoint_seconds: between checkpoints.
      write_events: whether to write TensorBoard's scalars too, into `tensorboard/`.

    Returns:
      The record; None on workers but the first.

    Raises:
      UserError: something does not fit, or another worker was lost.
      Interrupted: the run was asked to stop, and is saved.
    """
    hardware = hardware or config.HardwareConfig()
    if hardware.deterministic:
        tf.config.experimental.enable_op_determinism()
    devices = strategies.Devices(hardware)
    folder = run_folder.RunFolder(output_dir, run, hardware)
    with folder:
        found = folder.open(resume, warn) if devices.is_chief else None
        summary = folder.finished() if devices.is_chief else None
        try:
            if devices.largest([summary is not None])[0]:
                if summary is None:
                    return None
                return _record_of(run, summary, folder.history(warn))
            ready = trainee.Trainee(run, devices, hardware, data_dir)
            try:
                loop = _Loop(run, ready, devices, folder, on_progress)
                loop.restore(found)
                if write_events and devices.is_chief:
                    loop.write_events(warn)
                on_start(loop.state.step)
                return loop.run(checkpoint_seconds)
            finally:
                ready.close()
        except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
            if devices.num_workers == 1:
                raise
            remedy = "lost another worker; start all of them again with the same "
            remedy += "commands, and the run goes on from its last checkpoint"
            raise errors.UserError(
                "TF_CONFIG", f"worker {devices.worker}", remedy
            ) from error


class _Loop:
    """Takes the steps of a run, and records and saves between them."""

    def __init__(
        self,
        run: config.RunConfig,
        ready: trainee.Trainee,
        devices: strategies.Devices,
        folder: run_folder.RunFolder,
        on_progress: Callable[[Progress], None],
    ):
        self.state = _State()
        self._run = run
        self._trainee = ready
        self._devices = devices
        self._folder = folder
        self._events: event_files.EventFiles | None = None
        self._on_progress = on_progress
        self._steps_per_call = 1  # the first call traces, and tells nothing

    def restore(self, found: checkpoints.Checkpoint | None) -> None:
        """Goes to the chief's checkpoint, on every worker; None is the beginning."""
        if found is not None:
            self._trainee.restore(found.arrays)
            self.state = _State(**found.info["state"])
        step = self._devices.largest([self.state.step])[0]
        if step:
            self.state.step = step
            self._trainee.share_state_of_chief()
        if self._devices.is_chief:
            self._folder.write_history(self.state.history)

    def write_events(self, warn: Callable[[str], None]) -> None:
        """Lets TensorBoard's files have the records, too."""
        history = self.state.history
        self._events = event_files.EventFiles(self._folder.path, history, warn)

    def run(self, checkpoint_seconds: float) -> records.RunRecord | None:
        """Takes the steps that are left; returns the record of the run."""
        state, num_steps = self.state, self._run.num_steps
        evaluations = set(self._run.evaluation_steps)
        if state.step == 0 and 0 in evaluations and not state.history:
            self._save_record(self._evaluate({}))
        interrupts.check()
        saved = time.monotonic()
        with interruption.Interruption() as asked:
            while state.step < num_steps:
                progress = self._take_steps(evaluations)
                if not math.isfinite(progress.cross_entropy):
                    return self._finish("diverged")
                if state.step in evaluations:
                    record = self._evaluate(self._of_batches(progress))
                    if not _is_finite(record):
                        return self._finish("diverged")
                    self._save_record(record)
                    progress = dataclasses.replace(progress, record=record)
                    saved = time.monotonic()
                if asked.signal_number is None:  # else there may be no terminal left
                    self._on_progress(progress)
                signal_number, self._steps_per_call = self._devices.largest(
                    [asked.signal_number or 0, self._steps_per_call]
                )
                late = time.monotonic() - saved > checkpoint_seconds
                if (late or signal_number) and state.step not in evaluations:
                    self._save()
                    saved = time.monotonic()
                if signal_number and state.step < num_steps:
                    raise interruption.Interrupted(signal_number, state.step)
        return self._finish("completed")

    def _take_steps(self, evaluations: set[int]) -> Progress:
        """Takes as many steps as a call may, up to the next event."""
        state, plan = self.state, self._trainee.plan
        first = state.step
        last = min(
            first + self._steps_per_call,
            plan.segment_end(first),
            min(step for step in evaluations if step > first),
        )
        begun = time.perf_counter()
        metrics = self._trainee.take_steps(first, last)
        elapsed = time.perf_counter() - begun
        finite = np.isfinite(metrics[:, 0])
        # Of a run that diverges: the step of the first loss that is not finite.
        state.step = last if finite.all() else first + int(finite.argmin()) + 1
        state.seconds += elapsed
        # One by one, so that the sum does not depend on how steps fall into calls.
        for values in metrics.tolist():
            state.sums = [
                total + value for total, value in zip(state.sums, values, strict=True)
            ]
        state.num_summed += len(metrics)
        self._adapt(elapsed / len(metrics))
        images = int(plan.batch_sizes[first]) * len(metrics)
        means = metrics.mean(axis=0, dtype=np.float64)
        epoch = float(plan.epochs[state.step])
        return Progress(
            state.step, epoch, float(means[0]), float(means[1]), images / elapsed
        )

    def _adapt(self, seconds_per_step: float) -> None:
        wanted = _SECONDS_PER_CALL / seconds_per_step
        limit = min(_MAX_STEPS_PER_CALL, self._trainee.max_steps)
        # Never much more than before: the last call may have been a lucky one.
        wanted = min(wanted, 2.0 * self._steps_per_call, limit)
        self._steps_per_call = max(1, int(wanted))

    def _of_batches(self, progress: Progress) -> dict[str, Any]:
        """Returns what is known of the steps since the last record."""
        state, plan = self.state, self._trainee.plan
        cross_entropy, accuracy = (total / state.num_summed for total in state.sums)
        return {
            "batch_cross_entropy": cross_entropy,
            "batch_accuracy": accuracy,
            "learning_rate": float(plan.learning_rates[state.step - 1]),
            "batch_size": int(plan.batch_sizes[state.step - 1]),
            "images_per_second": round(progress.images_per_second, 1),
        }

    def _evaluate(self, of_batches: dict[str, Any]) -> dict[str, Any]:
        state = self.state
        begun = time.perf_counter()
        measured: dict[str, float] = {}
        for part in self._trainee.parts:
            measured |= self._trainee.evaluate(part)
        state.seconds += time.perf_counter() - begun
        return {
            "step": state.step,
            "epoch": float(self._trainee.plan.epochs[state.step]),
            **measured,
            **of_batches,
            "seconds": round(state.seconds, 2),
        }

    def _save_record(self, record: dict[str, Any]) -> None:
        """Keeps a record: first in the checkpoint, from which files can be remade."""
        state = self.state
        state.history.append(record)
        state.sums, state.num_summed = [0.0, 0.0], 0
        self._save()
        if self._devices.is_chief:
            self._folder.append(record)
        if self._events:
            self._events.write(record)

    def _save(self) -> None:
        if self._devices.is_chief:
            self._folder.save(
                checkpoints.Checkpoint(
                    self.state.step,
                    self._trainee.state(),
                    {"state": dataclasses.asdict(self.state)},
                )
            )

    def _finish(self, status: str) -> records.RunRecord | None:
        final: dict[str, float] = {}
        if status == "completed":
            last = self.state.history[-1]
            measured = tuple(f"{part}_" for part in self._trainee.parts)
            final = {name: last[name] for name in last if name.startswith(measured)}
            begun = time.perf_counter()
            final |= self._trainee.evaluate("train")
            self.state.seconds += time.perf_counter() - begun
        if not self._devices.is_chief:
            return None
        if status == "completed" and self._run.final_measures:
            begun = time.perf_counter()
            final |= final_measures.measure(self._run, self._trainee)
            self.state.seconds += time.perf_counter() - begun
        summary = {
            "status": status,
            "step": self.state.step,
            "num_records": len(self.state.history),
            "seconds": round(self.state.seconds, 2),
            "final": final,
            "hardware": self._devices.words,
        }
        if status == "completed":
            self._folder.save_model(self._trainee.model)
        self._folder.finish(summary)
        return _record_of(self._run, summary, self.state.history)


def _record_of(
    run: config.RunConfig, summary: dict[str, Any], history: list[dict[str, Any]]
) -> records.RunRecord:
    names = {name: None for record in history for name in record}  # in their order
    curve = {name: [record.get(name) for record in history] for name in names}
    return records.RunRecord(
        run, summary["status"], curve, summary["final"], summary["seconds"]
    )


def _is_finite(record: dict[str, Any]) -> bool:
    return all(math.isfinite(value) for value in record.values())
