"""Models with a loss of every form that `compile` takes, and what Keras says of it."""

import keras
import numpy as np
import tensorflow as tf

NUM_EXAMPLES = 11
BATCH_SIZE = 4  # so that the last batch is smaller

_layers = keras.layers


def own(targets, outputs):
    return keras.ops.square(targets - outputs)


def _one_output(loss, units=1, activation="sigmoid", targets="binary", **options):
    """Returns a case of one dense layer; targets [n] against outputs [n, units]."""

    def case(rng):
        dense = _layers.Dense(units, activation, **options)
        model = keras.Sequential([keras.Input((3,)), dense])
        return model, loss, None, (_inputs(rng), _targets(rng, targets, units))

    return case


def _weighted(case, shape=(NUM_EXAMPLES,)):
    def weighted(rng):
        model, loss, loss_weights, data = case(rng)
        return model, loss, loss_weights, (*data, _positive(rng, shape))

    return weighted


def _two_outputs(form):
    losses = {
        "first": "mse",
        "second": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    }

    def case(rng):
        inputs = keras.Input((3,))
        outputs = {
            "first": _layers.Dense(1, name="first")(inputs),
            "second": _layers.Dense(3, name="second")(inputs),
        }
        targets = {
            "first": _targets(rng, "real", 1),
            "second": _targets(rng, "class", 3),
        }
        weights = {name: _positive(rng, (NUM_EXAMPLES,)) for name in targets}
        factors = {"first": 2.0, "second": 0.3}
        parts = (outputs, losses, factors, targets, weights)
        if form == "lists":
            parts = tuple(list(part.values()) for part in parts)
        if form == "one without a loss":
            parts = (list(outputs.values()), ["mse", None], None)
            parts += (list(targets.values()), None)
        if form == "dictionaries for a list":
            parts = (list(outputs.values()), *parts[1:4], None)
        if form == "one loss for all":
            parts = (list(outputs.values()), "mse", None)
            parts += ([targets["first"], _targets(rng, "real", 3)], None)
        outputs, loss, loss_weights, targets, weights = parts
        data = (_inputs(rng), targets) + (() if weights is None else (weights,))
        return keras.Model(inputs, outputs), loss, loss_weights, data

    return case


