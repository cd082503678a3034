"""The trace of an operator, of the Hessian above all, from its products.

Jastrzebski et al. (2018), section 2.2, take Tr(H) as the width of a minimum.

"hutchinson": the mean of z^T H z over Rademacher probes z, of variance 2 |H|_F^2 less
twice the squared diagonal: good when the trace is large beside |H|_F.
"hutch++" (Meyer, Musco, Musco & Woodruff 2021): H S for a few probes S gives a basis Q
of most of what the largest eigenvalues do; then

    tr(H) = tr(Q^T H Q) + E[z^T H z],    z = (I - Q Q^T) times a probe,

with the first term exact: good when a few eigenvalues dominate |H|_F, as they do in
trained classifiers, and an error of about 1 % or less is wanted. Both are unbiased.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from bsgen import errors, interrupts
from bsgen.measures import progress
from bsgen.measures.operators import linear_operator
from bsgen.measures.operators.linear_operator import FloatArray
from bsgen.measures.spectrum import long_vectors, probes

METHODS = ("hutchinson", "hutch++")


@dataclasses.dataclass(frozen=True)
class Trace:
    """An unbiased estimate of a trace.

    Attributes:
      value: the estimate.
      standard_error: of `value`, over the probes; inf for one probe.
      num_products: products taken.
      num_probes: of these, those from which `standard_error` comes.
      stopped_because: see `progress.StoppedBecause`.
      method: "hutchinson" or "hutch++"; "hutchinson" also for a "hutch++" that was
        interrupted before its basis was in use.
      mode: how the model was measured, see `linear_operator.mode`.
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
    hessian: linear_operator.LinearOperator,
    *,
    method: str = "hutchinson",
    relative_error: float = 0.05,
    max_products: int = 200,
    sketch_size: int = 10,
    seed: int = 0,
    on_progress: progress.OnProgress | None = None,
    keep_partial: bool = False,
) -> Trace:
    """Estimates the trace.

    Args not named here are those of `eigenvalues.top_eigenvalue`.

    Args:
      method: "hutchinson" or "hutch++".
      relative_error: standard error over |value| at which to stop; 0 to take all
        `max_products`.
      max_products: at least 2, and 2 more than 2 sketch_size for "hutch++".
      sketch_size: columns of Q for "hutch++", two products each; a few more than there
        are outstanding eigenvalues.

    Raises:
      UserError: an argument is wrong, or the loss has no finite second derivative.
    """
    if method not in METHODS:
        raise errors.unknown_name("method", method, METHODS)
    num_parameters = linear_operator.size(hessian)
    draw = np.random.default_rng(seed)
    sketch = _Sketch(hessian)
    if method == "hutch++":
        size = min(errors.check_integer("sketch_size", sketch_size, 1), num_parameters)
        limit = errors.check_integer("max_products", max_products, 2 * size + 2)
    else:
        size = 0
        limit = errors.check_integer("max_products", max_products, 2)

    def sample() -> float:
        vector = sketch.remainder(probes.rademacher(draw, num_parameters))
        return long_vectors.dot(vector, hessian.matvec(vector))

    def report(mean: probes.SampleMean) -> None:
        if on_progress is not None:
            done = sketch.num_products + mean.num_samples
            value = sketch.trace + mean.value
            on_progress(progress.Progress(done, limit, value, mean.standard_error))

    try:
        sketch.build(draw, size)
        limits = relative_error, limit - 2 * size
        mean = probes.sample_mean(sample, *limits, sketch.trace, report, keep_partial)
    except KeyboardInterrupt:
        return sketch.interrupted(keep_partial)
    return Trace(
        value=sketch.trace + mean.value,
        standard_error=mean.standard_error,
        num_products=sketch.num_products + mean.num_samples,
        num_probes=mean.num_samples,
        stopped_because=mean.stopped_because,
        method=method,
        mode=linear_operator.mode(hessian),
    )


class _Sketch:
    """The part of an operator whose trace is exact; nothing until it is built."""

    def __init__(self, operator: linear_operator.LinearOperator):
        self.trace = 0.0
        self.num_products = 0
        self._forms: list[float] = []  # z^T H z of the sketch's probes z
        self._operator = operator
        self._size = linear_operator.size(operator)
        self._basis = np.zeros((self._size, 0))

    def build(self, draw: np.random.Generator, size: int) -> None:
        """Takes the trace on the span of H's products with `size` probes."""
        images = np.empty((self._size, size))
        for column in images.T:
            vector = probes.rademacher(draw, self._size)
            column[:] = self._product(vector)
            self._forms.append(float(vector @ column))
        self._basis = np.linalg.qr(images).Q
        self.trace = sum(float(q @ self._product(q)) for q in self._basis.T)

    def _product(self, vector: FloatArray) -> FloatArray:
        product = self._operator.matvec(vector)
        self.num_products += 1
        return product

    def remainder(self, vector: FloatArray) -> FloatArray:
        """Returns what is left of a vector outside the span."""
        return vector - self._basis @ (self._basis.T @ vector)

    def interrupted(self, keep_partial: bool) -> Trace:
        """Returns Hutchinson's estimate from the probes of the sketch.

        Raises:
          KeyboardInterrupt: there are none, or it is not wanted.
        """
        stopped_because = progress.interrupted(keep_partial and self._forms)
        mean = probes.sample_mean(iter(self._forms).__next__, 0.0, len(self._forms))
        return Trace(
            value=mean.value,
            standard_error=mean.standard_error,
            num_products=self.num_products,
            num_probes=len(self._forms),
            stopped_because=stopped_because,
            method="hutchinson",
            mode=linear_operator.mode(self._operator),
        )
