"""Measures the noise scale and the critical learning rate before a guided search.

At the initial weights all examples pull the same way, so the noise scale there is far
too small, and the curvature says little about the rest of training. So the model is
trained for a few passes and measured before and after each of them; see
`TheoryInputs.used` for what is made of the points. Two passes are our choice: the loss
falls most in the first one, and each further pass adds to the cost of the search what
it reveals about a single phase of training. The batch size is the square root of the
training set's size, halfway between one example and all of them on a logarithmic scale.

The measurements need not be more exact than their use requires: the search climbs away
from a prediction that is off by a factor of two, and trains at a quarter of the
critical rate. So few examples do at every point. Only the last noise scale, the one
that is used, gets as many more as bring its standard error down to a quarter of its
value. As in two-stage sampling, the error on the few predicts how many that takes; the
prediction may be too low, so it is repeated.
"""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from bsgen import errors, interrupts, measures
from bsgen.measures.objective import mean_loss
from bsgen.optimizers import Momentum
from bsgen.tuning.procedures.guided import Guided
from bsgen.tuning.procedures.theory_inputs import Point, TheoryInputs
from bsgen.tuning.trainers import ctrl_c_callback, fresh_models, protocol

_BATCH_SIZE = 256  # of the measurements
_TOLERANCE = 0.1  # of the eigenvalue; only a share of the critical rate is used
_MAX_PRODUCTS = 30
# A product with the Hessian is the derivative of a gradient along one direction, twice
# its cost; `benchmarks.curvature` finds 1.6 to 2.3.
_GRADIENTS_PER_PRODUCT = 2
_NUM_RATES = 3


def measured_guided(
    trainer: protocol.MeasurableTrainer,
    momentum: float = 0.9,
    share: float = 0.25,
    **numbers: Any,
) -> Guided:
    """Measures a trainer's model and returns the search that the numbers guide.

    Args:
      trainer: of the search.
      momentum: of the measurements and of phase 1.
      share: of the critical rate to train at.
      **numbers: further arguments of `Guided`.

    Raises:
      UserError: nothing finite could be measured, or an argument is wrong.
    """
    inputs = measure(trainer.subject(), momentum, share)
    return Guided(
        momentum=momentum,
        share=share,
        noise_scale=inputs.used.noise_scale,
        noise_scale_error=inputs.used.noise_scale_error,
        critical_learning_rate=inputs.used.critical_learning_rate,
        measurement=inputs.words(),
        measuring_steps=inputs.num_steps,
        measuring_examples=inputs.num_examples,
        **{**protocol.numbers(trainer), **numbers},
    )


@interrupts.kept()
def measure(
    subject: protocol.Subject,
    momentum: float = 0.9,
    share: float = 0.25,
    num_passes: int = 2,
    min_examples: int = 256,
    max_examples: int = 4096,
    precision: float = 0.25,
) -> TheoryInputs:
    """Measures a model at its initial weights and after each pass of a short training.

    Args:
      subject: its model is trained.
      momentum: at least 0 and below 1.
      share: the learning rate is this share of the critical one at the start, at most
        1. If that diverges, a tenth of it is tried, and then a hundredth.
      num_passes: over the training data.
      min_examples: number that noise and curvature are measured on; at least 3.
      max_examples: most that the last noise scale is measured on.
      precision: relative standard error wanted of that noise scale, above 0.

    Raises:
      UserError: nothing finite could be measured, or an argument is wrong.
    """
    errors.check_integer("num_passes", num_passes, 1)
    if errors.check_real("precision", precision, 0.0) == 0:
        raise errors.UserError("precision", precision, "give a number above 0")
    few = errors.check_integer("min_examples", min_examples, 3)
    _check_is_mean(subject)
    most = errors.check_integer("max_examples", max_examples, few)
    measured = _Measured(subject, momentum, few)
    start = [variable.numpy() for variable in subject.model.variables]
    first = measured.point(0)
    size = max(1, round(math.sqrt(len(subject.train_data))))
    rate = min(1.0, float(f"{share * first.critical_learning_rate:.2g}"))
    for _ in range(_NUM_RATES):
        points = [first, *_train(measured, rate, size, num_passes)]
        if len(points) == num_passes + 1:
            points[-1] = measured.refined(points[-1], precision, most)
            break
        for variable, value in zip(subject.model.variables, start, strict=True):
            variable.assign(value)
        rate = float(f"{rate / 10:.2g}")
    if len(points) != num_passes + 1 or not any(point.is_finite for point in points):
        remedy = (
            "no noise scale and critical rate can be measured on it at learning rate "
            f"{rate:g}; take appendix_d, or give Guided numbers of your own"
        )
        raise errors.UserError("model", subject.model.name, remedy)
    return TheoryInputs(
        tuple(points), momentum, rate, size, measured.num_steps, measured.num_examples
    )


