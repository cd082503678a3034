"""The noise scale and the critical learning rate that a guided search starts from.

McCandlish, Kaplan & Amodei (2018), arXiv 1812.06162, section 2 (the simple noise scale,
which grows by orders of magnitude in training); Smith, Elsen & De (2020), section 3.1
(the critical rate 2 (1 + m) / largest eigenvalue).
"""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Point:
    """The measurements at one point of a short training run.

    Attributes:
      num_steps: taken before.
      noise_scale: tr(Sigma) / |G|^2, in examples.
      noise_scale_error: its standard error.
      critical_learning_rate: at the momentum of the run.
    """

    num_steps: int
    noise_scale: float
    noise_scale_error: float
    critical_learning_rate: float

    @property
    def is_finite(self) -> bool:
        """Whether the examples sufficed to measure everything."""
        return all(map(math.isfinite, dataclasses.astuple(self)))


@dataclasses.dataclass(frozen=True)
class TheoryInputs:
    """The measurements of a whole run.

    Attributes:
      points: in the order of training.
      momentum: of the run.
      learning_rate: of the run.
      batch_size: of the run.
      num_steps: parameter updates, restarts included.
      num_examples: examples whose gradient was computed, for updates and measurements;
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
        """The last finite point, with the smallest critical rate of all.

        A rate must be stable all along the way; the noise scale keeps growing, so the
        last one is the nearest to what most of training has.
        """
        finite = [point for point in self.points if point.is_finite]
        least = min(point.critical_learning_rate for point in finite)
        return dataclasses.replace(finite[-1], critical_learning_rate=least)

    def words(self) -> str:
        """Returns what was measured, and what the search assumes from it."""
        first, used = self.points[0], self.used
        return (
            f"measured in {self.points[-1].num_steps} steps at batch size "
            f"{self.batch_size}, learning rate {self.learning_rate:g} and momentum "
            f"{self.momentum:g}: the noise scale went from {first.noise_scale:.3g} to "
            f"{used.noise_scale:.3g} examples and is assumed to stay near that; the "
            f"critical learning rate was {first.critical_learning_rate:.3g} at first "
            f"and {used.critical_learning_rate:.3g} at the least, assumed to be the "
            f"least of the whole training; it took {self.num_steps} steps and "
            f"{self.num_examples} examples, measurements included"
        )
