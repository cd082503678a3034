"""Trains settings of any Keras model, with its own loss and metric."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
import keras_tuner
import numpy as np
import tensorflow as tf

from bsgen import errors
from bsgen.optimizers import Momentum
from bsgen.tuning import examples, outcomes, settings, subjects

_EVALUATION_BATCH = 256


class ModelTrainer:
    """See `trainers.Trainer`; the score is a metric of the user on validation data.

    A trial builds a new model, gives it `bsgen.optimizers.Momentum` and takes
    floor(num_epochs N / B) steps of exactly B examples by `fit`. A repeat whose loss or
    metric stops being finite has diverged. A metric of which less is better is scored
    with the sign reversed.
    """

    def __init__(
        self,
        build_model: Callable[[], keras.Model],
        train_data: Any,
        validation_data: Any,
        num_epochs: float,
        loss: Any = None,
        metric: Any = None,
        mode: Literal["max", "min"] | None = None,
        seed: int = 0,
    ):
        """Builds a model once, to learn its metric and the untrained score.

        Args:
          build_model: returns a new Keras model with fresh weights. If it is compiled,
            its loss and metrics hold, and its optimizer is replaced.
          train_data: `(inputs, targets)` of arrays, or a `tf.data.Dataset` of such
            pairs, one example each, of known size.
          validation_data: the same.
          num_epochs: of every trial; above 0.
          loss: for a model that is not compiled, as for `compile`.
          metric: for a model that is not compiled, a metric as for `compile`; for a
            compiled one the name of its metric; None for its first one, else the loss.
          mode: whether more of the metric is better; None to go by its name.
          seed: of repeat 0.

        Raises:
          UserError: data, loss or metric are missing or do not fit.
        """
        self._build_model = build_model
        self._num_epochs = errors.check_real("num_epochs", num_epochs, 0.0)
        self._loss, self._metric = loss, metric
        self._seed = errors.check_integer("seed", seed, 0)
        self._train_data = examples.examples("train_data", train_data)
        self._validation_data = examples.examples("validation_data", validation_data)
        self.train_size = len(self._train_data)
        model = self._built_model(0)
        # What it was compiled with, such as "Adam"; None if it was not.
        self.own_optimizer = type(model.optimizer).__name__ if model.compiled else None
        measured = self._evaluate(self._compiled(model, settings.Setting(1, 1.0, 0.0)))
        self._name = self._choose(measured)
        self._sign = _sign(self._name, mode)
        self.lower_is_better = self._sign < 0
        prefix = "" if self._sign > 0 else "minus "
        self.metric = f"{prefix}validation {self._name}"
        untrained = self._sign * measured[self._name]
        self.baseline_score = max(untrained, self._constant_score())
        # Of an accuracy 0; of anything else, clearly below the untrained model.
        # In single precision, as the scores.
        self.worst_score = float(np.float32(untrained - 10 * (abs(untrained) + 1)))
        if self._is_accuracy():
            self.worst_score = 0.0

    def train(
        self,
        setting: settings.Setting,
        repeats: Sequence[int],
        num_epochs: float | None = None,
    ) -> outcomes.Outcome:
        """Trains a setting once a repeat; see `trainers.Trainer`."""
        return self._train(
            setting.batch_size,
            repeats,
            num_epochs,
            lambda repeat: self._new_model(setting, repeat),
        )

    def train_as_compiled(
        self,
        batch_size: int,
        repeats: Sequence[int],
        num_epochs: float | None = None,
    ) -> outcomes.Outcome:
        """Trains the model with the optimizer that it was compiled with.

        Otherwise as `train`: the same seeds, budget and score.

        Args:
          batch_size: the examples in each step.
          repeats: numbers of the repeats.
          num_epochs: None for the trainer's own budget.
        """
        return self._train(batch_size, repeats, num_epochs, self._built_model)

    def _train(
        self,
        batch_size: int,
        repeats: Sequence[int],
        num_epochs: float | None,
        new_model: Callable[[int], keras.Model],
    ) -> outcomes.Outcome:
        epochs = num_epochs or self._num_epochs
        num_steps = int(epochs * self.train_size // batch_size)
        if num_steps < 1:
            remedy = f"shorter than one step of {batch_size} of "
            remedy += f"{self.train_size} examples"
            raise errors.UserError("num_epochs", epochs, remedy)
        scores = {}
        begun = time.perf_counter()
        try:
            for repeat in repeats:
                model = new_model(repeat)
                scores[repeat] = self._score(model, batch_size, repeat, num_steps)
        except tf.errors.ResourceExhaustedError:
            seconds = time.perf_counter() - begun
            return outcomes.Outcome({}, "out_of_memory", seconds=seconds)
        diverged = self.worst_score in scores.values()
        return outcomes.Outcome(
            scores,
            "diverged" if diverged else "completed",
            num_steps * len(scores),
            num_steps * len(scores) * batch_size,
            time.perf_counter() - begun,
        )

    def subject(self, repeat: int = 0) -> subjects.Subject:
        """Returns what a repeat starts from; see `theory_inputs`."""
        model = self._new_model(settings.Setting(1, 1.0, 0.0), repeat)
        loss = keras.losses.get(model.loss)
        seed = self._seed + repeat
        return subjects.Subject(model, loss, self._train_data, seed=seed)

    def _score(
        self, model: keras.Model, batch_size: int, repeat: int, num_steps: int
    ) -> float:
        batches = self._train_data.batches(batch_size, num_steps, self._seed + repeat)
        history = model.fit(
            batches,
            shuffle=False,  # they are shuffled
            verbose=0,
            callbacks=[keras.callbacks.TerminateOnNaN()],
        )
        if not math.isfinite(history.history["loss"][-1]):
            return self.worst_score
        value = self._evaluate(model)[self._name]
        return self._sign * value if math.isfinite(value) else self.worst_score

    def _built_model(self, repeat: int) -> keras.Model:
        """Returns a new model as the user's function returns it."""
        keras.utils.set_random_seed(self._seed + repeat)
        model = self._build_model()
        if not isinstance(model, keras.Model):
            remedy = "let it return a Keras model"
            raise errors.UserError("build_model", type(model).__name__, remedy)
        return model

    def _new_model(self, setting: settings.Setting, repeat: int) -> keras.Model:
        return self._compiled(self._built_model(repeat), setting)

    def _compiled(self, model: keras.Model, setting: settings.Setting) -> keras.Model:
        """Gives a model the optimizer of a setting in place of its own."""
        optimizer = Momentum(setting.learning_rate, setting.momentum)
        if model.compiled:
            model.optimizer = optimizer
            return model
        if self._loss is None:
            remedy = "give a loss, or let build_model return a compiled model"
            raise errors.UserError("loss", None, remedy)
        metrics = None if self._metric is None else [self._metric]
        model.compile(optimizer, self._loss, metrics=metrics)
        return model

    def _evaluate(self, model: keras.Model) -> dict[str, float]:
        batches = self._validation_data.in_order(_EVALUATION_BATCH)
        return model.evaluate(batches, return_dict=True, verbose=0)

    def _choose(self, measured: dict[str, float]) -> str:
        """Returns the name, among the metrics of `evaluate`, of the one to tune."""
        others = [name for name in measured if name != "loss"]
        if isinstance(self._metric, str) and self._metric in measured:
            return self._metric
        if isinstance(self._metric, str) and others and self._loss is None:
            raise errors.unknown_name("metric", self._metric, measured)
        return others[0] if others else "loss"

    def _is_accuracy(self) -> bool:
        return "acc" in self._name.lower()

    def _constant_score(self) -> float:
        """Returns the accuracy of the best constant predictor, -inf elsewhere."""
        targets = self._validation_data.targets()
        if not self._is_accuracy() or targets is None:
            return -math.inf
        if targets.ndim > 1 and targets.shape[-1] > 1:
            targets = targets.argmax(axis=-1)
        _, counts = np.unique(targets, return_counts=True)
        return float(counts.max() / counts.sum())


def _sign(name: str, mode: str | None) -> int:
    """Returns 1 where more is better, -1 where less is.

    Raises:
      UserError: the name does not tell.
    """
    if mode is None and ("acc" in name.lower() or name == "loss"):
        mode = "min" if name == "loss" else "max"
    inferred = mode or keras_tuner.engine.metrics_tracking.infer_metric_direction(name)
    if inferred not in ("max", "min"):
        remedy = f"say whether more of {name!r} is better: 'max' or 'min'"
        raise errors.UserError("mode", mode, remedy)
    return 1 if inferred == "max" else -1
