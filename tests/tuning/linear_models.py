"""Models whose training has a closed form, and data for them."""

import keras
import numpy as np

from bsgen.tuning import ModelTrainer

SIZE, WIDTH = 48, 3


def linear_data(seed=0, size=SIZE):
    generator = np.random.default_rng(seed)
    inputs = generator.normal(size=(size, WIDTH)).astype(np.float32)
    return inputs, (inputs @ [[1.0], [-2.0], [0.5]]).astype(np.float32)


def class_data(size=SIZE, seed=0):
    inputs, targets = linear_data(seed, size)
    return inputs, (targets[:, 0] > 0).astype(np.int32)


def linear(**compiled):
    """Weights start at zero, so one step of the full batch has a closed form."""
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((WIDTH,)), dense])
    if compiled:
        model.compile(**compiled)
    return model


def classifier(*hidden):
    outputs = keras.layers.Dense(2)
    return keras.Sequential([keras.Input((WIDTH,)), *hidden, outputs])


def after_one_step(rate, measure):
    """The validation measure of the linear model after one step of all examples."""
    inputs, targets = linear_data()
    weights = rate * 2 / SIZE * inputs.T @ targets
    inputs, targets = linear_data(1)
    return measure(inputs @ weights - targets)


def mean_square(errors_):
    return np.mean(np.square(errors_))


def trainer(build=linear, **more):
    """A trainer of one epoch on `linear_data`, but for what is given."""
    given = {"train_data": linear_data(), "validation_data": linear_data(1)}
    return ModelTrainer(build, **{**given, "num_epochs": 1, **more})
