"""A Keras callback that follows how far the weights move from where they began.

Hoffer, Hubara & Soudry (2017), arXiv 1705.08741, section 3: |w_t - w_0| grows with
log t at every batch size, faster for small batches than for large ones at one learning
rate (figure 2).
"""

import logging
import math
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bsgen import errors, measures, theory
from bsgen.callbacks import distance_backup

_LOGGER = logging.getLogger(__name__)


class WeightDistance(keras.callbacks.Callback):
    """Measures |w_t - w_0|, over all trainable weights, after log-spaced steps t.

    Those are 0, the rounded powers of 10^(1 / per_decade), and the last step of each
    `fit`. A step is an update of the weights, as the optimizer counts them.

    Logs, for `History`, the progress bar and the callbacks that follow this one in the
    list, such as `CSVLogger` and `TensorBoard`: `weight_distance` at the end of each
    epoch, and `weight_distance_slope`, b of the fit of a + b log t (eq. 4) to the
    distances so far; NaN before there are eight from step 1 on.

    >>> import keras, numpy as np
    >>> from bsgen.callbacks import WeightDistance
    >>> inputs = np.random.default_rng(0).normal(size=(256, 8)).astype("float32")
    >>> targets = np.sin(inputs.sum(axis=1, keepdims=True))
    >>> model = keras.Sequential([keras.layers.Dense(16, "relu"),
    ...                           keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> distance = WeightDistance()
    >>> history = model.fit(inputs, targets, epochs=20, verbose=0, callbacks=[distance])
    >>> distance.steps.tolist()
    [0, 1, 2, 3, 4, 6, 7, 10, 13, 18, 24, 32, 42, 56, 75, 100, 133, 160]
    >>> len(distance.distances), len(history.history["weight_distance"])
    (18, 20)
    >>> growth = distance.fit()  # of a + b log t
    >>> growth.coefficients[1] > 0
    True

    It costs a copy of the trainable weights in the memory of the host, and at each
    measurement another copy and a pass over both; other steps do not wait for it.

    Calls of `fit` that go on with one model and optimizer are one training. To survive
    the end of the process, as with `keras.callbacks.BackupAndRestore`, give
    `backup_dir`: a model that has taken no step begins a new training there, and one
    that has continues what it finds.
    """

    def __init__(
        self,
        per_decade: int = 8,
        at_epoch_ends: bool = True,
        initial_weights: keras.Model | Sequence[Any] | None = None,
        backup_dir: str | os.PathLike | None = None,
    ):
        """Measures nothing yet.

        Args:
          per_decade: measurements from 10 to 100 steps, 100 to 1000 and so on; fewer
            where they would be of the same step.
          at_epoch_ends: whether to measure at the end of each epoch too, for the logs
            alone; otherwise the logs have the last distance of `distances`.
          initial_weights: w_0, those of step 0, as a built model or a list of arrays in
            the order of `model.trainable_variables`; None for those of the model where
            training begins.
          backup_dir: a folder of its own for w_0 and the distances so far.

        Raises:
          UserError: `per_decade` is not from 1 to 1000.
        """
        super().__init__()
        self._per_decade = errors.check_integer("per_decade", per_decade, 1, 1000)
        self._at_epoch_ends = at_epoch_ends
        self._given = initial_weights
        self._backup = None
        if backup_dir is not None:
            self._backup = distance_backup.DistanceBackup(pathlib.Path(backup_dir))
        self._optimizer: keras.optimizers.Optimizer | None = None
        self._weights: list[keras.Variable] = []
        self._start: list[np.ndarray] = []
        self._offset = 0  # the optimizer's steps at w_0
        self._points: dict[int, float] = {}
        self._next = 0  # the next step to measure at
        self._seen = (0, 0)  # steps that had been taken at a batch of the epoch

    @property
    def steps(self) -> np.ndarray:
        """The steps t after which it measured, rising, int64 [n]."""
        return np.array([*self._points], np.int64)

    @property
    def distances(self) -> np.ndarray:
        """|w_t - w_0| after `steps`, float64 [n]; not finite if weights are not."""
        return np.array([*self._points.values()], np.float64)

    def fit(self, law: str = "log") -> theory.GrowthFit:
        """Fits a law of `bsgen.theory.LAWS` to the distances so far.

        `theory.log_growth(callback.steps, callback.distances)` has the slope with its
        interval, and `theory.growth_exponent` tells log t from a power of t.

        Raises:
          UserError: there are fewer than 8 steps from 1 on, a distance is not finite,
            or there is no such law.
        """
        return theory.fit_growth(self.steps, self.distances, law)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Finds w_0 before the first step; Keras calls this."""
        # Other callbacks may load weights where training begins, but not after.
        if self.model.optimizer is not self._optimizer:
            self._begin()
        self._seen = self._num_steps(), 0

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Measures if it is time, before the next step; Keras calls this.

        Keras calls what comes after a batch in another thread, while training goes on;
        one callback that needs it at once would make every step wait.
        """
        step, at_batch = self._seen
        # To ask the optimizer is to wait for the device. There are at most as many
        # steps as batches: fewer with accumulated gradients or skipped steps.
        if self._start and step + batch - at_batch >= self._next:
            step = self._num_steps()
            self._seen = step, batch
            if step >= self._next:
                self._measure(step)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Puts the distance into the logs; Keras calls this."""
        if not self._start:
            raise self._cannot_build()
        step = self._num_steps()
        if step >= self._next:
            self._measure(step)
        distance = [*self._points.values()][-1]
        if self._at_epoch_ends and step not in self._points:
            distance = self._distance()
        if logs is not None:
            logs["weight_distance"] = distance
            logs["weight_distance_slope"] = self._slope()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Measures after the last step; Keras calls this."""
        step = self._num_steps()
        if self._points and step not in self._points:
            self._measure(step)

    def _begin(self) -> None:
        """Finds w_0 and the distances that are known, now or just before step 1."""
        self._optimizer = self.model.optimizer
        self._start, self._points, self._offset = [], {}, 0
        if self.model.built:
            self._find_start()
            return
        # Its first step would build the model and change it at once.
        take_step = self.model.train_function

        def build_and_take_step(iterator: Any) -> Any:
            self.model.train_function = take_step
            self._build(iterator.element_spec)
            self._find_start()
            return take_step(iterator)

        self.model.train_function = build_and_take_step

    def _build(self, specification: Any) -> None:
        """Builds the model for batches like those that it will be given."""
        inputs, _, _ = keras.utils.unpack_x_y_sample_weight(specification)
        symbols = tf.nest.map_structure(
            lambda each: keras.KerasTensor(each.shape, each.dtype.name), inputs
        )
        try:
            self.model(symbols)
        except Exception as error:
            raise self._cannot_build() from error

    def _cannot_build(self) -> errors.UserError:
        remedy = "could not be built before its first step; build it before fit"
        return errors.UserError("model", self.model.name, remedy)

    def _find_start(self) -> None:
        self._weights = list(self.model.trainable_variables)
        taken = self._num_steps()
        saved = self._backup.load() if self._backup and taken else None
        if self._given is not None:
            self._start = self._checked("initial_weights", self._given)
        elif saved is not None:
            self._start = self._checked("backup_dir", saved.start)
        else:
            self._start = [_on_host(variable) for variable in self._weights]
            self._offset = taken
            if taken:
                _LOGGER.warning(
                    "WeightDistance begins where the model has taken %s steps: "
                    "distances are from there, and steps are counted from there; "
                    "initial_weights or backup_dir would tell where it began",
                    f"{taken:,}",
                )
        if saved is not None:
            self._offset = saved.offset
            # Steps after the one that training goes back to are taken again.
            step = self._num_steps()
            self._points = {t: d for t, d in saved.points.items() if t <= step}
        elif self._backup:
            self._backup.save_start(self._start)
        if not self._points:
            self._measure(self._num_steps())
        self._next = _after(self._per_decade, max(self._points))

    def _checked(self, argument: str, weights: Any) -> list[np.ndarray]:
        """Returns weights as a list of arrays of the shapes of the model's own."""
        if isinstance(weights, keras.Model):
            weights = [variable.numpy() for variable in weights.trainable_variables]
        found = [np.asarray(value) for value in weights]
        shapes = [tuple(variable.shape) for variable in self._weights]
        if [value.shape for value in found] != shapes:
            remedy = f"its weights must have the shapes {shapes} of the model's"
            raise errors.UserError(argument, [v.shape for v in found], remedy)
        return found

    def _num_steps(self) -> int:
        return int(np.asarray(self.model.optimizer.iterations.numpy())) - self._offset

    def _distance(self) -> float:
        now = [variable.numpy() for variable in self._weights]
        return measures.weight_distance(now, self._start).value

    def _slope(self) -> float:
        enough = np.sum(self.steps >= 1) >= theory.MIN_POINTS
        if not enough or not np.isfinite(self.distances).all():
            return math.nan
        return self.fit().coefficients[1]

    def _measure(self, step: int) -> None:
        self._points[step] = self._distance()
        self._next = _after(self._per_decade, step)
        self._save()

    def _save(self) -> None:
        if self._backup:
            self._backup.save_points(self._points, self._offset)


def _on_host(variable: keras.Variable) -> np.ndarray:
    """Returns a copy in float32 at least, which NumPy's files can hold."""
    value = variable.numpy()
    return np.array(value, np.result_type(value.dtype, np.float32))


def _after(per_decade: int, step: int) -> int:
    """Returns the first of the rounded 10^(k / per_decade) that is above."""
    k = int(per_decade * math.log10(max(step, 1)))
    while round(10 ** (k / per_decade)) <= step:
        k += 1
    return round(10 ** (k / per_decade))
