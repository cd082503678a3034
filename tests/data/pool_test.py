"""Tests of `bsgen.data.pool`."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.data import pool


def _make(inputs=None, labels=(0, 1, 2)):
    inputs = np.ones([3, 2], np.float32) if inputs is None else inputs
    return pool.Pool("mine", inputs, np.array(labels, np.int32), num_classes=3)


class PoolTest(parameterized.TestCase):
    @parameterized.parameters(np.nan, np.inf, -np.inf)
    def test_rejects_inputs_that_are_not_finite(self, value):
        inputs = np.ones([3, 2], np.float32)
        inputs[1, 1] = value
        with self.assertRaisesRegex(errors.UserError, "'mine'.*NaN or infinite"):
            _make(inputs)

    @parameterized.parameters(((0, 1, 3), r"0\.\.3"), ((-1, 1, 2), r"-1\.\.2"))
    def test_rejects_labels_out_of_range(self, labels, span):
        with self.assertRaisesRegex(errors.UserError, rf"0\.\.2, but they span {span}"):
            _make(labels=labels)

    @parameterized.parameters(((0, 1),), ((),))
    def test_rejects_counts_that_differ(self, labels):
        with self.assertRaisesRegex(errors.UserError, f"3 inputs, {len(labels)} lab"):
            _make(labels=labels)

    def test_arrays_cannot_be_written(self):
        made = _make()
        with self.assertRaisesRegex(ValueError, "read-only"):
            made.inputs[0] = 0
        with self.assertRaisesRegex(ValueError, "read-only"):
            made.labels[0] = 1

    def test_is_a_source(self):
        inputs = np.arange(6, dtype=np.float32).reshape(3, 2)
        made = _make(inputs)
        self.assertLen(made, 3)
        self.assertEqual(made.input_shape, (2,))
        self.assertFalse(made.crops_inputs)
        gathered, labels = made.gather(np.array([2, 0, 2]), crops=np.zeros([3, 1]))
        np.testing.assert_array_equal(gathered, [[4, 5], [0, 1], [4, 5]])
        np.testing.assert_array_equal(labels, [2, 0, 2])


if __name__ == "__main__":
    absltest.main()
