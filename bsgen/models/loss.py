"""A loss that training minimises, and the metrics that are recorded of it.

A loss is a function of targets and outputs that gives one number an example; training
minimises its mean over the examples of a batch. A metric is such a function too, and is
recorded as `{part}_{metric}`, such as `test_accuracy`, with the part `batch` for the
batches between two evaluations.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal, TypeAlias

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
      reconstructs: whether the targets are the inputs; see `losses.of_run`.
      logistic: whether outputs are logits of targets in [0, 1].
    """

    name: str
    metrics: tuple[Metric, ...]
    fits: tuple[Targets, ...]
    reconstructs: bool = False
    logistic: bool = False

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
