"""Tests of `bsgen.data.scaling`."""

import statistics

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.data import scaling
from bsgen.data.datasets import digits


def _inputs(dtype, size=50, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, size=[size, 4, 3]).astype(dtype)


class ScalingTest(parameterized.TestCase):
    @parameterized.parameters(np.uint8, np.float32)
    def test_unit_norm_against_an_example_by_example_sum(self, dtype):
        inputs = _inputs(dtype)
        fitted = scaling.fit("unit_norm", inputs)
        scaled = fitted.apply(inputs)
        self.assertEqual(scaled.dtype, np.float32)
        self.assertEqual(fitted.scale.shape, ())
        np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-6)
        norms = [sum(float(v) ** 2 for v in x.ravel()) for x in scaled]
        self.assertAlmostEqual(sum(norms) / len(norms), 1, places=5)
        # One factor for all: differences between components keep their proportions.
        differences = (inputs[1:].astype(float) - inputs[0]) * float(fitted.scale)
        np.testing.assert_allclose(scaled[1:] - scaled[0], differences, atol=1e-6)

    def test_unit_interval(self):
        inputs = digits.load().inputs
        scaled = scaling.fit("unit_interval", inputs[:100]).apply(inputs)
        np.testing.assert_allclose(scaled, inputs / 16, rtol=1e-6)
        inputs = np.array([[-3.0, 1.0], [5.0, 0.0]], np.float32)
        scaled = scaling.fit("unit_interval", inputs).apply(inputs)
        np.testing.assert_allclose(scaled, [[0, 0.5], [1, 0.375]], rtol=1e-6)

    def test_standardize_drops_components_that_do_not_vary(self):
        inputs = _inputs(np.uint8)
        inputs[:, 2, 1] = 7
        fitted = scaling.fit("standardize", inputs)
        scaled = fitted.apply(inputs)
        variance = np.ones([4, 3])
        variance[2, 1] = 0
        np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(scaled.var(axis=0), variance, atol=1e-5)
        np.testing.assert_array_equal(fitted.apply(inputs + 1)[:, 2, 1], 0)

    @parameterized.parameters(np.uint8, np.float32)
    def test_standardize_channels(self, dtype):
        # More images than one piece of the sums holds.
        generator = np.random.default_rng(3)
        spreads = np.array([200, 100, 1])
        inputs = generator.integers(0, spreads, size=[4099, 5, 4, 3]).astype(dtype)
        fitted = scaling.fit("standardize_channels", inputs)
        self.assertEqual((fitted.offset.shape, fitted.scale.shape), ((3,), (3,)))
        scaled = fitted.apply(inputs)
        self.assertEqual(scaled.dtype, np.float32)
        for channel in range(2):
            values = inputs[..., channel].astype(np.float64).ravel().tolist()
            mean, deviation = statistics.fmean(values), statistics.pstdev(values)
            expected = (inputs[..., channel] - mean) / deviation
            np.testing.assert_allclose(scaled[..., channel], expected, atol=1e-5)
        np.testing.assert_array_equal(scaled[..., 2], 0)

    def test_imagenet(self):
        inputs = np.random.default_rng(4).integers(0, 256, size=[6, 5, 4, 3])
        fitted = scaling.fit("imagenet", inputs.astype(np.uint8))
        mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
        expected = (inputs / 255 - mean) / deviation
        # Values up to 2.7, each with a few roundings of 6e-8.
        scaled = fitted.apply(inputs.astype(np.uint8))
        np.testing.assert_allclose(scaled, expected, atol=2e-6)
        other = scaling.fit("imagenet", inputs[:1].astype(np.uint8))
        np.testing.assert_array_equal(other.offset, fitted.offset)

    @parameterized.parameters(
        ("standardize_channels", [5, 8, 8], np.uint8),
        ("imagenet", [5, 8, 8], np.uint8),
        ("imagenet", [5, 8, 8, 1], np.uint8),
        ("imagenet", [5, 8, 8, 3], np.float32),
    )
    def test_inputs_without_these_channels(self, name, shape, dtype):
        inputs = np.random.default_rng(5).integers(0, 256, size=shape).astype(dtype)
        with self.assertRaisesRegex(errors.UserError, f"'{name}': it is for .*images"):
            scaling.fit(name, inputs)

    def test_none_only_changes_the_type(self):
        inputs = _inputs(np.uint8)
        scaled = scaling.fit("none", inputs).apply(inputs)
        self.assertEqual(scaled.dtype, np.float32)
        np.testing.assert_array_equal(scaled, inputs)

    def test_moments_over_several_pieces(self):
        inputs = _inputs(np.uint8, size=9001)
        scaled = scaling.fit("standardize", inputs).apply(inputs).astype(np.float64)
        np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(scaled.var(axis=0), 1, atol=1e-6)

    @parameterized.parameters(
        "unit_norm", "unit_interval", "standardize", "standardize_channels"
    )
    def test_equal_inputs_cannot_be_scaled(self, name):
        inputs = np.full([5, 3, 2, 3], 4, np.uint8)
        with self.assertRaisesRegex(errors.UserError, f"'{name}': .*all equal"):
            scaling.fit(name, inputs)

    def test_unknown_name(self):
        with self.assertRaisesRegex(errors.UserError, "did you mean 'unit_norm'"):
            scaling.fit("unitnorm", _inputs(np.uint8))


if __name__ == "__main__":
    absltest.main()
