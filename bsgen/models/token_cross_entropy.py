"""The cross-entropy of a language model, token by token, and its perplexity."""

from typing import TYPE_CHECKING

import numpy as np

from bsgen import errors
from bsgen.models.loss import Loss, Metric

if TYPE_CHECKING:
    import tensorflow as tf


def token_cross_entropy(tokens: "tf.Tensor", logits: "tf.Tensor") -> "tf.Tensor":
    """Returns the mean cross-entropy in nats of the tokens of each example.

    Zaremba et al. (2014), whose LSTM Smith, Elsen & De (2020) train, SUM the gradients
    over the T tokens before they clip them, as `summed_token_cross_entropy` does. SGD
    is homogeneous, so the same updates follow from this mean with the learning rate
    times T, and `clip_norm` and `l2` divided by T.

    Args:
      tokens: [batch, T], as numbers.
      logits: [batch, T, number of tokens].

    Returns:
      [batch], in the dtype of the logits.

    Raises:
      UserError: there are not as many logits as tokens.
    """
    import tensorflow as tf

    return tf.reduce_mean(_of_tokens(tokens, logits), axis=1)


def summed_token_cross_entropy(tokens: "tf.Tensor", logits: "tf.Tensor") -> "tf.Tensor":
    """Returns the sum where `token_cross_entropy` returns the mean."""
    import tensorflow as tf

    return tf.reduce_sum(_of_tokens(tokens, logits), axis=1)


def _of_tokens(tokens: "tf.Tensor", logits: "tf.Tensor") -> "tf.Tensor":
    """Returns the cross-entropy of each token, [batch, T]."""
    import tensorflow as tf

    tokens = tf.convert_to_tensor(tokens)
    if tokens.shape[1:] != logits.shape[1:-1]:
        remedy = f"the network gives {tuple(logits.shape[1:])} numbers an example, and "
        remedy += f"has {tuple(tokens.shape[1:])} tokens to predict; take one with "
        remedy += "logits for each token"
        raise errors.UserError("loss", "token_cross_entropy", remedy)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(
        tf.cast(tokens, tf.int32), logits
    )


def _perplexity(cross_entropy: float) -> float:
    """Returns exp(mean cross-entropy), at most the largest float32.

    So a perplexity is finite as long as the cross-entropy is, whose value tells whether
    a run has diverged.
    """
    with np.errstate(over="ignore"):
        return float(np.minimum(np.exp(cross_entropy), np.finfo(np.float32).max))


_OF_MEAN = (
    Metric("cross_entropy", token_cross_entropy),
    Metric("perplexity", token_cross_entropy, _perplexity, lowest=1.0),
)
TOKEN_CROSS_ENTROPY = Loss("token_cross_entropy", _OF_MEAN, ("tokens",))
# What is minimised sets the meaning of learning rate, `clip_norm` and `l2`.
SUMMED_TOKEN_CROSS_ENTROPY = Loss(
    "summed_token_cross_entropy",
    (Metric("summed_cross_entropy", summed_token_cross_entropy), *_OF_MEAN),
    ("tokens",),
)
