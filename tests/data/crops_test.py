"""Tests of `bsgen.data.crops`."""

import io

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from PIL import Image

from bsgen.data import crops
from tests.data import made_up_imagenet


def window_by_hand(crop, height, width):
    """The first of the ten shapes that fits, one after the other."""
    side = np.sqrt(np.float32(height * width))
    for shape in crop[:-1]:
        rows, columns = np.round(shape * side).astype(int)
        if 1 <= rows <= height and 1 <= columns <= width:
            top = min(int(crop[-1, 0] * (height - rows + 1)), height - rows)
            left = min(int(crop[-1, 1] * (width - columns + 1)), width - columns)
            return [top, left, rows, columns]
    rows, columns = min(height, round(width * 4 / 3)), min(width, round(height * 4 / 3))
    return [(height - rows) // 2, (width - columns) // 2, rows, columns]


def resized_by_hand(image, size):
    """Bilinear, pixels seen as squares, as in a textbook."""

    def weights(length):
        places = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
        return np.maximum(0, 1 - abs(places[:, None] - np.arange(length)))

    rows, columns = weights(image.shape[0]), weights(image.shape[1])
    return np.einsum("ij,jkc,lk->ilc", rows, image.astype(float), columns)


def whole(height, width):
    return tf.stack([0, 0, height, width])


class DrawTest(parameterized.TestCase):
    @parameterized.parameters((0, 5), (17, 1), (4090, 20), (8192, 3), (4000, 5000))
    def test_depends_on_seed_and_place_alone(self, first_place, count):
        places = np.arange(first_place, first_place + count)
        drawn = crops.draw(3, places)
        self.assertEqual(drawn.shape, (count, *crops.SHAPE))
        one_by_one = [crops.draw(3, places[i : i + 1])[0] for i in range(count)]
        np.testing.assert_array_equal(drawn, one_by_one)
        np.testing.assert_array_equal(crops.draw(3, places[::-1]), drawn[::-1])
        self.assertTrue((crops.draw(4, places) != drawn).all())

    def test_no_place_is_drawn_twice(self):
        drawn = crops.draw(0, np.arange(10_000)).reshape(10_000, -1)
        self.assertLen(np.unique(drawn, axis=0), 10_000)

    def test_areas_and_aspect_ratios_are_those_of_the_paper(self):
        drawn = crops.draw(1, np.arange(4000)).astype(float)
        heights, widths = np.moveaxis(drawn[:, :-1], -1, 0)
        areas, aspects = heights * widths, np.log(widths / heights)
        for values, low, high in (
            (areas, 0.08, 1.0),
            (aspects, np.log(3 / 4), np.log(4 / 3)),
            (drawn[:, -1], 0.0, 1.0),
        ):
            # Uniform: a tail below 1 % of the range is hit by many of these draws, and
            # mean and variance lie within five standard errors (for the variance
            # w^4 / 180 is what a uniform variable of width w has, over n).
            width = high - low
            self.assertBetween(values.min(), low - 1e-6, low + width / 100)
            self.assertBetween(values.max(), high - width / 100, high + 1e-6)
            mean_error = width / np.sqrt(12 * values.size)
            np.testing.assert_allclose(
                values.mean(), (low + high) / 2, atol=5 * mean_error
            )
            variance_error = width**2 / np.sqrt(180 * values.size)
            np.testing.assert_allclose(
                values.var(), width**2 / 12, atol=5 * variance_error
            )


class WindowTest(tf.test.TestCase, parameterized.TestCase):
    def test_random_window_is_the_first_shape_that_fits(self):
        sizes = np.random.default_rng(5).integers(1, 600, [150, 2])
        # Long images, in which many of the shapes do not fit.
        sizes[:50, 0] = sizes[:50, 1] // 3 + 1
        fallbacks = 0
        for crop, (height, width) in zip(
            crops.draw(2, np.arange(150)), sizes, strict=True
        ):
            window = crops.random_window(tf.constant(crop))(
                tf.constant(height, tf.int32), tf.constant(width, tf.int32)
            ).numpy()
            expected = window_by_hand(crop, height, width)
            self.assertAllEqual(window, expected)
            corner, shape = np.split(window, 2)
            self.assertAllGreaterEqual(np.append(corner, shape - 1), 0)
            self.assertAllGreaterEqual([height, width] - corner - shape, 0)
            fallbacks += abs(np.log(shape[1] / shape[0])) > np.log(4 / 3)
        self.assertLess(fallbacks, 20)

    @parameterized.parameters(
        (10, 100, [0, 43, 10, 13]), (100, 10, [43, 0, 13, 10]), (9, 11, [0, 0, 9, 11])
    )
    def test_where_no_shape_fits_it_is_the_centre(self, height, width, expected):
        crop = tf.fill(crops.SHAPE, 4.0)
        window = crops.random_window(crop)(tf.constant(height), tf.constant(width))
        self.assertAllEqual(window, expected)

    def test_the_largest_place_stays_inside(self):
        crop = tf.constant([[0.5, 0.5]] * 10 + [[1.0, 1.0]])
        window = crops.random_window(crop)(tf.constant(100), tf.constant(100))
        self.assertAllEqual(window, [50, 50, 50, 50])

    @parameterized.parameters(
        # 7/8 of 375 is 328.1; of 256, 224; half of what is left on each side.
        (375, 500, [23, 86, 328, 328]),
        (256, 256, [16, 16, 224, 224]),
        (1, 9, [0, 4, 1, 1]),
    )
    def test_centre(self, height, width, expected):
        window = crops.centre_window(tf.constant(height), tf.constant(width))
        self.assertAllEqual(window, expected)


class DecodeTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("RGB", "L", "CMYK")
    def test_a_jpeg_is_what_pillow_sees(self, mode):
        data = made_up_imagenet.jpeg(4, 64, 64, mode)
        decoded = crops.decode(tf.constant(data), whole, 64).numpy()
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        # Two decoders may round the colour transform differently.
        self.assertAllClose(decoded.astype(int), expected.astype(int), atol=2)
        self.assertGreater(expected.std(), 20)

    def test_a_png_is_its_image(self):
        data = made_up_imagenet.png(4, 32, 32)
        decoded = crops.decode(tf.constant(data), whole, 32)
        self.assertAllEqual(decoded, made_up_imagenet.image(4, 32, 32))

    @parameterized.parameters("jpeg", "png")
    def test_a_window_is_cut_and_resized(self, kind):
        data = getattr(made_up_imagenet, kind)(9, 90, 120)
        image = np.asarray(Image.open(io.BytesIO(data))).astype(float)
        for window in ([10, 20, 60, 80], [0, 0, 90, 120], [85, 3, 5, 4]):
            decoded = crops.decode(
                tf.constant(data), lambda *_, window=window: tf.constant(window), 32
            ).numpy()
            top, left, rows, columns = window
            cut = image[top : top + rows, left : left + columns]
            # 2 levels between the decoders, 1/2 for rounding.
            self.assertAllClose(
                decoded.astype(float), resized_by_hand(cut, 32), atol=2.5, rtol=0
            )

    def test_damaged_files_raise(self):
        data = made_up_imagenet.jpeg(4, 64, 64)
        for damaged in (data[: len(data) // 2], b"no image", b""):
            with self.assertRaises(tf.errors.OpError):
                crops.decode(tf.constant(damaged), whole, 8)


if __name__ == "__main__":
    tf.test.main()
