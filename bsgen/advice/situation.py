"""What advice starts from: the present setting, the one wanted, and what was measured.

Numbers and names only, so that advice can be given, and tested, without a model.
"""

import dataclasses
import math
from typing import Literal

from bsgen import errors, theory

Normalization = Literal["none", "batch", "ghost"]
_NORMALIZATIONS = ("none", "batch", "ghost")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Situation:
    """A training run that works, and the batch size that it shall have.

    Attributes:
      batch_size: B, at which the run works, at most `train_size`.
      learning_rate: epsilon, found good at that batch size, above 0.
      target_batch_size: B', at least 1 and at most `train_size`.
      train_size: N.
      momentum: m, at least 0 and below 1.
      gradient_noise_scale: tr(Sigma) / |G|^2 in examples, above 0; inf where the
        gradient cannot be told from 0.
      gradient_noise_scale_error: its standard error; inf if unknown.
      critical_learning_rate: 2 (1 + m) / max_eigenvalue, above 0; inf where no
        direction curves upwards.
      critical_learning_rate_error: of it; inf if unknown.
      num_examples: that both were measured on.
      mode: how batch norm and dropout were measured: "inference" or "training".
      normalization: whether the network has batch normalization, and of ghosts.
      ghost_batch_size: examples that a statistic of a ghost is taken of.
      optimizer: name of the one that the model is compiled with, "" if of none.
      num_updates: that its weights have seen, as far as is known; None if it is not.
    """

    batch_size: int
    learning_rate: float
    target_batch_size: int
    train_size: int
    momentum: float = 0.0
    gradient_noise_scale: float
    gradient_noise_scale_error: float = math.inf
    critical_learning_rate: float
    critical_learning_rate_error: float = math.inf
    num_examples: int
    mode: str = "inference"
    normalization: Normalization = "none"
    ghost_batch_size: int | None = None
    optimizer: str = ""
    num_updates: int | None = None

    def __post_init__(self) -> None:
        check_setting(
            self.batch_size,
            self.learning_rate,
            self.target_batch_size,
            self.train_size,
            self.momentum,
        )
        for name in ("gradient_noise_scale", "critical_learning_rate"):
            value = getattr(self, name)
            if not value > 0.0:
                raise errors.UserError(name, value, "give a number above 0, or inf")
            if not getattr(self, f"{name}_error") >= 0.0:
                error = getattr(self, f"{name}_error")
                remedy = "give a standard error of at least 0, or inf"
                raise errors.UserError(f"{name}_error", error, remedy)
        errors.check_integer("num_examples", self.num_examples, 1)
        if self.normalization not in _NORMALIZATIONS:
            known = _NORMALIZATIONS
            raise errors.unknown_name("normalization", self.normalization, known)

    @property
    def growth(self) -> float:
        """B' / B."""
        return self.target_batch_size / self.batch_size

    @property
    def share_of_critical_rate(self) -> float:
        """The present rate over the critical one."""
        return self.learning_rate / self.critical_learning_rate

    @property
    def boundary_batch_size(self) -> float:
        """The batch size at which the linear rule reaches the critical rate.

        There the critical rate gives the present noise scale, so it is
        `theory.optimal_batch_size` of the two; inf if nothing curves upwards.
        """
        if math.isinf(self.critical_learning_rate):
            return math.inf
        found = theory.optimal_batch_size(
            self.noise_scale,
            self.critical_learning_rate,
            self.train_size,
            self.momentum,
        )
        return float(found)

    @property
    def noise_scale(self) -> float:
        """The noise scale of the present setting, `theory.noise_scale`."""
        found = theory.noise_scale(
            self.learning_rate, self.batch_size, self.train_size, self.momentum
        )
        return float(found)

    @property
    def temperature(self) -> float:
        """That of the present setting, `theory.temperature`."""
        found = theory.temperature(self.learning_rate, self.batch_size, self.momentum)
        return float(found)


def check_setting(
    batch_size: int,
    learning_rate: float,
    target_batch_size: int,
    train_size: int,
    momentum: float,
) -> None:
    """Checks the present setting and the batch size wanted.

    Raises:
      UserError: one is out of range.
    """
    errors.check_integer("train_size", train_size, 1)
    for name, size in (
        ("batch_size", batch_size),
        ("target_batch_size", target_batch_size),
    ):
        errors.check_integer(name, size, 1)
        if size > train_size:
            remedy = f"there are {train_size:,} training examples; give at most as many"
            raise errors.UserError(name, size, remedy)
    if errors.check_float32("learning_rate", learning_rate) == 0.0:
        raise errors.UserError("learning_rate", learning_rate, "give a number above 0")
    errors.check_real("momentum", momentum, 0.0, 1.0)
