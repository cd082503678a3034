"""The numbers that guide a search: noise scale and critical rate, measured.

McCandlish, Kaplan & Amodei (2018), arXiv 1812.06162, section 2 (the simple noise
scale, and that it grows by orders of magnitude in training); Smith, Elsen & De (2020),
section 3.1 (the critical rate 2 (1 + m) / largest eigenvalue).

At the initial weights all examples pull the same way, so the noise scale there is far
too small, and the curvature says little of what training will meet. So the model is
trained for a few passes, and measured before them and after each: of the critical rates
the smallest counts, since a rate must be stable all along the way; of the noise scales
the last. Two passes are our choice: in the first one the loss falls by most of what it
will, later ones each cost a search what they tell about one phase of training only.
The batch size is the root of the training set's, in the middle between 1 and all.

What is measured need not be more exact than its use. The search climbs away from a
prediction that is wrong by a factor of two, and takes a quarter of the critical rate.
So few examples do at every point; at the last one, whose noise scale is used, as many
more as bring its standard error down to a quarter of it. The error of the few says how
many that takes, as in two-stage sampling, but may say too few, so it is asked again.
"""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from bsgen import errors, interrupts, measures
from bsgen.measures import progress
from bsgen.measures.objective import mean_loss
from bsgen.optimizers import Momentum
from bsgen.tuning.procedures import guided as guided_lib
from bsgen.tuning.trainers import (
    ctrl_c_callback,
    fresh_models,
    protocol,
    subjects,
)

_BATCH_SIZE = 256  # of the measures
_TOLERANCE = 0.1  # of the eigenvalue: the share of the critical rate is cruder
_MAX_PRODUCTS = 30
# A product with the Hessian is the derivative of a gradient along one direction, twice
# its cost; `benchmarks.curvature` finds 1.6 to 2.3.
_GRADIENTS_PER_PRODUCT = 2
_NUM_RATES = 3


@dataclasses.dataclass(frozen=True)
class Point:
    """What was measured at one place of the short training.

    Attributes:
      num_steps: taken before.
      noise_scale: tr(Sigma) / |G|^2, in examples.
      noise_scale_error: its standard error.
      critical_learning_rate: at the momentum of the training.
    """

    num_steps: int
    noise_scale: float
    noise_scale_error: float
    critical_learning_rate: float

    @property
    def is_finite(self) -> bool:
        """Whether all could be told from the examples."""
        return all(map(math.isfinite, dataclasses.astuple(self)))


@dataclasses.dataclass(frozen=True)
class TheoryInputs:
    """What a guided search starts from.

    Attributes:
      points: the measurements, in order.
      momentum: they hold for.
      learning_rate: of the short training.
      batch_size: of it.
      num_steps: parameter updates that all this took.
      num_examples: examples that a gradient was taken of, for updates and for measures;
        a product with the Hessian counts as two gradients.
    """

    points: tuple[Point, ...]
    momentum: float
    learning_rate: float
    batch_size: int
    num_steps: int
    num_examples: int

    @property
    def used(self) -> Point:
        """The last point that is finite, with the smallest critical rate of all."""
        finite = [point for point in self.points if point.is_finite]
        least = min(point.critical_learning_rate for point in finite)
        return dataclasses.replace(finite[-1], critical_learning_rate=least)

    def words(self) -> str:
        """Returns what was measured and what is assumed of it."""
        first, used = self.points[0], self.used
        return (
            f"measured in {self.points[-1].num_steps} steps at batch size "
            f"{self.batch_size}, learning rate {self.learning_rate:g} and momentum "
            f"{self.momentum:g}: the noise scale went from {first.noise_scale:.3g} to "
            f"{used.noise_scale:.3g} examples and is assumed to stay near that; the "
            f"critical learning rate was {first.critical_learning_rate:.3g} at first "
            f"and {used.critical_learning_rate:.3g} at the least, assumed to be the "
            f"least of the whole training; it took {self.num_steps} steps and "
            f"{self.num_examples} examples, measures included"
        )


