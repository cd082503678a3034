"""Small networks and made-up data for runs of both engines."""

import functools

import keras
import numpy as np

from bsgen import data, layers, models
from bsgen.data import dataset
from bsgen.models import assembly, network, sizes

SIZES = 120, 60
_SHAPE, _CLASSES, _WORDS = (6, 6, 2), 3, 4


class _Task(dataset.Dataset):
    """Noise whose brightness depends on the class, or on the sum of `_WORDS` tokens."""

    def load(self, settings, data_dir=None):
        del settings, data_dir
        return _examples(self.labels)


@functools.cache
def _examples(kind):
    generator = np.random.default_rng(5)
    shape = [sum(SIZES)] + [_WORDS] * (kind == "tokens")
    labels = generator.integers(_CLASSES, size=shape).astype(np.int32)
    brightness = labels.reshape(len(labels), -1).mean(1)[:, None, None, None]
    noise = generator.integers(0, 160, size=[sum(SIZES), *_SHAPE])
    places = np.arange(sum(SIZES))
    return data.Pool(
        name=kind,
        inputs=(noise + 25 * brightness).astype(np.uint8),
        labels=labels,
        num_classes=_CLASSES,
        train_pool=places[: SIZES[0]],
        test_pool=places[SIZES[0] :],
    )


def _hidden(input_shape, seed):
    parts = assembly.Assembly(seed, None, assembly.glorot_uniform)
    inputs = keras.Input(input_shape)
    flat = keras.layers.Flatten()(inputs)
    return parts, inputs, keras.activations.tanh(parts.dense(flat, 12))


def _residual(input_shape, num_classes, seed):
    """Has dropout, and a residual branch that SkipInit scales."""
    parts, inputs, outputs = _hidden(input_shape, seed)
    outputs = parts.dropout(outputs, 0.2)
    branch = parts.dense(keras.activations.tanh(parts.dense(outputs, 12)), 12)
    outputs = keras.layers.Add()([outputs, layers.SkipInit()(branch)])
    return keras.Model(inputs, parts.logits(parts.dropout(outputs, 0.3), num_classes))


def _reconstruction(input_shape, num_classes, seed):
    parts, inputs, outputs = _hidden(input_shape, seed)
    return keras.Model(inputs, parts.logits(outputs, int(np.prod(input_shape))))


def _words(input_shape, num_classes, seed):
    parts, inputs, outputs = _hidden(input_shape, seed)
    logits = parts.logits(outputs, _WORDS * num_classes)
    return keras.Model(inputs, keras.layers.Reshape((_WORDS, num_classes))(logits))


def _convolutional(input_shape, num_classes, seed):
    parts = assembly.Assembly(seed, None, assembly.glorot_uniform)
    inputs = keras.Input(input_shape)
    outputs = keras.activations.tanh(parts.convolve(inputs, 3, 3))
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    return keras.Model(inputs, parts.logits(outputs, num_classes))


def register():
    """Adds the tasks and the networks, once."""
    if "bright" in data.names():
        return
    for name, kind in (("bright", "classes"), ("tokens", "tokens")):
        data.register(_Task(name, _SHAPE, _CLASSES, *SIZES, labels=kind))
    for name, builder in (
        ("residual", _residual),
        ("reconstruction", _reconstruction),
        ("words", _words),
        ("convolutional", _convolutional),
    ):
        reconstructs = builder is _reconstruction
        entry = network.Network(builder, sizes.mlp, reconstructs=reconstructs)
        models.register(name, entry)
