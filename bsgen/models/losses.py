"""The losses that runs minimise, by name, with the metrics that are recorded of them.

A loss is a function of targets and outputs that gives one number an example; training
minimises its mean over the examples of a batch. A metric is such a function too, and is
recorded as `{part}_{metric}`, such as `test_accuracy`, with the part `batch` for the
batches between two evaluations. The first metric of a loss is the loss itself.

What a network is compared with, its targets, follows from network and dataset: inputs,
as the network sees them, for one that reconstructs them (`Network.reconstructs`), else
the dataset's labels (`Dataset.labels`).
"""

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from bsgen import config, data, errors
from bsgen.models import classification, registry

if TYPE_CHECKING:
    import tensorflow as tf

PerExample: TypeAlias = "Callable[[tf.Tensor, tf.Tensor], tf.Tensor]"
Targets: TypeAlias = Literal["classes", "numbers", "tokens", "inputs"]


@dataclasses.dataclass(frozen=True)
class Metric:
    """A number that is recorded of a network on some examples.

    Attributes:
      name: of it alone, without the part of the data.
      per_example: of targets and outputs; returns [batch], in the dtype of the outputs.
      of_mean: makes the metric of the mean of `per_example` over the examples; None
        where this mean is the metric.
      lowest, highest: its range.
      higher_is_better: whether the best value is the highest one.
    """

    name: str
    per_example: PerExample
    of_mean: Callable[[float], float] | None = None
    lowest: float = 0.0
    highest: float = math.inf
    higher_is_better: bool = False


@dataclasses.dataclass(frozen=True)
class Loss:
    """A loss and its metrics.

    Attributes:
      name: as in `RunConfig.loss`.
      metrics: the first is minimised, the last is what a run is judged by.
      fits: the kinds of targets that it takes.
      reconstructs: whether the targets are the inputs; see `of_run`.
    """

    name: str
    metrics: tuple[Metric, ...]
    fits: tuple[Targets, ...]
    reconstructs: bool = False

    @property
    def per_example(self) -> PerExample:
        """The loss of each example, of targets and outputs: [batch]."""
        return self.metrics[0].per_example

    @property
    def judged_by(self) -> Metric:
        """The metric that says how good a run is."""
        return self.metrics[-1]

    def targets(self, inputs: "tf.Tensor", labels: "tf.Tensor") -> "tf.Tensor":
        """Returns what the outputs for a batch are compared with."""
        return inputs if self.reconstructs else labels

    def sums(
        self, targets: "tf.Tensor", outputs: "tf.Tensor", weights: "tf.Tensor"
    ) -> "tf.Tensor":
        """Returns the sum over a batch of what each metric is the mean of.

        Args:
          targets, outputs: [batch, ...].
          weights: of the examples, [batch].

        Returns:
          float32 [number of metrics], in their order.
        """
        import tensorflow as tf

        weights = tf.cast(weights, outputs.dtype)
        of_examples = (each.per_example(targets, outputs) for each in self.metrics)
        totals = [tf.reduce_sum(values * weights) for values in of_examples]
        return tf.cast(tf.stack(totals), tf.float32)

    def values(self, means: Iterable[float]) -> dict[str, float]:
        """Returns the metrics by name, from `sums` over the number of examples."""
        return {
            metric.name: float(metric.of_mean(mean) if metric.of_mean else mean)
            for metric, mean in zip(self.metrics, means, strict=True)
        }

    def recorded(self, part: str, means: Iterable[float]) -> dict[str, float]:
        """Returns them by their names in a record, `{part}_{name}`."""
        values = self.values(means).items()
        return {f"{part}_{name}": value for name, value in values}


def squared_error(targets: "tf.Tensor", outputs: "tf.Tensor") -> "tf.Tensor":
    """Returns the squared error of each example, summed over its outputs.

    Smith, Elsen & De (2020) train an autoencoder so: the errors that they report are
    sums over the pixels.

    Args:
      targets, outputs: [batch, ...], of as many values an example.

    Returns:
      [batch], in the dtype of the outputs.

    Raises:
      UserError: the numbers of values differ.
    """
    import tensorflow as tf

    targets = tf.convert_to_tensor(targets)
    wanted, given = (math.prod(t.shape[1:]) for t in (targets, outputs))
    if wanted != given:
        remedy = f"the network gives {given} numbers an example, and has {wanted} "
        remedy += "targets; take a network with as many outputs"
        raise errors.UserError("loss", "squared_error", remedy)
    flat = (tf.reshape(t, [-1, given]) for t in (targets, outputs))
    wanted, given = (tf.cast(t, outputs.dtype) for t in flat)
    return tf.reduce_sum(tf.square(given - wanted), axis=1)


