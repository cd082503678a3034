"""Trains settings of this project's own networks and datasets, by its engines."""

import dataclasses
import pathlib
import time
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from bsgen import config, data, errors, models
from bsgen.models import losses
from bsgen.training import ensemble, interruption, loop, records, routing, step_plan
from bsgen.tuning.procedures import outcomes, settings
from bsgen.tuning.trainers import examples, protocol


class RunTrainer:
    """See `protocol.Trainer`; the score is the accuracy on the validation set.

    The repeats of a dense network train as one program (see `routing`). Another trains
    by `bsgen.training.loop`, and continues from its checkpoint after a crash.
    """

    metric = "validation accuracy"
    lower_is_better = False
    worst_score = 0.0
    baseline = "the best constant answer"

    def __init__(
        self,
        run: config.RunConfig,
        num_epochs: float,
        folder: str | pathlib.Path,
        data_dir: str | None = None,
        hardware: config.HardwareConfig | None = None,
    ):
        """Reads the data.

        Args:
          run: what all trials share; its batch size, learning rate, momentum and number
            of steps are ignored, and its seed is that of repeat 0.
          num_epochs: of every trial.
          folder: where unfinished runs of big networks are kept.
          data_dir: where prepared datasets lie.
          hardware: of big networks.

        Raises:
          UserError: there are no validation data, the dataset is not prepared, or
            the run's loss has no accuracy.
        """
        loss = losses.find(run.loss)
        if loss.judged_by.name != "accuracy":
            remedy = "a search scores settings by accuracy; take 'cross_entropy'"
            raise errors.UserError("loss", loss.name, remedy)
        if not run.data.validation_size:
            remedy = "tuning chooses on validation data: set some aside, such as 500"
            raise errors.UserError("validation_size", 0, remedy)
        self._run = run
        self.num_epochs = errors.check_real("num_epochs", num_epochs, 0.0)
        self._folder = pathlib.Path(folder)
        self._data_dir = data_dir
        self._hardware = hardware or config.HardwareConfig()
        source = data.load_source(run.data, data_dir)
        split = data.split(source, run.data)
        self.train_size = len(split.train)
        _, labels = source.gather(split.validation)
        self.baseline_score = float(np.bincount(labels).max() / len(labels))
        # Refuses a network that cannot take such inputs here, not in every trial.
        shape, num_classes = source.input_shape, source.num_classes
        models.build(run.model, shape, num_classes, precision=run.precision)
        self._needs_loop = (
            routing.engine(run) == "loop" or self._hardware != config.HardwareConfig()
        )

    def train(
        self,
        setting: settings.Setting,
        repeats: Sequence[int],
        num_epochs: float | None = None,
    ) -> outcomes.Outcome:
        """Trains a setting once a repeat; see `protocol.Trainer`."""
        epochs = num_epochs or self.num_epochs
        runs = {repeat: self._configure(setting, repeat, epochs) for repeat in repeats}
        begun = time.perf_counter()
        try:
            found = {
                record.run.key: record for record in self._execute([*runs.values()])
            }
        except interruption.Interrupted as stopped:
            # keras-tuner counts any Exception as a failed trial.
            raise KeyboardInterrupt from stopped
        except (errors.OutOfMemory, tf.errors.ResourceExhaustedError):
            seconds = time.perf_counter() - begun
            return outcomes.Outcome({}, "out_of_memory", seconds=seconds)
        scores = {repeat: self._score(found[run.key]) for repeat, run in runs.items()}
        diverged = any(found[run.key].status == "diverged" for run in runs.values())
        num_steps = sum(run.num_steps for run in runs.values())
        return outcomes.Outcome(
            scores,
            "diverged" if diverged else "completed",
            num_steps,
            num_steps * setting.batch_size,
            time.perf_counter() - begun,
        )

    def subject(self, repeat: int = 0) -> protocol.Subject:
        """Returns what a repeat starts from; see `theory_measurement`.

        Raises:
          UserError: the data do not fit in memory.
        """
        run = self._run
        arrays = data.load(run.data, self._data_dir)
        inputs, labels = arrays.train
        shape, seed = inputs.shape[1:], run.seed + repeat
        return protocol.Subject(
            models.build(run.model, shape, arrays.num_classes, seed, run.precision),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            examples.examples("train_data", (inputs, labels)),
            run.sgd.l2,
            seed,
        )

    def _configure(
        self, setting: settings.Setting, repeat: int, num_epochs: float
    ) -> config.RunConfig:
        run = dataclasses.replace(
            self._run,
            batch_size=setting.batch_size,
            seed=self._run.seed + repeat,
            evaluation_steps=(),
            num_steps=1,
            optimizer=dataclasses.replace(
                self._run.sgd,
                learning_rate=setting.learning_rate,
                momentum=setting.momentum,
            ),
        )
        num_steps = step_plan.num_steps_in_epochs(num_epochs, run, self.train_size)
        return dataclasses.replace(run, num_steps=num_steps, evaluation_steps=())

    def _execute(self, runs: Sequence[config.RunConfig]) -> Iterator[records.RunRecord]:
        if not self._needs_loop:
            yield from ensemble.train(runs, self._data_dir)
            return
        for run in runs:
            options = loop.Options(self._hardware, self._data_dir)
            record = loop.train(run, self._folder / run.key, options)
            if record is not None:  # the first worker's
                yield record

    def _score(self, record: records.RunRecord) -> float:
        score = record.final.get("validation_accuracy")
        return self.worst_score if score is None else score
