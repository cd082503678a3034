"""Tests of `bsgen.data.augmentation`."""

import time

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors
from bsgen.data import augmentation, scaling

_CROP_FLIP = augmentation.by_name("crop_flip")


def _twin(image, row_shift, column_shift, flip, margin, fill):
    """Pads, cuts and flips one image, as the papers say it."""
    height, width, channels = image.shape
    edges = [(margin, margin), (margin, margin)]
    padded = np.stack(
        [
            np.pad(image[..., channel], edges, constant_values=fill[channel])
            for channel in range(channels)
        ],
        axis=-1,
    )
    top, left = margin + row_shift, margin + column_shift
    cropped = padded[top : top + height, left : left + width]
    return cropped[:, ::-1] if flip else cropped


class ApplyTest(parameterized.TestCase, tf.test.TestCase):
    @parameterized.product(
        size=((32, 32, 3), (28, 28, 1), (9, 5, 2)),
        mode=("eager", "graph", "xla"),
        dtype=("float32", "bfloat16"),
    )
    def test_against_padding_and_cutting(self, size, mode, dtype):
        generator = np.random.default_rng(0)
        # Values that bfloat16 holds exactly.
        images = generator.integers(-128, 128, size=[40, *size]).astype(np.float32)
        fill = generator.integers(-128, 128, size=size[-1]).astype(np.float32)
        margin = 3
        # All corners first, then anything.
        corners = [[-3, -3, 3, 3], [-3, 3, -3, 3]]
        shifts = generator.integers(-margin, margin + 1, size=[2, 40])
        shifts[:, :4] = corners
        flips = generator.integers(2, size=40).astype(bool)
        function = augmentation.apply
        if mode != "eager":
            function = tf.function(function, jit_compile=mode == "xla")
        result = function(
            tf.constant(images, dtype),
            tf.constant(shifts[0], tf.int32),
            tf.constant(shifts[1], tf.int32),
            tf.constant(flips),
            tf.constant(fill),
        )
        self.assertEqual(result.dtype, dtype)
        expected = np.stack(
            [
                _twin(image, row, column, flip, margin, fill)
                for image, row, column, flip in zip(images, *shifts, flips, strict=True)
            ]
        )
        self.assertAllEqual(tf.cast(result, tf.float32), expected)

    def test_batch_of_unknown_size_and_one_fill_for_all(self):
        function = tf.function(
            augmentation.apply,
            input_signature=[
                tf.TensorSpec([None, 6, 6, 2]),
                tf.TensorSpec([None], tf.int32),
                tf.TensorSpec([None], tf.int32),
                tf.TensorSpec([None], tf.bool),
                tf.TensorSpec([]),
            ],
        )
        image = np.arange(72, dtype=np.float32).reshape(1, 6, 6, 2)
        unmoved = function(image, [0], [0], [False], 9.0)
        self.assertAllEqual(unmoved, image)
        moved = function(np.tile(image, [2, 1, 1, 1]), [1, 6], [0, 0], [True] * 2, 9.0)
        self.assertAllEqual(moved[0, :5], image[0, 1:, ::-1])
        self.assertAllEqual(moved[0, 5], np.full([6, 2], 9))
        self.assertAllEqual(moved[1], np.full([6, 6, 2], 9))

    def test_padding_before_scaling_and_after_it_agree(self):
        generator = np.random.default_rng(1)
        images = generator.integers(0, 256, size=[30, 8, 8, 3]).astype(np.uint8)
        for name, scale_name in (
            ("crop_flip_grey", "imagenet"),
            ("crop_flip_grey", "standardize_channels"),
            ("crop_flip_mnist", "unit_interval"),
            ("crop_flip_mnist", "none"),
        ):
            augment = augmentation.by_name(name)
            scale = scaling.fit(scale_name, images)
            drawn = augmentation.draws(augment, 2, 0, 30)
            fill = augmentation.fill_value(augment, scale)
            result = augmentation.apply(
                scale.apply(images), *map(tf.constant, drawn), fill
            )
            pixels = [
                _twin(image, *draw, augment.margin, [augment.fill] * 3)
                for image, *draw in zip(images, *drawn, strict=True)
            ]
            self.assertAllEqual(result, scale.apply(np.stack(pixels)))


