"""Configurations of a run: frozen dataclasses, checked when made, that JSON can carry.

A "step" is one parameter update everywhere in this project; `batch_size` is the global
batch. A run's key is a hash of its whole configuration, so equal runs are found again.
"""

import dataclasses
import hashlib
import json
from typing import Any, Literal

import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from bsgen import errors


class _Checked:
    """A frozen dataclass whose fields are replaced by their checked values."""

    def _set(self, **checked: Any) -> None:
        for name, value in checked.items():
            object.__setattr__(self, name, value)


@dataclasses.dataclass(frozen=True)
class DataConfig(_Checked):
    """Which examples a run sees, and how their inputs are scaled.

    Attributes:
      name: a dataset of `bsgen.data`.
      train_size: N, the number of training examples drawn; None takes all there are.
      validation_size: examples set aside from the training pool, disjoint from N.
      scaling: an input scaling of `bsgen.data.scaling`.
      subset_seed: draws the training subset (and the whole task, where it is random).
      sampling: "shuffle" walks through a new permutation each epoch, "independent"
        draws every batch afresh, without replacement within the batch.
    """

    name: str = "digits"
    train_size: int | None = None
    validation_size: int = 0
    scaling: str = "unit_norm"
    subset_seed: int = 0
    sampling: Literal["shuffle", "independent"] = "shuffle"

    def __post_init__(self) -> None:
        if self.sampling not in ("shuffle", "independent"):
            known = ("shuffle", "independent")
            raise errors.unknown_name("sampling", self.sampling, known)
        if self.train_size is not None:
            self._set(train_size=errors.check_integer("train_size", self.train_size, 1))
        self._set(
            validation_size=errors.check_integer(
                "validation_size", self.validation_size, 0
            ),
            subset_seed=errors.check_integer("subset_seed", self.subset_seed, 0),
        )


@dataclasses.dataclass(frozen=True)
class ModelConfig(_Checked):
    """A network of `bsgen.models` by name, and what can be chosen about it.

    A network refuses the choices that it does not have. The last four are left out of
    the configuration's dictionary, and so of a run's key, while they are the default.

    Attributes:
      name: a network of `bsgen.models`.
      hidden_units: widths of the hidden layers, for the networks with free widths.
      activation: of the hidden layers, likewise.
      normalization: "batch", "ghost" or "none"; without it the wide ResNets use
        Regularized SkipInit.
      ghost_batch_size: examples of a ghost batch, at least 2; for "ghost" alone.
      variant: "paper" as the paper has it, "released" as its authors' code has it.
      dropout: the share dropped; None for the network's own.
    """

    name: str = "mlp"
    hidden_units: tuple[int, ...] = (800,)
    activation: str = "relu"
    normalization: Literal["batch", "ghost", "none"] = "batch"
    ghost_batch_size: int | None = None
    variant: Literal["paper", "released"] = "paper"
    dropout: float | None = None

    def __post_init__(self) -> None:
        units = tuple(
            errors.check_integer("hidden_units", n, 1) for n in self.hidden_units
        )
        self._set(hidden_units=units)
        for field, known in (
            ("normalization", ("batch", "ghost", "none")),
            ("variant", ("paper", "released")),
        ):
            if getattr(self, field) not in known:
                raise errors.unknown_name(field, getattr(self, field), known)
        if self.ghost_batch_size is not None:
            size = errors.check_integer("ghost_batch_size", self.ghost_batch_size, 2)
            self._set(ghost_batch_size=size)
        if (self.normalization == "ghost") != (self.ghost_batch_size is not None):
            remedy = "give it with normalization='ghost', and only then"
            raise errors.UserError("ghost_batch_size", self.ghost_batch_size, remedy)
        if self.dropout is not None:
            self._set(dropout=errors.check_real("dropout", self.dropout, 0.0, 1.0))


