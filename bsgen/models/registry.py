"""Builds a network from its configuration."""

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator

import keras

from bsgen import config, errors
from bsgen.models import (
    alexnet,
    dense,
    normalization,
    resnet,
    resnet50,
    shallow_cnn,
    vgg,
    wide_resnet,
)


@dataclasses.dataclass(frozen=True)
class _Network:
    """How to build a network, and the fields of `ModelConfig` that it takes."""

    build: Callable[..., keras.Model]
    takes: tuple[str, ...] = ()


_partial = functools.partial
_NORMALIZED = ("normalization",)
_WITH_DROPOUT = ("normalization", "dropout")
_PAPER = {
    "mlp": _Network(dense.mlp, ("hidden_units", "activation")),
    "logistic_regression": _Network(dense.logistic_regression),
    "normalized_mlp": _Network(dense.normalized_mlp, ("hidden_units", *_NORMALIZED)),
    "f1": _Network(dense.f1, _NORMALIZED),
    "mlp4": _Network(_partial(dense.normalized_mlp, name="mlp4"), _NORMALIZED),
    "c1": _Network(_partial(shallow_cnn.shallow_cnn, name="c1"), _WITH_DROPOUT),
    "c3": _Network(_partial(shallow_cnn.shallow_cnn, name="c3"), _WITH_DROPOUT),
    "resnet44": _Network(_partial(resnet.resnet, 44), _NORMALIZED),
    "resnet56": _Network(_partial(resnet.resnet, 56), _NORMALIZED),
    "vgg11": _Network(_partial(vgg.vgg, 11), _WITH_DROPOUT),
    "vgg16": _Network(_partial(vgg.vgg, 16), _WITH_DROPOUT),
    "wrn_16_4": _Network(_partial(wide_resnet.wide_resnet, 16, 4), _WITH_DROPOUT),
    "wrn_28_10": _Network(_partial(wide_resnet.wide_resnet, 28, 10), _WITH_DROPOUT),
    "alexnet": _Network(alexnet.alexnet, _WITH_DROPOUT),
    "resnet50": _Network(resnet50.resnet50, _NORMALIZED),
}
# The forms in github.com/eladhoffer/bigBatch. Its wide ResNet is its ResNet, wider, and
# has int((16 - 2) / 6) = 2 blocks a group: 14 layers, not 16.
_RELEASED = {
    name: _Network(_partial(_PAPER[name].build, variant="released"), _PAPER[name].takes)
    for name in ("f1", "c1", "c3", "resnet44", "resnet56")
}
_RELEASED["wrn_16_4"] = _Network(
    _partial(resnet.resnet, 14, variant="released", multiplier=4, name="wrn_16_4"),
    _NORMALIZED,
)
_DEFAULT = config.ModelConfig()


def names() -> tuple[str, ...]:
    """Returns the names that `ModelConfig.name` may take."""
    return tuple(_PAPER)


def build(
    settings: config.ModelConfig,
    input_shape: tuple[int, ...],
    num_classes: int,
    seed: int = 0,
    precision: str = "float32",
) -> keras.Model:
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
      UserError: no network has that name, it has no such choice, or the inputs do not
        fit it.
    """
    network = _find(settings.name, settings.variant)
    for field in _WITH_DROPOUT:
        value = getattr(settings, field)
        if field not in network.takes and value != getattr(_DEFAULT, field):
            remedy = f"{settings.name} has no {field} to choose; leave it out"
            raise errors.UserError(field, value, remedy)
    choices = {field: getattr(settings, field) for field in network.takes}
    if "normalization" in choices:
        choices["normalization"] = normalization.by_name(
            settings.normalization, settings.ghost_batch_size
        )
    if settings.dropout is None:
        choices.pop("dropout", None)
    with _policy(precision):
        return network.build(input_shape, num_classes, seed=seed, **choices)


def takes(settings: config.ModelConfig) -> tuple[str, ...]:
    """Returns the fields of `settings` that its network has a choice of.

    Raises:
      UserError: no network has that name.
    """
    return _find(settings.name, settings.variant).takes


@contextlib.contextmanager
def _policy(precision: str) -> Iterator[None]:
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)


def _find(name: str, variant: str) -> _Network:
    if name not in _PAPER:
        raise errors.unknown_name("model", name, _PAPER)
    if variant == "paper":
        return _PAPER[name]
    if name not in _RELEASED:
        remedy = f"{name} has no released form; {', '.join(_RELEASED)} have"
        raise errors.UserError("variant", variant, remedy)
    return _RELEASED[name]