class _Measured:
    """Measures a subject and counts the cost."""

    def __init__(self, subject: protocol.Subject, momentum: float, size: int):
        self.subject = subject
        self.momentum = errors.check_real("momentum", momentum, 0.0, 1.0)
        self.num_steps = 0
        self.num_examples = 0
        self._size, self._data = self._examples(size)

    def point(self, num_steps: int) -> Point:
        """Measures the model with its current weights."""
        one = self.subject
        noise = self._noise(self._size, self._data)
        critical = measures.critical_learning_rate(
            measures.Hessian(one.model, one.loss, self._data, l2=one.l2),
            self.momentum,
            tolerance=_TOLERANCE,
            max_products=_MAX_PRODUCTS,
        )
        products = critical.max_eigenvalue.num_products
        self.num_examples += self._size * _GRADIENTS_PER_PRODUCT * products
        return Point(num_steps, noise.value, noise.standard_error, critical.value)

    def refined(self, point: Point, precision: float, most: int) -> Point:
        """Returns the point with its noise scale measured to a precision.

        Args:
          point: of the model with its current weights.
          precision: relative standard error wanted.
          most: examples to use, fewer where the training set is smaller.
        """
        known = self._size
        while (factor := self._factor(point, precision)) > 1.0:
            size, data = self._examples(math.ceil(min(factor * known, most)))
            if size <= known:
                break  # all examples are in use
            noise = self._noise(size, data)
            point = dataclasses.replace(
                point, noise_scale=noise.value, noise_scale_error=noise.standard_error
            )
            known = size
        return point

    def _factor(self, point: Point, precision: float) -> float:
        """Returns by what factor the number of examples must grow for a precision."""
        if not math.isfinite(point.noise_scale_error):
            return math.inf
        # The error falls with the root of the number of examples.
        return (point.noise_scale_error / precision / point.noise_scale) ** 2

    def _noise(self, size: int, data: tf.data.Dataset) -> measures.GradientNoiseScale:
        one = self.subject
        # The mean gradient, and the gradient of each example.
        self.num_examples += 2 * size
        return measures.gradient_noise_scale(one.model, one.loss, data, l2=one.l2)

    def _examples(self, size: int) -> tuple[int, tf.data.Dataset]:
        """Returns a number of examples, at most `size`, and their batches."""
        all_data = self.subject.train_data
        size = min(size, len(all_data))
        count = math.ceil(size / _BATCH_SIZE)
        batch_size = size // count
        # Every pass of a measure must see the same examples.
        data = all_data.batches(batch_size, count, self.subject.seed).cache()
        return batch_size * count, data


def _train(
    measured: _Measured, rate: float, batch_size: int, num_passes: int
) -> Iterator[Point]:
    """Yields a point after each pass; stops early if training diverges."""
    one = measured.subject
    optimizer = Momentum(rate, measured.momentum, l2=one.l2)
    loss = None if one.model.compiled else one.loss
    fresh_models.compile_by_default(one.model, optimizer, loss, None)
    steps = len(one.train_data) // batch_size
    for i in range(num_passes):
        batches = one.train_data.batches(batch_size, steps, one.seed + i)
        history = one.model.fit(
            batches, shuffle=False, verbose=0, callbacks=[ctrl_c_callback.CtrlC()]
        )
        measured.num_steps += steps
        measured.num_examples += steps * batch_size
        if not math.isfinite(history.history["loss"][-1]):
            return
        try:
            point = measured.point((i + 1) * steps)
        except errors.UserError:
            return  # the last step of the pass diverged, or the curvature vanished
        yield point


def _check_is_mean(subject: protocol.Subject) -> None:
    """Refuses a loss that is a sum over the batch.

    Raises:
      UserError: it is, so its critical rate would depend on the batch size.
    """
    loss = mean_loss.MeanLoss(subject.model, subject.loss)
    for batch in subject.train_data.batches(1, 1, subject.seed):
        loss.recognise_sum(batch)
    if loss.is_sum:
        remedy = "it is a sum over the batch, so that every batch size has a critical "
        remedy += "rate of its own; take appendix_d, or a loss that is a mean"
        raise errors.UserError("loss", loss.name, remedy)
