"""Dense networks: of Smith & Le, Hoffer et al., and Jastrzebski et al.

Smith & Le (2017), arXiv 1710.06451, section 4, give one hidden layer of 800 units;
activation and initialisation are our choice (ReLU, Glorot-uniform, zero biases).
Hoffer et al. (2017), arXiv 1705.08741, section 6, take F1 from Keskar et al. (2017).
Jastrzebski et al. (2018), section 4, train a 4-layer batch-normalized ReLU network.
`residual_mlp` is our small stand-in for the wide ResNets of Smith, Elsen & De (2020).
"""

import keras

from bsgen import errors, layers
from bsgen.models import assembly
from bsgen.models import normalization as normalization_lib


def mlp(
    input_shape: tuple[int, ...],
    num_classes: int,
    hidden_units: tuple[int, ...] = (800,),
    activation: str = "relu",
    seed: int = 0,
    dtype: str | None = None,
) -> keras.Model:
    """Builds a fully connected network that returns logits.

    Args:
      hidden_units: widths of the hidden layers; () gives a linear model.
      activation: a Keras activation of the hidden layers.
      dtype: of weights and arithmetic; None for Keras' policy, of which the logits are
        in full precision.

    Raises:
      UserError: Keras has no such activation.
    """
    try:
        keras.activations.get(activation)
    except ValueError as error:
        remedy = "Keras has no activation of that name"
        raise errors.UserError("activation", activation, remedy) from error
    of_logits = dtype or keras.config.dtype_policy().variable_dtype
    inputs = keras.Input(input_shape, dtype=of_logits)
    outputs = inputs
    if len(input_shape) > 1:
        outputs = keras.layers.Flatten(dtype=dtype)(outputs)
    widths = (*hidden_units, num_classes)
    for index, width in enumerate(widths):  # with seeds as in `assembly.Assembly`
        outputs = keras.layers.Dense(
            width,
            activation=activation if index < len(hidden_units) else None,
            kernel_initializer=assembly.glorot_uniform(1000 * seed + index),
            dtype=dtype if index < len(hidden_units) else of_logits,
        )(outputs)
    return keras.Model(inputs, outputs, name="mlp")


def logistic_regression(
    input_shape: tuple[int, ...],
    num_classes: int = 2,
    seed: int = 0,
    dtype: str = "float64",
) -> keras.Model:
    """Builds the linear model of Smith & Le (2017), section 3: weights and one bias.

    Returns:
      A functional model, inputs [batch, D] to one logit [batch, 1] for two classes and
      to [batch, num_classes] for more; float64 by default, for exact minima.
    """
    width = 1 if num_classes == 2 else num_classes
    return mlp(input_shape, width, hidden_units=(), seed=seed, dtype=dtype)


def normalized_mlp(
    input_shape: tuple[int, ...],
    num_classes: int,
    hidden_units: tuple[int, ...],
    normalization: normalization_lib.Factory | None = normalization_lib.BATCH,
    variant: str = "paper",
    seed: int = 0,
    name: str = "normalized_mlp",
) -> keras.Model:
    """Builds dense layers with biases, each followed by a normalisation and a ReLU.

    Args:
      hidden_units: widths of the hidden layers.
      variant: "paper" draws Glorot-uniform weights (the default of the Keras in which
        Keskar et al. released theirs), "released" PyTorch's default.
    """
    paper = variant == "paper"
    kernels = assembly.glorot_uniform if paper else assembly.uniform_fan_in
    parts = assembly.Assembly(seed, normalization, kernels)
    inputs = keras.Input(input_shape)
    outputs = keras.layers.Flatten()(inputs)
    for width in hidden_units:
        outputs = parts.normalize_relu(parts.dense(outputs, width, use_bias=True))
    return keras.Model(inputs, parts.logits(outputs, num_classes), name=name)


def residual_mlp(
    input_shape: tuple[int, ...],
    num_classes: int,
    hidden_units: tuple[int, ...],
    normalization: normalization_lib.Factory | None = normalization_lib.BATCH,
    dropout: float | None = None,
    seed: int = 0,
) -> keras.Model:
    """Builds the wide ResNet of `bsgen.models.wide_resnet` with dense layers.

    A first dense layer is followed by blocks of norm, ReLU, dense, norm, ReLU, dense
    beside a shortcut, which is a dense layer of the first ReLU's output where the width
    changes. With `normalization=None` each branch ends with SkipInit's scalar, layers
    after the first have biases, and the last one starts at 0.

    Args:
      hidden_units: the width of each block, at least one; that of the first is also the
        first layer's.
      dropout: the share dropped before the last layer; None for 0.
    """
    skip_init = normalization is None
    parts = assembly.Assembly(seed, normalization)
    inputs = keras.Input(input_shape)
    outputs = keras.layers.Flatten()(inputs)
    outputs = parts.dense(outputs, hidden_units[0], use_bias=False)
    for width in hidden_units:
        activated = parts.normalize_relu(outputs)
        same = outputs.shape[-1] == width
        shortcut = outputs if same else parts.dense(activated, width)
        branch = parts.normalize_relu(parts.dense(activated, width))
        branch = parts.dense(branch, width)
        if skip_init:
            branch = layers.SkipInit()(branch)
        outputs = keras.layers.Add()([shortcut, branch])
    outputs = parts.dropout(parts.normalize_relu(outputs), dropout or 0.0)
    head = assembly.normal(0.0) if skip_init else None
    outputs = parts.logits(outputs, num_classes, head)
    return keras.Model(inputs, outputs, name="residual_mlp")