class DrawsTest(parameterized.TestCase, tf.test.TestCase):
    @parameterized.parameters(1, 128, 2048, 5000)
    def test_any_piece_equals_the_whole(self, count):
        whole = augmentation.draws(_CROP_FLIP, 3, 0, 20_000)
        for first in (0, 1, 4095, 4096, 9_999):
            piece = augmentation.draws(_CROP_FLIP, 3, first, count)
            for column, expected in zip(piece, whole, strict=True):
                self.assertEqual(column.dtype, expected.dtype)
                self.assertAllEqual(column, expected[first : first + count])

    @parameterized.parameters("crop_flip", "crop_flip_grey", "crop_flip_mnist")
    def test_distribution(self, name):
        augment = augmentation.by_name(name)
        size = 100_000
        rows, columns, flips = augmentation.draws(augment, 4, 12_345, size)
        self.assertEqual(
            (rows.dtype, columns.dtype, flips.dtype), (np.int32, np.int32, np.bool_)
        )
        # Every outcome (shift of rows, of columns, flip) is as likely: each count is
        # binomial, and five standard deviations are allowed.
        num_shifts = 2 * augment.margin + 1
        outcomes = (rows + augment.margin) * num_shifts + columns + augment.margin
        counts = np.bincount(2 * outcomes + flips, minlength=2 * num_shifts**2)
        self.assertLen(counts, 2 * num_shifts**2)
        expected = size / len(counts)
        self.assertAllClose(counts, [expected] * len(counts), atol=5 * expected**0.5)

    def test_no_flips(self):
        augment = augmentation.Augmentation(margin=1, fill="mean", flip=False)
        rows, columns, flips = augmentation.draws(augment, 5, 0, 1000)
        self.assertFalse(flips.any())
        self.assertEqual({*rows} | {*columns}, {-1, 0, 1})

    def test_seeds_and_places_differ(self):
        one, other = (augmentation.draws(_CROP_FLIP, s, 0, 4096)[0] for s in (0, 1))
        later = augmentation.draws(_CROP_FLIP, 0, 4096, 4096)[0]
        # Unrelated shifts agree in 1 of 9 cases, 455 +- 20 of 4096.
        for first, second in ((one, other), (one, later)):
            self.assertBetween((first == second).sum(), 355, 555)

    def test_writing_to_a_piece_leaves_the_draws(self):
        first = augmentation.draws(_CROP_FLIP, 6, 0, 4096)
        expected = first.row_shifts.copy()
        first.row_shifts[:] = 99
        again = augmentation.draws(_CROP_FLIP, 6, 0, 4096).row_shifts
        self.assertAllEqual(again, expected)

    def test_speed(self):
        start = time.process_time()
        for step in range(100):
            augmentation.draws(_CROP_FLIP, 7, 2048 * step, 2048)
        # About 0.05 ms a step.
        self.assertLess((time.process_time() - start) / 100, 2e-3)

    def test_rejects(self):
        with self.assertRaisesRegex(errors.UserError, "first_place=-1"):
            augmentation.draws(_CROP_FLIP, 0, -1, 1)
        with self.assertRaisesRegex(errors.UserError, "count=0"):
            augmentation.draws(_CROP_FLIP, 0, 0, 0)


class NamesTest(parameterized.TestCase, tf.test.TestCase):
    def test_names(self):
        self.assertIsNone(augmentation.by_name("none"))
        for name in augmentation.names()[1:]:
            self.assertTrue(augmentation.by_name(name).flip)
        with self.assertRaisesRegex(
            errors.UserError, "augmentation='flp': unknown.*'flip'"
        ):
            augmentation.by_name("flp")

    def test_fill_values(self):
        images = (
            np.random.default_rng(8).integers(0, 256, [9, 4, 4, 3]).astype(np.uint8)
        )
        grey = augmentation.by_name("crop_flip_grey")
        fill = augmentation.fill_value(grey, scaling.fit("imagenet", images))
        mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
        expected = [(127 / 255 - m) / d for m, d in zip(mean, deviation, strict=True)]
        self.assertEqual(fill.dtype, np.float32)
        self.assertAllClose(fill, expected, atol=1e-6)
        zero = augmentation.fill_value(_CROP_FLIP, scaling.fit("imagenet", images))
        self.assertAllEqual(zero, 0.0)
        self.assertEqual((zero.shape, zero.dtype), ((), np.float32))

    @parameterized.parameters("standardize", "unit_norm")
    def test_a_pixel_needs_a_scaling_that_is_the_same_everywhere(self, name):
        images = (
            np.random.default_rng(9).integers(0, 256, [9, 4, 4, 3]).astype(np.uint8)
        )
        grey = augmentation.by_name("crop_flip_grey")
        with self.assertRaisesRegex(errors.UserError, "augmentation=.*at every pixel"):
            augmentation.fill_value(grey, scaling.fit(name, images))


if __name__ == "__main__":
    tf.test.main()
