"""The word-level language model of Zaremba et al. (2014), arXiv:1409.2329.

Smith, Elsen & De (2020), appendix B, train the medium one: two layers of 650 units, the
embedding as wide as the first, dropout of 0.5 on what is not recurrent, that is on the
input of each layer and on the output, and every weight and bias uniform in [-0.05,
0.05] at the start, without a larger bias of the forget gates.
"""

import itertools
import math

import keras

from bsgen import layers

# Of the initial weights, at a width. At others it goes with width^-1/2 (our choice), as
# it about does in Zaremba et al.: 0.1 at 200 units, 0.04 at 1500.
_SCALE, _WIDTH = 0.05, 650


def lstm(
    input_shape: tuple[int, ...],
    num_classes: int,
    hidden_units: tuple[int, ...] = (650, 650),
    dropout: float = 0.5,
    seed: int = 0,
) -> keras.Model:
    """Builds an LSTM that reads windows of T tokens, and carries its state.

    Args:
      input_shape: (T,).
      num_classes: the number of tokens that there are.
      hidden_units: widths of the layers, at least one; the embedding has the first.

    Returns:
      A functional model of [tokens, h1, c1, h2, c2, ...], int32 [batch, T] and [batch,
      units] each, to [logits, h1, c1, ...], the logits of each next token [batch, T,
      num_classes] and the states after the last token.
    """
    scale = _SCALE * math.sqrt(_WIDTH / hidden_units[0])
    seeds = itertools.count(1000 * seed)  # as in `assembly.Assembly`

    def drop(inputs: keras.KerasTensor) -> keras.KerasTensor:
        number = next(seeds)
        return layers.Dropout(dropout, seed=number)(inputs) if dropout else inputs

    def uniform() -> keras.initializers.Initializer:
        return keras.initializers.RandomUniform(-scale, scale, next(seeds))

    tokens = keras.Input(input_shape, dtype="int32", name="tokens")
    outputs = keras.layers.Embedding(num_classes, hidden_units[0], uniform())(tokens)
    states: list[keras.KerasTensor] = []
    new_states: list[keras.KerasTensor] = []
    for units in hidden_units:
        own = keras.Input((units,)), keras.Input((units,))
        layer = layers.LSTM(units, uniform(), uniform(), uniform())
        outputs, *new = layer(drop(outputs), *own)
        states += own
        new_states += new
    logits = keras.layers.Dense(
        num_classes,
        kernel_initializer=uniform(),
        bias_initializer=uniform(),
        dtype=keras.config.dtype_policy().variable_dtype,
    )(drop(outputs))
    return keras.Model([tokens, *states], [logits, *new_states], name="lstm")