def token_cross_entropy(tokens: "tf.Tensor", logits: "tf.Tensor") -> "tf.Tensor":
    """Returns the mean cross-entropy in nats of the tokens of each example.

    Zaremba et al. (2014), whose LSTM Smith, Elsen & De (2020) train, SUM the gradients
    over the T tokens before they clip them. SGD is homogeneous, so the same updates
    follow from this mean with the learning rate times T, and `clip_norm` and `l2`
    divided by T.

    Args:
      tokens: [batch, T], as numbers.
      logits: [batch, T, number of tokens].

    Returns:
      [batch], in the dtype of the logits.

    Raises:
      UserError: there are not as many logits as tokens.
    """
    import tensorflow as tf

    tokens = tf.convert_to_tensor(tokens)
    if tokens.shape[1:] != logits.shape[1:-1]:
        remedy = f"the network gives {tuple(logits.shape[1:])} numbers an example, and "
        remedy += f"has {tuple(tokens.shape[1:])} tokens to predict; take one with "
        remedy += "logits for each token"
        raise errors.UserError("loss", "token_cross_entropy", remedy)
    of_tokens = tf.nn.sparse_softmax_cross_entropy_with_logits(
        tf.cast(tokens, tf.int32), logits
    )
    return tf.reduce_mean(of_tokens, axis=1)


def _perplexity(cross_entropy: float) -> float:
    """Returns exp(mean cross-entropy); infinite where float32 does not hold it."""
    with np.errstate(over="ignore"):
        return float(np.exp(np.float32(cross_entropy)))


CROSS_ENTROPY = Loss(
    "cross_entropy",
    (
        Metric("cross_entropy", classification.cross_entropy),
        Metric("accuracy", classification.correct, highest=1.0, higher_is_better=True),
    ),
    ("classes",),
)
SQUARED_ERROR = Loss(
    "squared_error", (Metric("mse", squared_error),), ("numbers", "inputs")
)
TOKEN_CROSS_ENTROPY = Loss(
    "token_cross_entropy",
    (
        Metric("cross_entropy", token_cross_entropy),
        Metric("perplexity", token_cross_entropy, _perplexity, lowest=1.0),
    ),
    ("tokens",),
)
_LOSSES = {
    loss.name: loss for loss in (CROSS_ENTROPY, SQUARED_ERROR, TOKEN_CROSS_ENTROPY)
}


def register(loss: Loss) -> None:
    """Adds a loss for the rest of the process.

    Raises:
      UserError: there is one of that name.
    """
    if loss.name in _LOSSES:
        raise errors.UserError("loss", loss.name, "there is one of that name")
    _LOSSES[loss.name] = loss


def names() -> tuple[str, ...]:
    """Returns the names of all losses; the first is the usual one."""
    return tuple(_LOSSES)


def find(name: str) -> Loss:
    """Returns the loss of a name.

    Raises:
      UserError: there is none.
    """
    if name not in _LOSSES:
        raise errors.unknown_name("loss", name, _LOSSES)
    return _LOSSES[name]


def of_run(run: config.RunConfig) -> Loss:
    """Returns the loss of a run, which knows the run's targets; without TensorFlow.

    Raises:
      UserError: no loss has that name, or it does not fit the run's network and data.
    """
    loss = find(run.loss)
    reconstructs = registry.reconstructs(run.model)
    kind = "inputs" if reconstructs else data.find(run.data.name).labels
    if kind not in loss.fits:
        fitting = [each.name for each in _LOSSES.values() if kind in each.fits]
        remedy = f"{run.model.name} on {run.data.name} predicts {kind}; take "
        raise errors.UserError("loss", run.loss, remedy + " or ".join(fitting))
    return dataclasses.replace(loss, reconstructs=reconstructs)


def recorded_metric(column: str) -> Metric | None:
    """Returns the metric of a column `{metric}` or `{part}_{metric}`, else None."""
    for metric in (each for loss in _LOSSES.values() for each in loss.metrics):
        if f"_{column}".endswith(f"_{metric.name}"):
            return metric
    return None