def measured_guided(
    trainer: subjects.SubjectTrainer,
    momentum: float = 0.9,
    share: float = 0.25,
    num_passes: int = 2,
    min_examples: int = 256,
    max_examples: int = 4096,
    **numbers: Any,
) -> guided_lib.Guided:
    """Measures a trainer's model and returns the search that it guides.

    Args:
      trainer: of the search.
      momentum: of the measures and of phase 1.
      share: of the critical rate to train at.
      num_passes: see `measure`.
      min_examples: see `measure`.
      max_examples: see `measure`.
      **numbers: further arguments of `Guided`.

    Raises:
      UserError: nothing finite could be measured, or an argument is wrong.
    """
    inputs = measure(
        trainer.subject(), momentum, share, num_passes, min_examples, max_examples
    )
    return guided_lib.Guided(
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
    subject: subjects.Subject,
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
      share: the rate is this share of the critical one at the start, at most 1; a tenth
        of it, and again, if that diverges.
      num_passes: over the training data.
      min_examples: that noise and curvature are measured on; at least 3.
      max_examples: that the last noise scale is measured on, at most.
      precision: the relative standard error sought for it, above 0.

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
    if len(points) != num_passes + 1 or not any(map(_is_finite, points)):
        remedy = (
            "no noise scale and critical rate can be measured on it at learning rate "
            f"{rate:g}; take appendix_d, or give Guided numbers of your own"
        )
        raise errors.UserError("model", subject.model.name, remedy)
    return TheoryInputs(
        tuple(points), momentum, rate, size, measured.num_steps, measured.num_examples
    )


class _Measured:
    """Measures a subject and counts what that takes."""

    def __init__(self, subject: subjects.Subject, momentum: float, size: int):
        self.subject = subject
        self.momentum = errors.check_real("momentum", momentum, 0.0, 1.0)
        self.num_steps = 0
        self.num_examples = 0
        self._size, self._data = self._examples(size)

    def point(self, num_steps: int) -> Point:
        """Measures the model as it is."""
        one = self.subject
        noise = self._noise(self._size, self._data)
        critical = measures.critical_learning_rate(
            one.model,
            one.loss,
            self._data,
            self.momentum,
            tolerance=_TOLERANCE,
            max_products=_MAX_PRODUCTS,
            l2=one.l2,
        )
        progress.refuse_partial(critical.max_eigenvalue.stopped_because)
        products = critical.max_eigenvalue.num_products
        self.num_examples += self._size * _GRADIENTS_PER_PRODUCT * products
        return Point(num_steps, noise.value, noise.standard_error, critical.value)

    def refined(self, point: Point, precision: float, most: int) -> Point:
        """Returns the point with the noise scale of as many examples as it takes.

        Args:
          point: of the model as it is.
          precision: the relative standard error sought.
          most: examples, where they are there.
        """
        known = self._size
        while (factor := self._factor(point, precision)) > 1.0:
            size, data = self._examples(math.ceil(min(factor * known, most)))
            if size <= known:
                break  # all are in it
            noise = self._noise(size, data)
            point = dataclasses.replace(
                point, noise_scale=noise.value, noise_scale_error=noise.standard_error
            )
            known = size
        return point

    def _factor(self, point: Point, precision: float) -> float:
        """Returns how many times as many examples the precision seems to take."""
        if not math.isfinite(point.noise_scale_error):
            return math.inf
        # The error falls with the root of the number of examples.
        return (point.noise_scale_error / precision / point.noise_scale) ** 2

    def _noise(self, size: int, data: tf.data.Dataset) -> measures.GradientNoiseScale:
        one = self.subject
        # It takes the mean gradient and one of each example.
        self.num_examples += 2 * size
        noise = measures.gradient_noise_scale(one.model, one.loss, data, l2=one.l2)
        progress.refuse_partial(noise.stopped_because)
        return noise

    def _examples(self, size: int) -> tuple[int, tf.data.Dataset]:
        """Returns how many examples there are, at most `size`, and their batches."""
        all_data = self.subject.train_data
        size = min(size, len(all_data))
        count = math.ceil(size / _BATCH_SIZE)
        batch_size = size // count
        # Every pass of a measure must meet the same examples.
        data = all_data.batches(batch_size, count, self.subject.seed).cache()
        return batch_size * count, data


def _train(
    measured: _Measured, rate: float, batch_size: int, num_passes: int
) -> Iterator[Point]:
    """Yields a point after each pass, fewer where training diverges."""
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
            return  # the last step of the pass diverged, or nothing is left to curve
        yield point


def _check_is_mean(subject: subjects.Subject) -> None:
    """Refuses a loss whose critical rate belongs to one batch size.

    Raises:
      UserError: the loss is a sum over the batch.
    """
    loss = mean_loss.MeanLoss(subject.model, subject.loss)
    for batch in subject.train_data.batches(1, 1, subject.seed):
        loss.recognise_sum(batch)
    if loss.is_sum:
        remedy = "it is a sum over the batch, so that every batch size has a critical "
        remedy += "rate of its own; take appendix_d, or a loss that is a mean"
        raise errors.UserError("loss", loss.name, remedy)


def _is_finite(point: Point) -> bool:
    return point.is_finite