@dataclasses.dataclass(frozen=True)
class MomentumConfig(_Checked):
    """Settings of `bsgen.optimizers.Momentum`.

    `l2` adds (l2/2)|w|^2 to the MEAN loss, for every parameter. Smith & Le (2017) write
    their coefficient lambda for the SUM over N examples, hence l2 = lambda / N.
    """

    name: Literal["momentum"] = dataclasses.field(default="momentum", kw_only=True)
    learning_rate: float = 1.0
    momentum: float = 0.9
    nesterov: bool = False
    l2: float = 0.0
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        self._set(
            learning_rate=errors.check_real("learning_rate", self.learning_rate, 0.0),
            momentum=errors.check_real("momentum", self.momentum, 0.0, 1.0),
            l2=errors.check_real("l2", self.l2, 0.0),
        )
        if self.clip_norm is not None:
            clip_norm = errors.check_real("clip_norm", self.clip_norm, 0.0)
            if clip_norm == 0:
                raise errors.UserError(
                    "clip_norm", 0.0, "give None to switch clipping off"
                )
            self._set(clip_norm=clip_norm)


@dataclasses.dataclass(frozen=True)
class NewtonConfig(_Checked):
    """Newton's method on the whole training set, for convex costs; `l2` as above."""

    name: Literal["newton"] = dataclasses.field(default="newton", kw_only=True)
    l2: float = 0.0

    def __post_init__(self) -> None:
        if errors.check_real("l2", self.l2, 0.0) == 0:
            remedy = "Newton's method needs l2 > 0, or separable data have no minimum"
            raise errors.UserError("l2", self.l2, remedy)
        self._set(l2=float(self.l2))


@dataclasses.dataclass(frozen=True)
class RunConfig(_Checked):
    """One training run, whole: two runs with equal configurations are the same run.

    Attributes:
      data, model, optimizer: see their classes.
      batch_size: B, examples per step, 1 to N; None is the full batch.
      num_steps: parameter updates (the most that Newton's method may take).
      evaluation_steps: the steps after which the run is evaluated, rising, from 0 on;
        the last one is always `num_steps`.
      seed: of the initial weights and the order of the batches.
    """

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    optimizer: MomentumConfig | NewtonConfig = MomentumConfig()
    batch_size: int | None = None
    num_steps: int = 1000
    evaluation_steps: tuple[int, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        num_steps = errors.check_integer("num_steps", self.num_steps, 1)
        steps = {
            errors.check_integer("evaluation_steps", s, 0)
            for s in self.evaluation_steps
        }
        if steps and max(steps) > num_steps:
            raise errors.UserError(
                "evaluation_steps", max(steps), f"none may exceed num_steps={num_steps}"
            )
        self._set(
            num_steps=num_steps,
            evaluation_steps=tuple(sorted(steps | {num_steps})),
            seed=errors.check_integer("seed", self.seed, 0),
        )
        if self.batch_size is not None:
            self._set(batch_size=errors.check_integer("batch_size", self.batch_size, 1))
            train_size = self.data.train_size
            if train_size is not None and self.batch_size > train_size:
                remedy = f"a batch is at most the training set, train_size={train_size}"
                raise errors.UserError("batch_size", self.batch_size, remedy)

    @property
    def key(self) -> str:
        """16 hexadecimal digits that follow from the whole configuration."""
        text = json.dumps(to_dict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


_converter = cattrs.Converter(forbid_extra_keys=True)
for _class in (DataConfig, ModelConfig, MomentumConfig, NewtonConfig):
    _converter.register_structure_hook(
        _class,
        make_dict_structure_fn(_class, _converter, _cattrs_forbid_extra_keys=True),
    )
# So that a run keeps the key it had before these fields were there.
_optional = override(omit_if_default=True)
_converter.register_unstructure_hook(
    ModelConfig,
    make_dict_unstructure_fn(
        ModelConfig,
        _converter,
        normalization=_optional,
        ghost_batch_size=_optional,
        variant=_optional,
        dropout=_optional,
    ),
)


def to_dict(config: Any) -> dict[str, Any]:
    """Returns `config` as nested dictionaries of JSON's types."""
    return json.loads(json.dumps(_converter.unstructure(config)))


def from_dict(values: dict[str, Any]) -> RunConfig:
    """Returns the run that `to_dict` wrote.

    Raises:
      UserError: a field is unknown, missing or out of range.
    """
    try:
        return _converter.structure(values, RunConfig)
    except (cattrs.BaseValidationError, TypeError) as error:
        reason = "; ".join(cattrs.transform_error(error))
        raise errors.UserError("config", values, reason) from error
