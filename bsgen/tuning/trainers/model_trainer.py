"""Trains settings of any Keras model, with its own loss and metric."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from bsgen import config, errors
from bsgen.data import dataset_forms
from bsgen.optimizers import Momentum
from bsgen.tuning.procedures import outcomes, settings
from bsgen.tuning.trainers import (
    constant_baseline,
    ctrl_c_callback,
    example_checks,
    examples,
    fingerprints,
    fresh_models,
    metric_values,
    protocol,
    retracing_warnings,
    user_score,
)

# Keras takes seeds below 2^32, and repeats count on from the first one.
_MAX_SEED = 2**31


class ModelTrainer:
    """See `protocol.Trainer`; the score is the user's metric on the validation data.

    A trial builds a new model, gives it `bsgen.optimizers.Momentum` and takes
    floor(num_epochs N / B) steps of exactly B examples with `fit`; everything else is
    as the model was compiled. A repeat whose loss or metric stops being finite has
    diverged.

    Attributes:
      metric, lower_is_better, worst_score, baseline, baseline_score: see
        `user_score.UserScore`.
      fingerprints: digests of the model and of the data, by name; see `fingerprints`.
      own_optimizer: the class that the model was compiled with, such as "Adam"; None if
        it was not compiled.
    """

    @retracing_warnings.hidden()
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
        class_weight: Mapping[int, float] | None = None,
    ):
        """Builds a model once, to find its metric and the score to beat.

        Args:
          build_model: returns a new Keras model with fresh weights. If it is compiled,
            its loss and metrics hold, and its optimizer is replaced.
          train_data: (inputs, targets) or (inputs, targets, weights) of arrays, or a
            tf.data.Dataset or PyDataset of such batches; see `bsgen.data.forms`. A data
            set is read into memory, or into a temporary file if it is large; one that
            shuffles or augments is read again for every epoch.
          validation_data: the same.
          num_epochs: of every trial; above 0.
          loss: for a model that is not compiled, as for `compile`.
          metric: for a model that is not compiled, a metric as for `compile`, or a list
            of them; for a compiled one its name or the metric itself. None for the
            first metric, or the loss if there is none.
          mode: whether more of the metric is better; None where Keras knows.
          seed: of repeat 0.
          class_weight: weights of the training examples by class, as for `fit`.

        Raises:
          UserError: data, loss or metric are missing or do not fit.
        """
        self._models = fresh_models.FreshModels(build_model)
        self.num_epochs = errors.check_real(
            "num_epochs", num_epochs, 0.0, config.MAX_STEPS
        )
        if self.num_epochs == 0:
            raise errors.UserError("num_epochs", num_epochs, "give more than 0")
        self._loss, self._metric = loss, metric
        self._seed = errors.check_integer("seed", seed, 0, _MAX_SEED)
        model = self._models.new(self._seed)
        self.own_optimizer = _name_of_optimizer(model)
        self._compiled(model, settings.Setting(1, 1.0, 0.0))
        shapes = dataset_forms.input_shapes(model)
        self._train_data = examples.examples(
            "train_data", train_data, shapes, class_weight
        )
        self._validation_data = examples.examples(
            "validation_data", validation_data, shapes
        )
        for data in (self._train_data, self._validation_data):
            example_checks.check_shapes(data, shapes)
            with example_checks.in_one_line(data):
                example_checks.check_finite(data, model)
        self.train_size = len(self._train_data)
        with example_checks.in_one_line(self._validation_data):
            measured = self._evaluate(model)
        self._score = user_score.find(
            model,
            measured,
            # Of a model that was not compiled it is the only metric, or the first.
            metric if loss is None else None,
            mode,
            self._train_data,
            self._validation_data,
        )
        self.metric = self._score.metric
        self.lower_is_better = self._score.lower_is_better
        self.worst_score = self._score.worst_score
        self.baseline = self._score.baseline
        self.baseline_score = self._score.baseline_score
        if not constant_baseline.computes_by_itself(model):
            example_checks.check_trainable(self._train_data, model)
        self.fingerprints = fingerprints.of(
            model, self._train_data, self._validation_data
        )

    def train(
        self,
        setting: settings.Setting,
        repeats: Sequence[int],
        num_epochs: float | None = None,
    ) -> outcomes.Outcome:
        """Trains a setting once a repeat; see `protocol.Trainer`."""
        return self._train(
            setting.batch_size,
            repeats,
            num_epochs,
            lambda repeat: self._new_model(setting, repeat),
        )

    def train_as_compiled(
        self, batch_size: int, repeats: Sequence[int], num_epochs: float | None = None
    ) -> outcomes.Outcome:
        """Trains with the model's own optimizer; see `protocol.CompiledTrainer`."""
        return self._train(
            batch_size,
            repeats,
            num_epochs,
            lambda repeat: self._models.new(self._seed + repeat),
        )

    @retracing_warnings.hidden()
    def _train(
        self,
        batch_size: int,
        repeats: Sequence[int],
        num_epochs: float | None,
        new_model: Callable[[int], keras.Model],
    ) -> outcomes.Outcome:
        epochs = num_epochs or self.num_epochs
        num_steps = int(epochs * self.train_size // batch_size)
        if num_steps < 1:
            remedy = f"shorter than one step of {batch_size} of "
            remedy += f"{self.train_size} examples"
            raise errors.UserError("num_epochs", epochs, remedy)
        if num_steps > config.MAX_STEPS:
            remedy = f"more than {config.MAX_STEPS:,} steps of {batch_size}"
            raise errors.UserError("num_epochs", epochs, remedy)
        scores: dict[int, float | None] = {}
        begun = time.perf_counter()
        try:
            for repeat in repeats:
                model = new_model(repeat)
                scores[repeat] = self._fit(model, batch_size, repeat, num_steps)
        except tf.errors.ResourceExhaustedError:
            seconds = time.perf_counter() - begun
            return outcomes.Outcome({}, "out_of_memory", seconds=seconds)
        return outcomes.Outcome(
            {i: self.worst_score if s is None else s for i, s in scores.items()},
            "diverged" if None in scores.values() else "completed",
            num_steps * len(scores),
            num_steps * len(scores) * batch_size,
            time.perf_counter() - begun,
        )

    def build(self, setting: settings.Setting) -> keras.Model:
        """Returns a new model as repeat 0 begins with; see `BuildingTrainer`."""
        return self._new_model(setting, 0)

    def subject(self, repeat: int = 0) -> protocol.Subject:
        """Returns what a repeat starts from; see `theory_measurement`."""
        model = self._new_model(settings.Setting(1, 1.0, 0.0), repeat)
        if not model.built:  # a subclass makes its weights when it is first called
            (batch,) = self._train_data.at(np.arange(1), 1)
            model(batch[0], training=False)
        seed = self._seed + repeat
        return protocol.Subject(model, None, self._train_data, seed=seed)

    def _fit(
        self, model: keras.Model, batch_size: int, repeat: int, num_steps: int
    ) -> float | None:
        """Trains a model; returns its score, None if it diverged."""
        batches = self._train_data.batches(batch_size, num_steps, self._seed + repeat)
        history = model.fit(
            batches,
            shuffle=False,  # they are shuffled
            verbose=0,
            callbacks=[_StopAtNaN(), ctrl_c_callback.CtrlC()],
        )
        # A model with a training step of its own may report no loss.
        if not math.isfinite(history.history.get("loss", [0.0])[-1]):
            return None
        _check_trained(model)
        return self._score.of(self._evaluate(model))

    def _new_model(self, setting: settings.Setting, repeat: int) -> keras.Model:
        return self._compiled(self._models.new(self._seed + repeat), setting)

    def _compiled(self, model: keras.Model, setting: settings.Setting) -> keras.Model:
        """Gives a model the optimizer of a setting in place of its own."""
        optimizer = Momentum(setting.learning_rate, setting.momentum)
        metrics: Any = self._metric
        if metrics is not None and not isinstance(metrics, list | tuple | dict):
            metrics = [metrics]
        fresh_models.compile_by_default(model, optimizer, self._loss, metrics)
        return model

    def _evaluate(self, model: keras.Model) -> list[metric_values.MetricValue]:
        return metric_values.evaluate(model, self._validation_data.in_order())


class _StopAtNaN(keras.callbacks.Callback):
    """Ends `fit` at the first loss that is not finite; Keras' own prints a line."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Keras calls this."""
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            self.model.stop_training = True


def _name_of_optimizer(model: keras.Model) -> str | None:
    own = model.optimizer if model.compiled else None
    # Under mixed_float16 it is wrapped.
    return type(getattr(own, "inner_optimizer", own)).__name__ if own else None


def _check_trained(model: keras.Model) -> None:
    """Refuses a model whose own training step does not use its optimizer.

    Raises:
      UserError: it does not.
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    # Steps that loss scaling skips do not count.
    if optimizer is model.optimizer and int(optimizer.iterations.numpy()) == 0:
        remedy = "its training step does not use model.optimizer, so that no learning "
        remedy += "rate could be tuned"
        raise errors.UserError("build_model", model.name, remedy)
