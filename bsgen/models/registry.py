"""Every network by its name, and how it is built from its configuration.

Names and choices are known without TensorFlow; the module of a network is imported when
it is built.
"""

import contextlib
import functools
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bsgen import config, errors
from bsgen.models import sizes
from bsgen.models.network import Network

if TYPE_CHECKING:
    import keras

_NORMALIZED = ("normalization",)
_DROPOUT = ("normalization", "dropout")
_MAX_WEIGHTS = 2**28  # of dense layers of free width: 1 GiB, and training takes 3


def _normalized_mlp(name: str, *hidden_units: int) -> Network:
    arguments = {"hidden_units": hidden_units, "name": name}
    return Network(
        "dense.normalized_mlp", sizes.mlp, _NORMALIZED, arguments, stacks=True
    )


def _autoencoder(**arguments: Any) -> Network:
    choices = ("hidden_units", "activation", "output_activation", "initialization")
    return Network(
        "autoencoder.autoencoder",
        sizes.autoencoder,
        tuple(name for name in choices if name not in arguments),
        arguments,
        reconstructs=True,
        stacks=True,
    )


def _shallow_cnn(name: str) -> Network:
    arguments = {"name": name}
    return Network("shallow_cnn.shallow_cnn", sizes.shallow_cnn, _DROPOUT, arguments)


def _wide_resnet(depth: int, width: int) -> Network:
    arguments = {"depth": depth, "width": width}
    return Network("wide_resnet.wide_resnet", sizes.wide_resnet, _DROPOUT, arguments)


_PAPER = {
    "mlp": Network("dense.mlp", sizes.mlp, ("hidden_units", "activation"), stacks=True),
    "logistic_regression": Network(
        "dense.logistic_regression",
        sizes.logistic_regression,
        precision="float64",
        stacks=True,
    ),
    "normalized_mlp": Network(
        "dense.normalized_mlp", sizes.mlp, ("hidden_units", *_NORMALIZED), stacks=True
    ),
    # Dense layers in the place of a wide ResNet's convolutions (our choice).
    "residual_mlp": Network(
        "dense.residual_mlp",
        sizes.residual_mlp,
        ("hidden_units", *_DROPOUT),
        stacks=True,
    ),
    # Hoffer et al. (2017), section 6, after Keskar et al. (2017).
    "f1": _normalized_mlp("f1", 512, 512, 512, 512, 512),
    # The "4-layer" network of Jastrzebski et al. (2018): they give no width, 512 is our
    # choice, and we count the layers with weights, as VGG-11 and ResNet-56 in the same
    # paper do.
    "mlp4": _normalized_mlp("mlp4", 512, 512, 512),
    # Smith, Elsen & De (2020), appendix B, and of other widths.
    "autoencoder": _autoencoder(hidden_units=(1000, 500, 250, 30, 250, 500, 1000)),
    "dense_autoencoder": _autoencoder(),
    # Zaremba et al. (2014), their medium network, if the widths are not chosen.
    "lstm": Network(
        "lstm.lstm",
        sizes.lstm,
        ("hidden_units", "dropout"),
        carries_state=True,
        stacks=True,
        stacks_window=10,  # up to which `layers.LSTM` has no loop
    ),
    "c1": _shallow_cnn("c1"),
    "c3": _shallow_cnn("c3"),
    # The smallest ResNet, for small images such as the digits' (our choice).
    "resnet8": Network("resnet.resnet", sizes.resnet, _NORMALIZED, {"depth": 8}),
    "resnet44": Network("resnet.resnet", sizes.resnet, _NORMALIZED, {"depth": 44}),
    "resnet56": Network("resnet.resnet", sizes.resnet, _NORMALIZED, {"depth": 56}),
    "vgg11": Network("vgg.vgg", sizes.vgg, _DROPOUT, {"depth": 11}),
    "vgg16": Network("vgg.vgg", sizes.vgg, _DROPOUT, {"depth": 16}),
    # The smallest of its kind, for minutes without a GPU (our choice).
    "wrn_10_1": _wide_resnet(10, 1),
    "wrn_16_4": _wide_resnet(16, 4),
    "wrn_28_10": _wide_resnet(28, 10),
    "alexnet": Network("alexnet.alexnet", sizes.alexnet, _DROPOUT),
    "resnet50": Network("resnet50.resnet50", sizes.resnet50, _NORMALIZED),
}
# The forms in github.com/eladhoffer/bigBatch. Its wide ResNet is its ResNet, wider, and
# has int((16 - 2) / 6) = 2 blocks a group: 14 layers, not 16.
_TWO_FORMS = ("normalized_mlp", "f1", "c1", "c3", "resnet8", "resnet44", "resnet56")
_RELEASED = {name: _PAPER[name].released() for name in _TWO_FORMS}
_RELEASED["wrn_16_4"] = Network(
    "resnet.resnet",
    sizes.resnet,
    _NORMALIZED,
    {"depth": 14, "variant": "released", "multiplier": 4, "name": "wrn_16_4"},
)
# Fields that a network does not take must have one of these values.
_UNCHOSEN: dict[str, tuple[Any, ...]] = {
    "hidden_units": (config.ModelConfig().hidden_units, ()),
    "activation": (config.ModelConfig().activation,),
    "output_activation": (config.ModelConfig().output_activation,),
    "initialization": (config.ModelConfig().initialization,),
    "normalization": (config.ModelConfig().normalization,),
    "dropout": (None,),
}


