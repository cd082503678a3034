"""Equal for the same model and data in any process, different for every change."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen.tuning.trainers import examples, fingerprints

_INPUTS = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
_TARGETS = np.arange(6, dtype=np.float32)[:, None]


def plain(targets, outputs):
    return keras.ops.abs(targets - outputs)


def squared(targets, outputs):
    return keras.ops.square(targets - outputs)


def sequential(units=4, activation="relu", l2=0.0, rate=0.1, trainable=True, **more):
    regularizer = keras.regularizers.L2(l2)
    layers = [
        keras.Input((4,)),
        keras.layers.Dense(units, activation, kernel_regularizer=regularizer),
        keras.layers.Dropout(rate),
        keras.layers.Dense(1, trainable=trainable),
    ]
    model = keras.Sequential(layers)
    metrics = [keras.metrics.AUC(), keras.metrics.MeanSquaredError()]
    model.compile(**{"optimizer": "sgd", "loss": "mse", "metrics": metrics, **more})
    return model


def functional(first=3, second=3, crossed=False):
    inputs = keras.Input((4,))
    left = keras.layers.Dense(first)(inputs)
    right = keras.layers.Dense(second)(left if crossed else inputs)
    outputs = keras.layers.Dense(1)(keras.layers.Concatenate()([left, right]))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    return model


class Own(keras.Model):
    def __init__(self, units=2):
        super().__init__()
        self.hidden = keras.layers.Dense(units)
        self.last = keras.layers.Dense(1)

    def call(self, inputs):
        return self.last(self.hidden(inputs))


def own(units=2):
    model = Own(units)
    model.compile("sgd", plain)
    return model


def of(model):
    model.test_on_batch(_INPUTS, _TARGETS)
    return fingerprints.of_model(model)


def of_data(*parts):
    return fingerprints.of_examples(examples.examples("data", parts))


class FingerprintsTest(parameterized.TestCase):
    @parameterized.parameters(sequential, functional, own)
    def test_numbering_and_values_of_weights_do_not_count(self, build):
        first = of(build())
        keras.layers.Dense(3)  # takes a number
        self.assertEqual(of(build()), first)
        moved = build()
        moved.fit(_INPUTS, _TARGETS, verbose=0)
        self.assertEqual(fingerprints.of_model(moved), first)

    def test_every_change_of_a_model_counts(self):
        models = [
            sequential(),
            sequential(units=5),
            sequential(activation="tanh"),
            sequential(l2=0.1),
            sequential(rate=0.2),
            sequential(trainable=False),
            sequential(loss="mae"),
            sequential(loss=keras.losses.Huber()),
            sequential(loss=keras.losses.Huber(2.0)),
            sequential(loss=plain),
            sequential(loss=squared),
            sequential(loss_weights=[0.5]),
            sequential(metrics=["mae"]),
            sequential(metrics=[keras.metrics.AUC(num_thresholds=50)]),
            functional(),
            functional(4, 2),
            functional(2, 4),
            functional(crossed=True),
            own(),
            own(3),
        ]
        found = [of(model) for model in models]
        self.assertLen({*found}, len(models))

    def test_every_change_of_data_counts(self):
        moved = _INPUTS.copy()
        moved[3, 2] = np.nextafter(moved[3, 2], 9)
        found = [
            of_data(_INPUTS, _TARGETS),
            of_data(moved, _TARGETS),
            of_data(_INPUTS[::-1], _TARGETS),
            of_data(_INPUTS[:5], _TARGETS[:5]),
            of_data(_INPUTS.reshape(6, 2, 2), _TARGETS),
            of_data(_INPUTS.astype(np.float64), _TARGETS),
            of_data(_INPUTS, _TARGETS[:, 0]),
            of_data(_INPUTS, _TARGETS, np.ones(6)),
            of_data(["a", "b", "c", "d", "e", "f"], _TARGETS),
            of_data(["a", "b", "c", "d", "e", "g"], _TARGETS),
        ]
        self.assertLen({*found}, len(found))
        self.assertEqual(of_data(_INPUTS.copy(), _TARGETS), found[0])

    def test_a_dataset_is_what_its_arrays_are(self):
        data = tf.data.Dataset.from_tensor_slices((_INPUTS, _TARGETS))
        found = examples.examples("data", data, [(None, 4)])
        self.assertEqual(fingerprints.of_examples(found), of_data(_INPUTS, _TARGETS))

    def test_of_large_arrays_pieces_are_read(self):
        large = np.broadcast_to(np.uint8(3), (2200, 1000, 1000))  # takes no memory
        other = np.broadcast_to(np.uint8(4), (2200, 1000, 1000))
        targets = np.arange(2200)
        self.assertNotEqual(of_data(large, targets), of_data(other, targets))


if __name__ == "__main__":
    absltest.main()
