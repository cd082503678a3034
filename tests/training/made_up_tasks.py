"""Small tasks for every loss, registered for the time of a test.

`reconstruct`, `regress` and `tokens` are a dataset and a network each; `runs` has a run
of each by the name of its loss and task.
"""

import contextlib
from unittest import mock

import keras
import numpy as np

from bsgen import config, data, models
from bsgen.data import dataset, registry
from bsgen.models import registry as networks
from bsgen.models import sizes

_TRAIN, _TEST, _LENGTH, _TOKENS = 48, 20, 5, 7


class _Made(dataset.Dataset):
    def load(self, settings, data_dir=None):
        rng = np.random.default_rng(len(self.name))
        count = _TRAIN + _TEST
        inputs = rng.normal(size=(count, *self.input_shape)).astype(np.float32)
        labels = rng.integers(self.num_classes, size=count).astype(np.int32)
        if self.labels == "numbers":
            labels = np.tanh(inputs[:, : self.num_classes]) + 0.1
        if self.labels == "tokens":
            # The next token mostly is the last one plus 1.
            jumps = rng.choice([1, 3], p=[0.8, 0.2], size=(count, _LENGTH + 1))
            walk = np.cumsum(jumps, axis=1) % _TOKENS
            inputs, labels = walk[:, :-1].astype(np.float32), walk[:, 1:]
            labels = np.ascontiguousarray(labels, np.int32)
        split = np.arange(_TRAIN), np.arange(_TRAIN, count)
        return data.Pool(self.name, inputs, labels, self.num_classes, *split)


def _autoencoder(input_shape, num_classes, seed):
    return models.mlp(input_shape, int(np.prod(input_shape)), (4,), "tanh", seed)


def _language(input_shape, num_classes, seed):
    def kernel(number):
        return keras.initializers.GlorotUniform(1000 * seed + number)

    inputs = keras.Input(input_shape)
    embedded = keras.layers.Embedding(num_classes, 6, kernel(0))(inputs)
    hidden = keras.layers.Dense(8, "tanh", kernel_initializer=kernel(1))(embedded)
    outputs = keras.layers.Dense(num_classes, kernel_initializer=kernel(2))(hidden)
    return keras.Model(inputs, outputs)


def _size(shape, num_classes):
    return sizes.mlp(shape, num_classes, (8,))


@contextlib.contextmanager
def registered():
    """Makes the tasks known."""
    shape, counts = (3, 2, 1), (_TRAIN, _TEST, "none")
    made = (
        _Made("reconstruct", shape, 3, *counts),
        _Made("regress", shape[:1], 2, *counts, labels="numbers"),
        _Made("tokens", (_LENGTH,), _TOKENS, *counts, labels="tokens"),
    )
    with (
        mock.patch.dict(registry._DATASETS, {each.name: each for each in made}),
        mock.patch.dict(networks._PAPER),
    ):
        models.register(
            "small_autoencoder",
            models.Network(_autoencoder, _size, reconstructs=True, stacks=True),
        )
        models.register("language", models.Network(_language, _size, stacks=True))
        yield


def run(task, **fields):
    """Returns a short run of a task, by the name of its dataset."""
    model, loss = {
        "reconstruct": (config.ModelConfig("small_autoencoder"), "squared_error"),
        "regress": (config.ModelConfig("mlp", (5,), "tanh"), "squared_error"),
        "tokens": (config.ModelConfig("language"), "token_cross_entropy"),
    }[task]
    return config.RunConfig(
        **{
            "data": config.DataConfig(task, scaling="none"),
            "model": model,
            "optimizer": config.MomentumConfig(0.05, 0.8, clip_norm=0.3),
            "batch_size": 8,
            "num_steps": 12,
            "evaluation_steps": (6,),
            "seed": 4,
            "loss": loss,
            **fields,
        }
    )