def register(name: str, network: Network) -> None:
    """Adds a network for the rest of the process.

    Raises:
      UserError: there is one of that name.
    """
    if name in _PAPER:
        raise errors.UserError("model", name, "there is one of that name")
    _PAPER[name] = network


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
    """Builds the network that `settings` names; see `bsgen.models.network`.

    Args:
      settings: name and choices.
      input_shape: shape of one input.
      num_classes: number of classes.
      seed: of the initial weights and of dropout.
      precision: the Keras policy of the layers; logits and weights are float32 always.

    Returns:
      A functional model, inputs [batch, *input_shape] to logits [batch, num_classes].

    Raises:
      UserError: as `check`, or the inputs do not fit the network, or it would have too
        many weights.
    """
    check(settings, precision)
    network = _find(settings.name, settings.variant)
    arguments = network.all_arguments(settings)
    if "hidden_units" in network.takes:
        weights = size(settings, input_shape, num_classes).weights
        if weights > _MAX_WEIGHTS:
            remedy = f"makes {weights:,} weights, and a network may have "
            remedy += f"{_MAX_WEIGHTS:,}; give less"
            raise errors.UserError("hidden_units", settings.hidden_units, remedy)
    if "normalization" in arguments:
        from bsgen.models import normalization

        running = {name: getattr(settings, name) for name in config.GHOST_OPTIONS}
        arguments["normalization"] = normalization.by_name(
            settings.normalization, settings.ghost_batch_size, **running
        )
    with _policy(precision):
        return network.load_builder()(
            input_shape=input_shape, num_classes=num_classes, seed=seed, **arguments
        )


@functools.lru_cache(maxsize=64)
def size(
    settings: config.ModelConfig, input_shape: tuple[int, ...], num_classes: int
) -> sizes.Size:
    """Returns how large a network is, without building it; arguments as for `build`.

    Raises:
      UserError: no network has that name, or the inputs do not fit it.
    """
    network = _find(settings.name, settings.variant)
    named = inspect.signature(network.size).parameters
    arguments = network.all_arguments(settings).items()
    wanted = {name: value for name, value in arguments if name in named}
    return network.size(input_shape, num_classes, **wanted)


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
    """Returns the fields of `settings` that its network takes.

    Raises:
      UserError: no network has that name.
    """
    return _find(settings.name, settings.variant).takes


def reconstructs(settings: config.ModelConfig) -> bool:
    """Returns whether the network of `settings` predicts its own inputs.

    Raises:
      UserError: no network has that name.
    """
    return _find(settings.name, settings.variant).reconstructs


def carries_state(settings: config.ModelConfig) -> bool:
    """Returns whether the network of `settings` carries its state; see `Network`.

    Raises:
      UserError: no network has that name.
    """
    return _find(settings.name, settings.variant).carries_state


def stacks(settings: config.ModelConfig, input_shape: tuple[int, ...]) -> bool:
    """Returns whether many runs of the network of `settings` may be trained as one.

    Raises:
      UserError: no network has that name.
    """
    network = _find(settings.name, settings.variant)
    longest = network.stacks_window
    return network.stacks and (longest is None or input_shape[0] <= longest)


@contextlib.contextmanager
def _policy(precision: str) -> Iterator[None]:
    import keras

    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)


def _find(name: str, variant: str) -> Network:
    if name not in _PAPER:
        raise errors.unknown_name("model", name, _PAPER)
    if variant == "paper":
        return _PAPER[name]
    if name not in _RELEASED:
        remedy = f"{name} has no released form; {', '.join(_RELEASED)} have"
        raise errors.UserError("variant", variant, remedy)
    return _RELEASED[name]
