"""Tests of images on the device: every byte comes back, in its place."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen.training.loop import resident_images


class ResidentImagesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(shape=((4, 6, 3), (3, 3, 1), (5,)), jit=(False, True))
    def test_gathers_what_was_packed(self, shape, jit):
        generator = np.random.default_rng(1)
        images = generator.integers(0, 256, [20, *shape], dtype=np.uint8)
        positions = generator.integers(0, 20, 7)
        packed = tf.constant(resident_images.pack(images))

        @tf.function(jit_compile=jit)
        def gathered(positions):
            return resident_images.gather(packed, positions, shape)

        found = gathered(tf.constant(positions, tf.int32))
        self.assertEqual(found.dtype, tf.uint8)
        self.assertAllEqual(found, images[positions])

    @parameterized.parameters(False, True)
    def test_no_pair_of_bytes_is_changed(self, jit):
        # All 65,536, among them every NaN of bfloat16.
        images = np.arange(2**16, dtype=np.uint16).view(np.uint8).reshape(-1, 2)
        packed = tf.constant(resident_images.pack(images))
        gathered = tf.function(resident_images.gather, jit_compile=jit)
        self.assertAllEqual(gathered(packed, tf.range(2**16), (2,)), images)

    def test_other_types_stay_as_they_are(self):
        inputs = np.random.default_rng(2).normal(size=[5, 3]).astype(np.float32)
        packed = resident_images.pack(inputs)
        found = resident_images.gather(tf.constant(packed), tf.constant([4, 1]), (3,))
        self.assertAllEqual(found, inputs[[4, 1]])


if __name__ == "__main__":
    tf.test.main()
