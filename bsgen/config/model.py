"""The network of a run."""

import dataclasses
from typing import Literal

from bsgen import errors
from bsgen.config import checked

MAX_WIDTH = 2**24
MAX_HIDDEN_LAYERS = 500
_USUAL_WIDTHS = (800,)
_OWN_WIDTHS = {"lstm": (650, 650)}  # the medium one of Zaremba et al. (2014)
# Options of the running statistics of ghosts.
GHOST_OPTIONS = ("running_statistics", "running_spread", "unbiased")


@dataclasses.dataclass(frozen=True)
class ModelConfig(checked.Checked):
    """A network of `bsgen.models` by name, and its options.

    A network refuses options that it does not have.

    Attributes:
      name: a network of `bsgen.models`.
      hidden_units: widths of the hidden layers, for the networks with free widths; at
        most `MAX_HIDDEN_LAYERS` of at most `MAX_WIDTH`; None for (800,), of an LSTM for
        (650, 650).
      activation: of the hidden layers, likewise.
      normalization: "batch", "ghost" or "none"; without it the wide ResNets use
        Regularized SkipInit.
      ghost_batch_size: examples of a ghost batch, at least 2; for "ghost" alone.
      variant: "paper" as the paper has it, "released" as its authors' code has it.
      dropout: the share dropped; None for the network's own.
      output_activation, initialization: of autoencoders; see
        `bsgen.models.autoencoder`.
      running_statistics, running_spread, unbiased: how ghosts move the statistics of
        inference, arguments of `layers.GhostBatchNormalization`; for "ghost" alone.
    """

    name: str = checked.always("mlp")
    hidden_units: tuple[int, ...] = checked.always(None)
    activation: str = checked.always("relu")
    normalization: Literal["batch", "ghost", "none"] = "batch"
    ghost_batch_size: int | None = None
    variant: Literal["paper", "released"] = "paper"
    dropout: float | None = None
    running_statistics: Literal["sequential", "sequential_scaled", "mean", "pooled"] = (
        "sequential"
    )
    running_spread: Literal["std", "variance"] = "std"
    unbiased: bool = False
    output_activation: Literal["linear", "sigmoid"] = "linear"
    initialization: Literal["glorot", "sparse"] = "glorot"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden_units is None:
            self._set(hidden_units=_OWN_WIDTHS.get(self.name, _USUAL_WIDTHS))
        if len(self.hidden_units) > MAX_HIDDEN_LAYERS:
            remedy = f"give at most {MAX_HIDDEN_LAYERS} layers"
            raise errors.UserError("hidden_units", self.hidden_units, remedy)
        units = tuple(
            errors.check_integer("hidden_units", n, 1, MAX_WIDTH)
            for n in self.hidden_units
        )
        self._set(hidden_units=units)
        self._check_field("ghost_batch_size", errors.check_integer, 2)
        if (self.normalization == "ghost") != (self.ghost_batch_size is not None):
            remedy = "give it with normalization='ghost', and only then"
            raise errors.UserError("ghost_batch_size", self.ghost_batch_size, remedy)
        for name in GHOST_OPTIONS:
            if self.normalization != "ghost" and name in self.chosen():
                remedy = "give it with normalization='ghost', and only then"
                raise errors.UserError(name, getattr(self, name), remedy)
        self._check_field("dropout", errors.check_real, 0.0, 1.0)