def _steps(rng):
    """Outputs [n, steps, classes], weights for each step."""
    model = keras.Sequential([keras.Input((4, 3)), _layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    inputs = rng.normal(size=(NUM_EXAMPLES, 4, 3)).astype(np.float32)
    data = (inputs, rng.integers(0, 2, (NUM_EXAMPLES, 4)))
    return model, loss, None, (*data, _positive(rng, (NUM_EXAMPLES, 4)))


def masked(rng):
    """Every batch is divided by the number of steps that its mask leaves."""
    layers = [_layers.Embedding(5, 2, mask_zero=True), _layers.Dense(2)]
    model = keras.Sequential([keras.Input((6,), dtype="int32"), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    lengths = rng.integers(1, 7, NUM_EXAMPLES)[:, np.newaxis]
    inputs = rng.integers(1, 5, (NUM_EXAMPLES, 6)) * (np.arange(6) < lengths)
    data = (inputs.astype(np.int32), rng.integers(0, 2, (NUM_EXAMPLES, 6)))
    return model, loss, None, data


class AddsLosses(keras.Model):
    """A model whose `call` takes no `training` and adds a loss."""

    def __init__(self):
        super().__init__()
        self.first = _layers.Dense(2, "tanh", activity_regularizer="l2")
        self.second = _layers.Dense(1, bias_regularizer=keras.regularizers.L2(0.3))

    def call(self, inputs):
        hidden = self.first(inputs)
        self.add_loss(0.1 * keras.ops.mean(hidden**4))
        return self.second(hidden)


def _adds_losses(rng):
    model = AddsLosses()
    model(_inputs(rng))
    return model, "mse", None, (_inputs(rng), _targets(rng, "real", 1))


def _of_reduction(reduction):
    return keras.losses.BinaryCrossentropy(reduction=reduction)


CASES = {
    "hinge": _one_output("hinge"),
    "poisson": _one_output("poisson"),
    "binary": _one_output("binary_crossentropy"),
    "own": _one_output(own),
    "squared_column": _one_output("mse", activation=None, targets="column"),
    "by_shape_binary": _one_output("crossentropy"),
    "by_shape_sparse": _one_output("crossentropy", 3, "softmax", "class"),
    "by_shape_one_hot": _one_output("ce", 3, "softmax", "one_hot"),
    "sparse": _one_output("sparse_categorical_crossentropy", 3, "softmax", "class"),
    "smoothed": _one_output(
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        3,
        None,
        "one_hot",
    ),
    "sum": _one_output(_of_reduction("sum")),
    "none": _one_output(_of_reduction("none")),
    "weights": _weighted(_one_output("binary_crossentropy")),
    "weights_of_own": _weighted(_one_output(own)),
    "weights_column": _weighted(_one_output("hinge"), (NUM_EXAMPLES, 1)),
    "weights_divide": _weighted(_one_output(_of_reduction("mean_with_sample_weight"))),
    "weights_of_steps": _steps,
    "mask": masked,
    "dictionaries": _two_outputs("dictionaries"),
    "lists": _two_outputs("lists"),
    "dictionaries_for_a_list": _two_outputs("dictionaries for a list"),
    "one_without_a_loss": _two_outputs("one without a loss"),
    "one_loss_for_all": _two_outputs("one loss for all"),
    "regularizers": _one_output(
        "mse",
        activation="tanh",
        kernel_regularizer=keras.regularizers.L2(0.5),
        bias_regularizer="l1",
        activity_regularizer="l2",
    ),
    "adds_losses": _adds_losses,
}


def make(name, rng):
    """Returns a compiled model with random weights, and its data."""
    model, loss, loss_weights, data = CASES[name](rng)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(scale=0.7, size=variable.shape))
    model.compile("sgd", loss, loss_weights=loss_weights, run_eagerly=True)
    return model, data


def evaluate(model, data):
    """Returns the loss that Keras reports."""
    inputs, targets, *weights = data
    found = model.evaluate(
        inputs,
        targets,
        sample_weight=weights[0] if weights else None,
        batch_size=BATCH_SIZE,
        verbose=0,
        return_dict=True,
    )
    return found["loss"]


def batches(data):
    """Yields batches, each with its share of all examples."""
    for start in range(0, NUM_EXAMPLES, BATCH_SIZE):
        batch = tf.nest.map_structure(lambda a, s=start: a[s : s + BATCH_SIZE], data)
        yield len(tf.nest.flatten(batch)[0]) / NUM_EXAMPLES, batch


def derivatives(model, data, vector):
    """Returns gradient and Hessian product of Keras' own loss, by backpropagation."""
    gradient, product = (np.zeros(len(vector)) for _ in range(2))
    variables = [v.value for v in model.trainable_variables]
    for share, batch in batches(data):
        inputs, targets, *weights = batch
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                value = tf.reduce_mean(
                    model.compute_loss(
                        y=targets,
                        y_pred=model(inputs),
                        sample_weight=weights[0] if weights else None,
                    )
                )
            parts = inner.gradient(
                value, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            slope = flat(parts)
            along = tf.reduce_sum(slope * tf.constant(vector, slope.dtype))
        gradient += share * slope.numpy()
        parts = outer.gradient(along, variables, unconnected_gradients="zero")
        product += share * flat(parts).numpy()
    return gradient, product


def flat(parts):
    # A gradient of an embedding comes as the rows that were looked up.
    return tf.concat([tf.reshape(tf.convert_to_tensor(p), [-1]) for p in parts], 0)


def _inputs(rng):
    return rng.normal(size=(NUM_EXAMPLES, 3)).astype(np.float32)


def _positive(rng, shape):
    return rng.uniform(0.2, 3.0, shape).astype(np.float32)


def _targets(rng, kind, units):
    if kind == "class":
        return rng.integers(0, units, NUM_EXAMPLES)
    if kind == "one_hot":
        return np.eye(units, dtype=np.float32)[rng.integers(0, units, NUM_EXAMPLES)]
    if kind == "binary":
        return rng.integers(0, 2, NUM_EXAMPLES).astype(np.float32)
    shape = (NUM_EXAMPLES,) if units == 1 and kind == "real" else (NUM_EXAMPLES, units)
    return rng.normal(size=shape).astype(np.float32)
