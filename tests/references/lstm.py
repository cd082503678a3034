"""The language model of Zaremba et al. in NumPy, token by token, in float64."""

import numpy as np


def layer(inputs, weights, hidden, cell):
    """One layer on inputs [batch, T, width]; returns h [batch, T, units], h and c."""
    kernel, recurrent_kernel, bias = weights
    units = len(recurrent_kernel)
    outputs = []
    for time in range(inputs.shape[1]):
        gates = inputs[:, time] @ kernel + hidden @ recurrent_kernel + bias
        i, f, g, o = (gates[:, n * units : (n + 1) * units] for n in range(4))
        cell = _sigmoid(f) * cell + _sigmoid(i) * np.tanh(g)
        hidden = _sigmoid(o) * np.tanh(cell)
        outputs.append(hidden)
    return np.stack(outputs, axis=1), hidden, cell


def network(tokens, weights, states, kept=()):
    """Logits [batch, T, tokens] and new states [h1, c1, h2, ...].

    `weights` are in the order of the model's; `kept` are factors of dropout, one array
    for the input of each layer and one for the output.
    """
    embedding, *of_layers, kernel, bias = (np.asarray(w, float) for w in weights)
    outputs, new_states = embedding[tokens], []
    factors = list(kept) or [1.0] * (len(states) // 2 + 1)
    for number in range(len(states) // 2):
        own = of_layers[3 * number : 3 * number + 3]
        of_layer = states[2 * number : 2 * number + 2]
        outputs, *new = layer(outputs * factors[number], own, *of_layer)
        new_states += new
    return (outputs * factors[-1]) @ kernel + bias, new_states


def cross_entropy(tokens, logits):
    """Of each token, [batch, T]."""
    logits = logits - logits.max(axis=-1, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return -np.take_along_axis(logs, tokens[..., None], axis=-1)[..., 0]


def _sigmoid(values):
    return 1 / (1 + np.exp(-values))
