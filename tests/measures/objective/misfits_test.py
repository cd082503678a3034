"""What Keras says of targets that do not fit, in words that say what to do."""

import keras
import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors, measures

_CLASSES = np.arange(6) % 3
_ONE_HOT = np.eye(3, dtype="float32")[_CLASSES]


class ReasonTest(parameterized.TestCase):
    @parameterized.parameters(
        ("sparse_categorical_crossentropy", _ONE_HOT, "one-hot\\? .*argmax\\(-1\\)"),
        ("categorical_crossentropy", _CLASSES, "class labels\\? take a sparse categ"),
    )
    def test_one_hot_targets_and_labels_mistaken(self, loss, targets, message):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "softmax")])
        inputs = np.ones((6, 2), "float32")
        with self.assertRaisesRegex(errors.UserError, message) as caught:
            measures.gradient_noise_scale(model, loss, (inputs, targets))
        self.assertNotIn("\n", str(caught.exception))


if __name__ == "__main__":
    absltest.main()
