"""The work of `ensemble`: equal data, networks, initial weights and batches."""

import dataclasses

import numpy as np

from bsgen import config, data
from bsgen.data import sampling

HIDDEN_UNITS = 800  # Smith & Le (2017), section 4
NUM_CLASSES = 10
TRAIN_SIZE = 1000
BATCH_SIZE = 32
LEARNING_RATE = 0.1  # with momentum 0.9 nothing diverges; it does not change the speed
MOMENTUM = 0.9


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """Runs of one ReLU network with one hidden layer, trained by SGD with momentum.

    Attributes:
      inputs: scaled training inputs [N, D] float32.
      labels: classes [N] int32.
      weights: initial weights, [R, D, H], [R, H], [R, H, C] and [R, C] float32.
      batch_size: examples a step.
    """

    inputs: np.ndarray
    labels: np.ndarray
    weights: list[np.ndarray]
    batch_size: int = BATCH_SIZE

    @property
    def num_runs(self) -> int:
        """R, how many runs are trained."""
        return len(self.weights[0])

    def first_run(self) -> "Problem":
        """Returns the problem of the first run alone."""
        return dataclasses.replace(self, weights=[w[:1] for w in self.weights])

    def positions(self, first_step: int, num_steps: int) -> np.ndarray:
        """Returns the batches [num_steps, R, B] int32; run r has seed r."""
        size = len(self.inputs)
        streams = [
            sampling.batches(run, first_step, num_steps, self.batch_size, size)
            for run in range(self.num_runs)
        ]
        return np.stack(streams, axis=1)

    def score(self, weights: list[np.ndarray]) -> tuple[float, float]:
        """Returns the first run's mean training cross-entropy in nats, and accuracy."""
        kernel, bias, head, head_bias = (w[0].astype(float) for w in weights)
        logits = np.maximum(self.inputs @ kernel + bias, 0) @ head + head_bias
        logits -= logits.max(1, keepdims=True)
        own = np.take_along_axis(logits, self.labels[:, None], 1)[:, 0]
        cross_entropy = np.log(np.exp(logits).sum(1)) - own
        accuracy = np.mean(logits.argmax(1) == self.labels)
        return float(cross_entropy.mean()), float(accuracy)


def make(
    inputs: np.ndarray, labels: np.ndarray, num_runs: int, hidden: int = HIDDEN_UNITS
) -> Problem:
    """Returns a problem with Glorot-uniform weights and zero biases, one seed a run."""
    generator = np.random.default_rng(0)
    weights = []
    for fan_in, fan_out in ((inputs.shape[1], hidden), (hidden, NUM_CLASSES)):
        bound = np.sqrt(6 / (fan_in + fan_out))
        kernel = generator.uniform(-bound, bound, (num_runs, fan_in, fan_out))
        weights += [kernel, np.zeros((num_runs, fan_out))]
    return Problem(inputs, labels, [weight.astype(np.float32) for weight in weights])


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Returns the embedded digits: [N, 64] and [N]."""
    return _flat(config.DataConfig("digits", TRAIN_SIZE))


def images(data_dir: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Returns MNIST, [N, 784] and [N], or a random task of its shape without a folder.

    Raises:
      UserError: MNIST is not prepared in `data_dir`.
    """
    if data_dir:
        return _flat(config.DataConfig("mnist", TRAIN_SIZE), data_dir)
    generator = np.random.default_rng(1)
    inputs = generator.normal(0, 784**-0.5, (TRAIN_SIZE, 784)).astype(np.float32)
    teacher = generator.normal(size=(784, NUM_CLASSES))
    return inputs, np.argmax(inputs @ teacher, axis=1).astype(np.int32)


def _flat(
    settings: config.DataConfig, data_dir: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    inputs, labels = data.load(settings, data_dir).train
    return inputs.reshape(len(inputs), -1), labels
