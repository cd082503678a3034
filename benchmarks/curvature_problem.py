"""The work of `curvature`: equal data, networks and weights."""

import dataclasses

import keras
import numpy as np
import scipy.sparse.linalg
import tensorflow as tf

from benchmarks import ensemble_problem
from bsgen import data, measures

NETWORKS = ("dense", "conv")
NUM_CLASSES = 10
_SIDE = 8  # of the digits
_EPOCHS = 30


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """A classifier of the digits whose Hessian is measured on all training examples.

    Attributes:
      network: one of `NETWORKS`.
      inputs: [N, 8, 8, 1] float32.
      labels: [N] int32.
      weights: of `keras_model`, in its order.
      true_value: the largest eigenvalue, in float64.
      batch_size: examples a call.
    """

    network: str
    inputs: np.ndarray
    labels: np.ndarray
    weights: list[np.ndarray]
    true_value: float
    batch_size: int = 250


def keras_model(network: str, dtype: str = "float32") -> keras.Model:
    """Returns a network of ReLUs that returns logits."""
    flat = keras.layers.Flatten(dtype=dtype)
    if network == "dense":
        hidden = [
            flat,
            *(keras.layers.Dense(256, "relu", dtype=dtype) for _ in range(2)),
        ]
    else:
        hidden = [
            keras.layers.Conv2D(16, 3, activation="relu", dtype=dtype),
            keras.layers.Conv2D(32, 3, activation="relu", dtype=dtype),
            flat,
        ]
    head = keras.layers.Dense(NUM_CLASSES, dtype=dtype)
    shape = (_SIDE, _SIDE, 1)
    return keras.Sequential([keras.Input(shape, dtype=dtype), *hidden, head])


def cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Returns the loss of each example [batch]."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def make(network: str, trained: bool) -> Problem:
    """Returns the problem at initialisation, or after `_EPOCHS` epochs of Adam."""
    inputs, labels = data.load(ensemble_problem.digits()).train
    # Unit variance, so that the network trains as usual ones do.
    inputs = (inputs / inputs.std()).reshape(-1, _SIDE, _SIDE, 1).astype(np.float32)
    keras.utils.set_random_seed(0)
    model = keras_model(network)
    if trained:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(1e-3), loss)
        model.fit(inputs, labels, 32, _EPOCHS, verbose=0)
    weights = model.get_weights()
    exact = keras_model(network, "float64")
    exact.set_weights(weights)
    hessian = measures.Hessian(exact, cross_entropy, (inputs.astype(float), labels))
    start = np.random.default_rng(0).normal(size=hessian.size)
    (value,) = scipy.sparse.linalg.eigsh(
        hessian, 1, which="LA", v0=start, tol=1e-6, return_eigenvectors=False
    )
    return Problem(network, inputs, labels, weights, float(value))
