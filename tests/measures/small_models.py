"""Small models of all kinds, losses, and slow twins of products with their Hessians."""

import keras
import numpy as np
import tensorflow as tf


def squared_error(targets, outputs):
    return tf.reduce_sum((outputs - targets) ** 2, axis=-1)


def softmax(labels, logits):
    # Keras casts the targets of a compiled loss to floats.
    labels = tf.cast(labels, tf.int32)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def network(input_shape, *layers, dtype="float32"):
    return keras.Sequential([keras.Input(input_shape, dtype=dtype), *layers])


def randomise(model, rng):
    for variable in model.trainable_variables:
        variable.assign(rng.normal(scale=0.7, size=variable.shape))
    for variable in model.non_trainable_variables:
        if "moving" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, size=variable.shape))


def mean_gradient(model, inputs, labels, training=False):
    """Slow twin: the gradient through the model's own variables, without batches."""
    with tf.GradientTape() as tape:
        cost = tf.reduce_mean(softmax(labels, model(inputs, training=training)))
    gradient = tape.gradient(cost, [v.value for v in model.trainable_variables])
    return np.concatenate([np.ravel(tf.convert_to_tensor(g)) for g in gradient])


def difference_product(model, inputs, labels, vector, training=False, width=1e-5):
    """Central differences of `mean_gradient` along `vector`."""
    start = [v.numpy() for v in model.trainable_variables]
    states = [v.numpy() for v in model.non_trainable_variables]
    sizes = np.cumsum([v.size for v in start])[:-1]
    sides = []
    for sign in (1, -1):
        parts = np.split(sign * width * vector, sizes)
        for variable, value, part in zip(
            model.trainable_variables, start, parts, strict=True
        ):
            variable.assign(value + part.reshape(value.shape))
        sides.append(mean_gradient(model, inputs, labels, training))
        for variable, value in zip(model.trainable_variables, start, strict=True):
            variable.assign(value)
        for variable, value in zip(model.non_trainable_variables, states, strict=True):
            variable.assign(value)
    return (sides[0] - sides[1]) / (2 * width)


def kinds(dtype):
    """Small models of all kinds of layer, each with its input shape."""
    layers = keras.layers
    options = {"dtype": dtype}
    convolution = [
        layers.Conv2D(3, 3, activation="softplus", **options),
        layers.BatchNormalization(**options),
        layers.MaxPooling2D(**options),
        layers.Flatten(**options),
        layers.Dense(3, **options),
    ]
    normalised = [
        layers.Dense(4, **options),
        layers.BatchNormalization(**options),
        layers.Activation("silu", **options),
        layers.Dropout(0.5, **options),
        layers.Dense(3, **options),
    ]
    return {
        "dense": (
            (4,),
            [layers.Dense(5, "tanh", **options), layers.Dense(3, **options)],
        ),
        "gelu": (
            (4,),
            [layers.Dense(5, "gelu", **options), layers.Dense(3, **options)],
        ),
        "convolution": ((6, 6, 2), convolution),
        "batch_norm": ((4,), normalised),
        "lstm": ((4, 2), [layers.LSTM(3, **options), layers.Dense(3, **options)]),
        "unrolled_lstm": (
            (4, 2),
            [layers.LSTM(3, unroll=True, **options), layers.Dense(3, **options)],
        ),
    }


def make(kind, rng, num_examples=11, dtype="float64"):
    """A model of a kind with random weights, and data for it."""
    shape, layers = kinds(dtype)[kind]
    model = network(shape, *layers, dtype=dtype)
    randomise(model, rng)
    inputs = rng.normal(size=(num_examples, *shape))
    return model, (inputs, rng.integers(0, 3, size=num_examples))
