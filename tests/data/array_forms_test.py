"""Tests of the forms in which users give arrays."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors
from bsgen.data import array_forms


class ArrayFormsTest(tf.test.TestCase, parameterized.TestCase):
    def test_numbers_in_lists(self):
        parts = array_forms.examples("data", [[[1.0, 2.0], [3.0, 4.0]], [0, 1]])
        self.assertEqual([part.shape for part in parts], [(2, 2), (2,)])

    def test_a_table_of_mixed_columns(self):
        parts = array_forms.examples("data", (np.array([[1, 2.5]], object), [True]))
        self.assertAllEqual(parts[0], [[1.0, 2.5]])

    def test_numbers_of_a_type_that_only_tensorflow_has(self):
        found = array_forms.part("inputs", tf.constant([1.5, -2.0], tf.bfloat16))
        self.assertAllEqual(found, np.array([1.5, -2.0], np.float32))

    def test_texts(self):
        for given in (["a", "bc"], np.array(["a", "bc"]), [b"a", "bc"]):
            found = array_forms.part("inputs", given)
            self.assertEqual(tf.constant(found).dtype, tf.string)

    def test_weights_may_be_none(self):
        self.assertLen(array_forms.examples("data", ([1], [2], None)), 2)

    @parameterized.parameters(
        (3, "data='int': give \\(inputs, targets\\)"),
        (([1, 2], [[1], [1, 2]]), "data targets='list': .* all rows of one length"),
        (([1, 2], 3), "data targets=3: give numbers or texts"),
        (([1, 2], np.array([{}, {}])), "data targets='object': give numbers or texts"),
        (({"a": [1, 2]}, [1]), "data='arrays': .* differ in length: \\[1, 2\\]"),
        (([], []), "data='empty': give at least one example"),
    )
    def test_refuses(self, data, message):
        with self.assertRaisesRegex(errors.UserError, f"^{message}"):
            array_forms.examples("data", data)


if __name__ == "__main__":
    tf.test.main()
