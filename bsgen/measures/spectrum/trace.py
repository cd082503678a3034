"""The trace of the Hessian, from products with random vectors.

Jastrzebski et al. (2018), section 2.2, take Tr(H) as the width of a minimum.

"hutchinson": the mean of z^T H z over Rademacher probes z, of variance 2 |H|_F^2 less
twice the squared diagonal: it pays when the trace is large beside |H|_F.
"hutch++" (Meyer, Musco, Musco & Woodruff 2021): H S for a few probes S gives a basis Q
of most of what the largest eigenvalues do; then

    tr(H) = tr(Q^T H Q) + E[z^T H z],    z = (I - Q Q^T) times a probe,

with the first term exact: it pays when a few eigenvalues dominate |H|_F, as they do in
trained classifiers, and an error of about 1 % or less is asked for. Both are unbiased.
"""

import dataclasses
from typing import Any

import keras
import numpy as np

from bsgen import errors, interrupts
from bsgen.measures import progress
from bsgen.measures.objective import compiled_loss
from bsgen.measures.operators import curvature, linear_operator
from bsgen.measures.spectrum import long_vectors, probes

METHODS = ("hutchinson", "hutch++")


@dataclasses.dataclass(frozen=True)
class Trace:
    """An unbiased estimate of a trace.

    Attributes:
      value: the estimate.
      standard_error: of `value`, over the probes; inf for one probe.
      num_products: products taken.
      num_probes: of them, those that `standard_error` comes from.
      stopped_because: see `progress.StoppedBecause`.
      method: "hutchinson" or "hutch++"; a "hutch++" that was interrupted before its
        basis was in use is returned as "hutchinson".
      mode: "inference" or "training", how batch norm was measured; "" for an operator
        without data.
    """

    value: float
    standard_error: float
    num_products: int
    num_probes: int
    stopped_because: progress.StoppedBecause
    method: str
    mode: str = ""


@interrupts.kept()
def hessian_trace(
    model: keras.Model,
    loss: compiled_loss.Loss,
    data: Any,
    *,
    loss_weights: Any = None,
    regularization: bool = True,
    method: str = "hutchinson",
    relative_error: float = 0.05,
    max_products: int = 200,
    sketch_size: int = 10,
    l2: float = 0.0,
    training: bool = False,
    batch_size: int = 256,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
) -> Trace:
    """Estimates the trace of the Hessian of the MEAN loss.

    Args:
      model: a built model.
      loss: whatever `compile` takes as one; None for the model's own.
      data: (inputs, targets) or (inputs, targets, sample weights), arrays, or a
        tf.data.Dataset of such batches.
      loss_weights: as for `compile`.
      regularization: whether the losses that the model adds are counted, those of its
        layers' regularisers above all.
      method: "hutchinson" or "hutch++".
      relative_error: standard error over |value| at which to stop; 0 to take all
        `max_products`.
      max_products: at least 2, and 2 more than 2 sketch_size for "hutch++".
      sketch_size: columns of Q for "hutch++", two products each; a few more than there
        are outstanding eigenvalues.
      l2: of a penalty l2 |w|^2 / 2, at least 0; it raises the trace by P l2.
      training: measure batch norm in training mode instead of inference mode.
      batch_size: examples a call, for arrays.
      seed: of the probes.
      on_progress: is told after every probe.

    Returns:
      The estimate.

    Raises:
      UserError: an argument is wrong, or the loss has no second derivative or no finite
        one.
    """
    operator = curvature.Hessian(
        model,
        loss,
        data,
        loss_weights=loss_weights,
        regularization=regularization,
        l2=l2,
        training=training,
        batch_size=batch_size,
    )
    found = trace_of(
        operator,
        method,
        relative_error,
        max_products,
        sketch_size,
        seed,
        on_progress,
    )
    return dataclasses.replace(found, mode=operator.mode)


def trace_of(
    operator: linear_operator.LinearOperator,
    method: str = "hutchinson",
    relative_error: float = 0.05,
    max_products: int = 200,
    sketch_size: int = 10,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
) -> Trace:
    """Does what `hessian_trace` does for any symmetric operator.

    Raises:
      UserError: an argument is out of range.
    """
    if method not in METHODS:
        raise errors.unknown_name("method", method, METHODS)
    draw = np.random.default_rng(seed)
    sketch = _Sketch(operator)
    if method == "hutch++":
        size = min(errors.check_integer("sketch_size", sketch_size, 1), operator.size)
        limit = errors.check_integer("max_products", max_products, 2 * size + 2)
    else:
        size = 0
        limit = errors.check_integer("max_products", max_products, 2)

    def sample() -> float:
        vector = sketch.remainder(probes.rademacher(draw, operator.size))
        return long_vectors.dot(vector, operator.matvec(vector))

    def report(mean: probes.SampleMean) -> None:
        if on_progress is not None:
            done = sketch.num_products + mean.num_samples
            value = sketch.trace + mean.value
            on_progress(progress.Progress(done, limit, value, mean.standard_error))

    try:
        sketch.build(draw, size)
        mean = probes.sample_mean(
            sample, relative_error, limit - 2 * size, sketch.trace, report
        )
    except KeyboardInterrupt:
        return sketch.interrupted()
    return Trace(
        value=sketch.trace + mean.value,
        standard_error=mean.standard_error,
        num_products=sketch.num_products + mean.num_samples,
        num_probes=mean.num_samples,
        stopped_because=mean.stopped_because,
        method=method,
    )


class _Sketch:
    """The part of an operator that is taken exactly; nothing until it is built."""

    def __init__(self, operator: linear_operator.LinearOperator):
        self.trace = 0.0
        self.num_products = 0
        self._operator = operator
        self._forms: list[float] = []
        self._basis = np.zeros((operator.size, 0))

    def build(self, draw: np.random.Generator, size: int) -> None:
        """Takes the trace on the span of H's products with `size` probes."""
        images = np.empty((self._operator.size, size))
        for column in images.T:
            vector = probes.rademacher(draw, self._operator.size)
            column[:] = self._product(vector)
            self._forms.append(float(vector @ column))
        self._basis = np.linalg.qr(images).Q
        self.trace = sum(float(q @ self._product(q)) for q in self._basis.T)

    def _product(
        self, vector: linear_operator.FloatArray
    ) -> linear_operator.FloatArray:
        product = self._operator.matvec(vector)
        self.num_products += 1
        return product

    def remainder(
        self, vector: linear_operator.FloatArray
    ) -> linear_operator.FloatArray:
        """Returns what is left of a vector outside the span."""
        return vector - self._basis @ (self._basis.T @ vector)

    def interrupted(self) -> Trace:
        """Returns Hutchinson's estimate from the probes of the sketch."""
        forms = self._forms
        if not forms:
            raise KeyboardInterrupt
        mean = probes.sample_mean(iter(forms).__next__, 0.0, len(forms))
        return Trace(
            value=mean.value,
            standard_error=mean.standard_error,
            num_products=self.num_products,
            num_probes=len(forms),
            stopped_because=progress.interrupted(),
            method="hutchinson",
        )
