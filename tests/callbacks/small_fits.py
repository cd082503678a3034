"""A small network, its examples and the ways of training that all callbacks support."""

import keras
import numpy as np
import tensorflow as tf

from tests import two_devices

NUM_EXAMPLES = 50  # 3 batches of 16 and 2 examples left over


def examples(seed=0, count=NUM_EXAMPLES):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(count, 5)).astype(np.float32)
    return inputs, np.tanh(inputs[:, :2] + rng.normal(size=(count, 2))).astype("f")


def model(optimizer=None, normalized=True, **settings):
    """Returns the same compiled network at each call."""
    layers = [
        keras.Input((5,)),
        keras.layers.Dense(6, kernel_initializer=keras.initializers.GlorotUniform(1)),
        keras.layers.BatchNormalization(),
        keras.layers.Activation("tanh"),
        keras.layers.Dense(2, kernel_initializer=keras.initializers.GlorotUniform(2)),
    ]
    if not normalized:
        del layers[2]
    found = keras.Sequential(layers)
    optimizer = optimizer or keras.optimizers.SGD(0.25, momentum=0.5)
    # By default Keras compiles by XLA, which takes longer than all steps of a test.
    found.compile(optimizer, "mse", **{"jit_compile": False, **settings})
    return found


def fit(trained, *callbacks, data=None, **settings):
    """Trains in whole batches that two devices can share, without shuffling."""
    settings = {"batch_size": 16, "epochs": 2, "shuffle": False, **settings}
    inputs, targets = data or examples(count=48)
    callbacks = list(callbacks)
    return trained.fit(inputs, targets, callbacks=callbacks, verbose=0, **settings)


def weights(trained):
    flat = [keras.ops.convert_to_numpy(v).ravel() for v in trained.trainable_variables]
    return np.concatenate(flat).astype(np.float64)


WAYS = ("plain", "float16", "compiled", "several_steps", "two_devices")


def trained_in(way, case, *callbacks, optimizer=None, normalized=True, **settings):
    """Trains in one of `WAYS`; returns the model and what `History` holds.

    Args:
      way: mixed float16 with loss scaling, XLA, several steps a call, or two devices.
      case: the test, which cleans up after it.
      *callbacks: of `fit`.
      optimizer: makes a new one.
      normalized: whether with batch normalization, of each device's part.
      **settings: of `fit`.
    """
    before = keras.config.dtype_policy()
    case.addCleanup(keras.config.set_dtype_policy, before)
    if way == "float16":
        keras.config.set_dtype_policy("mixed_float16")
    strategy = tf.distribute.get_strategy()
    if way == "two_devices":
        strategy = two_devices.strategy()
    compile_settings = {
        "compiled": {"jit_compile": True},
        "several_steps": {"steps_per_execution": 3},
    }.get(way, {})
    with strategy.scope():
        found = model(
            optimizer() if optimizer else None, normalized, **compile_settings
        )
    history = fit(found, *callbacks, **settings).history
    keras.config.set_dtype_policy(before)
    return found, history
