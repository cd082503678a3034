"""The work of `ensemble`: equal data, networks, initial weights and batches."""

import dataclasses
import functools

import numpy as np

from bsgen import config, data
from bsgen.data import sampling

HIDDEN_UNITS = 800  # Smith & Le (2017), section 4
NUM_CLASSES = 10
TRAIN_SIZE = 1000
BATCH_SIZE = 32
LEARNING_RATE = 0.1  # with momentum 0.9 nothing diverges; it does not change the speed
MOMENTUM = 0.9
_TEST_SIZE = 100  # of the random images


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """Runs of one ReLU network with one hidden layer, trained by SGD with momentum.

    Attributes:
      run: the run of seed 0; run r differs in its seed alone.
      num_runs: R.
      steps_per_call: steps that peers take in a call of their compiled function.
      data_dir: where a prepared dataset lies.
      inputs: scaled training inputs [N, D] float32.
      labels: classes [N] int32.
      first_weights: initial weights of run 0, [D, H], [H], [H, C] and [C] float32.
    """

    run: config.RunConfig
    num_runs: int
    steps_per_call: int
    data_dir: str | None
    inputs: np.ndarray
    labels: np.ndarray
    first_weights: list[np.ndarray]

    @property
    def runs(self) -> list[config.RunConfig]:
        """The configurations [R]."""
        seeds = range(self.num_runs)
        return [dataclasses.replace(self.run, seed=seed) for seed in seeds]

    @property
    def weights(self) -> list[np.ndarray]:
        """Initial weights [R, ...] for peers: in each run those of run 0."""
        return [
            np.repeat(weight[None], self.num_runs, 0) for weight in self.first_weights
        ]

    def first_run(self) -> "Problem":
        """Returns the problem of the first run alone."""
        return dataclasses.replace(self, num_runs=1)

    def positions(self, first_step: int, num_steps: int) -> np.ndarray:
        """Returns the batches [num_steps, R, B] int32; run r has seed r."""
        size = len(self.inputs)
        streams = [
            sampling.batches(run, first_step, num_steps, self.run.batch_size, size)
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
    settings: config.DataConfig,
    num_runs: int,
    num_steps: int,
    steps_per_call: int,
    hidden: int = HIDDEN_UNITS,
    data_dir: str | None = None,
) -> Problem:
    """Returns the problem of runs of `num_steps` steps.

    Raises:
      UserError: the dataset is not prepared in `data_dir`.
    """
    from bsgen import models  # imports TensorFlow, which a peer's process does without

    register_random_images()
    run = config.RunConfig(
        data=settings,
        model=config.ModelConfig(hidden_units=(hidden,)),
        optimizer=config.MomentumConfig(LEARNING_RATE, MOMENTUM),
        batch_size=BATCH_SIZE,
        num_steps=num_steps,
    )
    inputs, labels = data.load(settings, data_dir).train
    model = models.build(run.model, inputs.shape[1:], NUM_CLASSES, run.seed)
    return Problem(
        run,
        num_runs,
        steps_per_call,
        data_dir,
        inputs.reshape(len(inputs), -1),
        labels,
        model.get_weights(),
    )


def digits() -> config.DataConfig:
    """Returns the embedded digits, of 64 inputs."""
    return config.DataConfig("digits", TRAIN_SIZE)


def images(data_dir: str | None) -> config.DataConfig:
    """Returns MNIST, of 784 inputs, or random images like it without a folder."""
    name = "mnist" if data_dir else _RANDOM_IMAGES.name
    return config.DataConfig(name, TRAIN_SIZE)


class _RandomImages(data.Dataset):
    def load(
        self, settings: config.DataConfig, data_dir: str | None = None
    ) -> data.Pool:
        return _load()


@functools.lru_cache(maxsize=1)
def _load() -> data.Pool:
    entry = _RANDOM_IMAGES
    generator = np.random.default_rng(1)
    shape = (TRAIN_SIZE + _TEST_SIZE, *entry.input_shape)
    inputs = generator.integers(0, 256, shape, np.uint8)
    teacher = generator.normal(size=(np.prod(entry.input_shape), NUM_CLASSES))
    centred = inputs.reshape(len(inputs), -1) - 127.5
    labels = np.argmax(centred @ teacher, axis=1).astype(np.int32)
    return data.Pool(entry.name, inputs, labels, NUM_CLASSES, test_size=_TEST_SIZE)


_RANDOM_IMAGES = _RandomImages(
    "random_images", (28, 28, 1), NUM_CLASSES, TRAIN_SIZE, _TEST_SIZE
)


@functools.lru_cache(maxsize=1)
def register_random_images() -> None:
    """Makes the random images known to `bsgen.data` in this process, once."""
    data.register(_RANDOM_IMAGES)
