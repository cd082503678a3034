"""Small runs of the engine for big networks, on made-up images."""

import contextlib
import types
from unittest import mock

import numpy as np
from tensorflow.python.framework import config as tf_config

from bsgen import config, data
from bsgen.training.loop import strategies, trainee

TRAIN_SIZE, TEST_SIZE = 60, 22
NUM_CLASSES = 4
GROW = config.Stepwise(boundaries=(4.0,), factors=(2.0,), unit="steps")
_DENSE = {"name": "normalized_mlp", "hidden_units": (12, 8), "normalization": "none"}


def pool(seed=7, sizes=(TRAIN_SIZE, TEST_SIZE)):
    """Noise [8, 8, 3] whose brightness depends on the class, uint8."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(NUM_CLASSES, size=sum(sizes)).astype(np.int32)
    noise = generator.integers(0, 160, size=[sum(sizes), 8, 8, 3])
    return data.Pool(
        name="made_up",
        inputs=(noise + 25 * labels[:, None, None, None]).astype(np.uint8),
        labels=labels,
        num_classes=NUM_CLASSES,
        train_pool=np.arange(sizes[0]),
        test_pool=np.arange(sizes[0], sum(sizes)),
    )


def run(
    model=None,
    num_steps=8,
    batch_size=8,
    evaluation_steps=(),
    batch_size_schedule=None,
    precision="float32",
    seed=5,
    data_settings=None,
    loss_noise=0.0,
    **optimizer,
):
    """A run far from the edge of stability; a dense network without normalisation."""
    return config.RunConfig(
        data=config.DataConfig(
            **{
                "name": "made_up",
                "scaling": "standardize_channels",
                "augmentation": "crop_flip",
                **(data_settings or {}),
            }
        ),
        model=config.ModelConfig(**(model or _DENSE)),
        optimizer=config.MomentumConfig(**{"learning_rate": 0.02, **optimizer}),
        batch_size=batch_size,
        num_steps=num_steps,
        evaluation_steps=evaluation_steps,
        batch_size_schedule=batch_size_schedule or config.Constant(),
        precision=precision,
        loss_noise=loss_noise,
        seed=seed,
    )


def ghost(size=4):
    """The dense network with ghost batch normalization."""
    return {**_DENSE, "normalization": "ghost", "ghost_batch_size": size}


def batch():
    """The dense network with batch normalization."""
    return {**_DENSE, "normalization": "batch"}


def convolutional(dropout=0.5):
    """The smallest network with dropout."""
    return {"name": "c1", "normalization": "none", "dropout": dropout}


@contextlib.contextmanager
def source(found=None):
    """Makes every run use these examples."""
    found = found or pool()
    entry = types.SimpleNamespace(name="made_up", labels="classes", sampling="shuffle")
    with (
        mock.patch.object(data, "load_source", lambda config, data_dir: found),
        mock.patch.object(data, "find", lambda name: entry),
    ):
        yield found


def devices(replicas):
    """Returns one or two devices, requested again by each call as by each run."""
    if replicas == 1:
        return strategies.Devices(config.HardwareConfig())
    return strategies.Devices(
        config.HardwareConfig(strategy="mirrored", num_devices=replicas)
    )


def ready(of_run, replicas=1, found=None, **hardware):
    """Returns the run ready to train, on one or two devices."""
    settings = config.HardwareConfig(
        **hardware, strategy="mirrored" if replicas > 1 else "single"
    )
    with source(found):
        return trainee.Trainee(of_run, devices(replicas), settings)


def train(of_run, replicas=1, calls=None, **hardware):
    """Returns metrics of each step and the state, after steps in calls up to `calls`.

    Without `calls`, each takes as many steps as it may.
    """
    trained = ready(of_run, replicas, **hardware)
    ends = calls or sorted(
        {trained.plan.segment_end(step) for step in range(of_run.num_steps)}
    )
    metrics = [
        trained.take_steps(first, last)
        for first, last in zip([0, *ends], ends, strict=False)
    ]
    trained.close()
    return np.concatenate(metrics), trained.state.arrays()


class Large:
    """A source whose examples cannot be put on a device, as it is not a pool."""

    def __init__(self, examples):
        self._examples = examples

    def __len__(self):
        return len(self._examples)

    def __getattr__(self, name):
        return getattr(self._examples, name)


@contextlib.contextmanager
def deterministic():
    """Switches determinism on, which `HardwareConfig` does for the whole process."""
    tf_config.enable_op_determinism()
    try:
        yield
    finally:
        tf_config.disable_op_determinism()
