"""Single examples or batches: told by shapes, and else as `fit` takes them."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.data import dataset_forms

_SHAPE = [(None, 4)]


def dataset(*parts, size=6):
    arrays = tuple(np.zeros((size, *shape), np.float32) for shape in parts)
    return tf.data.Dataset.from_tensor_slices(arrays)


class DatasetFormsTest(parameterized.TestCase):
    @parameterized.named_parameters(
        ("examples", dataset((4,), ()), _SHAPE, 6),
        ("examples_unknown_model", dataset((4,), ()), None, 6),
        ("examples_alike", dataset((4,), (4,)), _SHAPE, 6),
        ("batches", dataset((4,), ()).batch(4), _SHAPE, 6),
        ("batches_unknown_model", dataset((4,), ()).batch(4), None, 6),
        ("whole_batches_unknown", dataset((4,), ()).batch(3, True), None, 6),
        ("whole_batches", dataset((4,), ()).batch(3, drop_remainder=True), _SHAPE, 6),
        ("batches_with_weights", dataset((4,), (), ()).batch(4), _SHAPE, 6),
        ("batches_of_numbers", dataset((), ()).batch(4), [(None, 1)], 6),
        ("examples_without_last_axis", dataset((2, 2), ()), [(None, 2, 2, 1)], 6),
        (
            "batches_without_last_axis",
            dataset((2, 2), ()).batch(4),
            [(None, 2, 2, 1)],
            6,
        ),
        ("sequences", dataset((5, 4), (5,)), [(None, None, 4)], 6),
        ("batches_of_sequences", dataset((5, 4), (5,)).batch(2), [(None, None, 4)], 6),
    )
    def test_examples(self, found, shapes, expected):
        single = dataset_forms.single_examples("train_data", found, shapes)
        self.assertLen([*single], expected)

    @parameterized.parameters(
        (dataset((4,), ()).repeat(), _SHAPE, "it does not end: leave out repeat"),
        (dataset((4,)), _SHAPE, "its elements must be \\(inputs, targets\\) or"),
        (
            dataset((4,), ()).map(lambda x, y: {"x": x, "y": y}),
            _SHAPE,
            "its elements must be \\(inputs, targets\\) or",
        ),
        (
            tf.data.Dataset.from_tensors(
                (tf.ragged.constant([[1.0], [2.0, 3.0]]), tf.zeros(2))
            ),
            _SHAPE,
            "neither ragged nor sparse",
        ),
    )
    def test_refuses(self, found, shapes, message):
        with self.assertRaisesRegex(errors.UserError, f"train_data=.*{message}"):
            dataset_forms.single_examples("train_data", found, shapes)

    def test_shapes_of_inputs(self):
        layers = [keras.Input((4,)), keras.layers.Dense(1)]
        shapes = dataset_forms.input_shapes(keras.Sequential(layers))
        self.assertEqual(shapes, _SHAPE)
        built_later = keras.Sequential(layers[1:])
        self.assertIsNone(dataset_forms.input_shapes(built_later))


if __name__ == "__main__":
    absltest.main()
