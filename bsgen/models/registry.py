"""Builds a network from its configuration.

Names and choices are known without TensorFlow; the module of a network is imported when
it is built.
"""

import contextlib
import dataclasses
import importlib
import itertools
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bsgen import config, errors

if TYPE_CHECKING:
    import keras

_MAX_WEIGHTS = 2**28  # of dense layers of free width: 1 GiB, and training takes 3


@dataclasses.dataclass(frozen=True)
class _Network:
    """How to build a network, and what can be chosen about it.

    Attributes:
      builder: module and function in this package.
      takes: the fields of `ModelConfig` that are arguments of the function.
      arguments: others.
      precision: that the network always has, if not that of the run.
    """

    builder: str
    takes: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    precision: str | None = None

    def released(self) -> "_Network":
        """Returns the same network in the form of its authors' code."""
        arguments = {**self.arguments, "variant": "released"}
        return dataclasses.replace(self, arguments=arguments)


_NORMALIZED = ("normalization",)
_WITH_DROPOUT = ("normalization", "dropout")
_PAPER = {
    "mlp": _Network("dense.mlp", ("hidden_units", "activation")),
    "logistic_regression": _Network("dense.logistic_regression", precision="float64"),
    "normalized_mlp": _Network("dense.normalized_mlp", ("hidden_units", *_NORMALIZED)),
    "f1": _Network("dense.f1", _NORMALIZED),
    "mlp4": _Network("dense.normalized_mlp", _NORMALIZED, {"name": "mlp4"}),
    "c1": _Network("shallow_cnn.shallow_cnn", _WITH_DROPOUT, {"name": "c1"}),
    "c3": _Network("shallow_cnn.shallow_cnn", _WITH_DROPOUT, {"name": "c3"}),
    "resnet44": _Network("resnet.resnet", _NORMALIZED, {"depth": 44}),
    "resnet56": _Network("resnet.resnet", _NORMALIZED, {"depth": 56}),
    "vgg11": _Network("vgg.vgg", _WITH_DROPOUT, {"depth": 11}),
    "vgg16": _Network("vgg.vgg", _WITH_DROPOUT, {"depth": 16}),
    "wrn_16_4": _Network(
        "wide_resnet.wide_resnet", _WITH_DROPOUT, {"depth": 16, "width": 4}
    ),
    "wrn_28_10": _Network(
        "wide_resnet.wide_resnet", _WITH_DROPOUT, {"depth": 28, "width": 10}
    ),
    "alexnet": _Network("alexnet.alexnet", _WITH_DROPOUT),
    "resnet50": _Network("resnet50.resnet50", _NORMALIZED),
}
# The forms in github.com/eladhoffer/bigBatch. Its wide ResNet is its ResNet, wider, and
# has int((16 - 2) / 6) = 2 blocks a group: 14 layers, not 16.
_RELEASED = {
    name: _PAPER[name].released() for name in ("f1", "c1", "c3", "resnet44", "resnet56")
}
_RELEASED["wrn_16_4"] = _Network(
    "resnet.resnet",
    _NORMALIZED,
    {"depth": 14, "variant": "released", "multiplier": 4, "name": "wrn_16_4"},
)
# What a network leaves alone may have these values: the default, or nothing at all.
_UNCHOSEN: dict[str, tuple[Any, ...]] = {
    "hidden_units": (config.ModelConfig().hidden_units, ()),
    "activation": (config.ModelConfig().activation,),
    "normalization": (config.ModelConfig().normalization,),
    "dropout": (None,),
}


def names() -> tuple[str, ...]:
    """Returns the names that `ModelConfig.name` may take."""
    return tuple(_PAPER)


def build(
    settings: config.ModelConfig,
    input_shape: tuple[int, ...],
    num_classes: int,
    seed: int = 0,
    precision: str = "float32",
) -> "keras.Model":
    """Builds the network that `settings` names, with initial weights drawn by `seed`.

    Args:
      settings: name and choices.
      input_shape: shape of one input.
      num_classes: number of classes.
      seed: of the initial weights.
      precision: the Keras policy of the layers; logits and weights are float32 always.

    Returns:
      A functional model that maps [batch, *input_shape] to logits.

    Raises:
      UserError: as `check`, or the inputs do not fit the network, or it would have too
        many weights.
    """
    check(settings, precision)
    network = _find(settings.name, settings.variant)
    choices = {field: getattr(settings, field) for field in network.takes}
    if "hidden_units" in choices:
        _check_size(input_shape, settings.hidden_units, num_classes)
    if "normalization" in choices:
        from bsgen.models import normalization

        choices["normalization"] = normalization.by_name(
            settings.normalization, settings.ghost_batch_size
        )
    if settings.dropout is None:
        choices.pop("dropout", None)
    module, _, function = network.builder.partition(".")
    builder = getattr(importlib.import_module(f"bsgen.models.{module}"), function)
    choices |= network.arguments
    with _policy(precision):
        return builder(
            input_shape=input_shape, num_classes=num_classes, seed=seed, **choices
        )


def check(settings: config.ModelConfig, precision: str = "float32") -> None:
    """Checks a configuration, without TensorFlow.

    Raises:
      UserError: no network has that name, or it has no such choice.
    """
    network = _find(settings.name, settings.variant)
    for field, unchosen in _UNCHOSEN.items():
        value = getattr(settings, field)
        if field not in network.takes and value not in unchosen:
            remedy = f"{settings.name} has no {field} to choose; leave it out"
            raise errors.UserError(field, value, remedy)
    if network.precision and precision != "float32":
        remedy = f"{settings.name} computes in {network.precision}; leave it out"
        raise errors.UserError("precision", precision, remedy)


def takes(settings: config.ModelConfig) -> tuple[str, ...]:
    """Returns the fields of `settings` that its network has a choice of.

    Raises:
      UserError: no network has that name.
    """
    return _find(settings.name, settings.variant).takes


@contextlib.contextmanager
def _policy(precision: str) -> Iterator[None]:
    import keras

    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)


def _check_size(
    input_shape: tuple[int, ...], hidden_units: tuple[int, ...], num_classes: int
) -> None:
    widths = [math.prod(input_shape), *hidden_units, num_classes]
    num_weights = sum(a * b for a, b in itertools.pairwise(widths))
    if num_weights > _MAX_WEIGHTS:
        remedy = f"makes {num_weights:,} weights, and a network may have "
        remedy += f"{_MAX_WEIGHTS:,}; give less"
        raise errors.UserError("hidden_units", hidden_units, remedy)


def _find(name: str, variant: str) -> _Network:
    if name not in _PAPER:
        raise errors.unknown_name("model", name, _PAPER)
    if variant == "paper":
        return _PAPER[name]
    if name not in _RELEASED:
        remedy = f"{name} has no released form; {', '.join(_RELEASED)} have"
        raise errors.UserError("variant", variant, remedy)
    return _RELEASED[name]
