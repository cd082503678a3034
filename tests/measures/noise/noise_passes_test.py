"""Tests of errors of the gradient noise, and of what an interrupted measure keeps."""

from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import measures
from bsgen.measures.noise import group_gradients, noise_moments, noise_passes
from tests.measures import matrices, small_models

_TRUTH = np.array([5.0, 0.25, 20.0])  # trace, squared norm, noise scale of `_draw`
_NAMES = ("trace", "squared_norm", "noise_scale")


def _draw(seed, count=300):
    """Gradients of variance 1 in 5 dimensions around (0.5, 0, ...).

    They have the tails of Student's t with 8 degrees of freedom.
    """
    draw = np.random.default_rng(seed)
    gradients = draw.standard_t(8, size=(count, 5)) * np.sqrt(6 / 8)
    gradients[:, 0] += 0.5
    return gradients


def _of_all(gradients):
    mean = gradients.mean(0)
    moves = gradients - mean
    return np.sum(moves**2, 1), moves @ mean, float(mean @ mean)


def _from_all(seed):
    return noise_moments.from_deviations(*_of_all(_draw(seed)))


def _from_some(seed):
    squares, projections, norm = _of_all(_draw(seed))
    return noise_moments.from_deviations(squares[:90], projections[:90], norm, 1, 300)


def _from_runs(seed):
    # 40 times 7 and a rest: runs of 14 after they were merged once, the last of 6.
    runs = noise_passes.Runs(5)
    for part in np.split(_draw(seed), range(7, 300, 7)):
        runs.add(len(part), part.sum(0))
    return runs.noise(np.zeros(5), 1)


class _Stop:
    """Ctrl-C at a report."""

    def __init__(self, at):
        self.told = []
        self._at = at

    def __call__(self, progress):
        self.told.append(progress)
        if len(self.told) == self._at:
            raise KeyboardInterrupt


class NoisePassesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(_from_all, _from_some, _from_runs)
    def test_standard_errors_cover_the_truth(self, measure):
        found = [measure(seed) for seed in range(matrices.NUM_SEEDS)]
        values = np.array([[getattr(f, n) for n in _NAMES] for f in found])
        errors = np.array(
            [[getattr(f, f"{n}_standard_error") for n in _NAMES] for f in found]
        )
        # One standard error covers 68 %; of 200, within three binomial deviations.
        share = np.mean(np.abs(values - _TRUTH) < errors, 0)
        self.assertAllInRange(share, 0.68 - 0.1, 0.68 + 0.1)
        # Trace and norm have no bias: within 3 standard errors of 200 means.
        means = np.mean(values, 0)[:2]
        bounds = 3 * np.std(values, 0)[:2] / np.sqrt(len(values))
        self.assertAllLess(np.abs(means - _TRUTH[:2]) - bounds, 0.0)

    def test_errors_of_some_are_nearly_those_of_all(self):
        # The jackknife differs in terms of order 1 / n, 1 / 300 here.
        arguments = _of_all(_draw(0))
        exact = noise_moments.from_deviations(*arguments)
        # One more in the mean than is seen changes as little.
        linear = noise_moments.from_deviations(*arguments, 1, 301)
        for name in _NAMES:
            name += "_standard_error"
            self.assertAllClose(getattr(linear, name), getattr(exact, name), rtol=0.02)

    def test_there_are_never_many_runs(self):
        runs = noise_passes.Runs(2)
        gradients = np.random.default_rng(0).normal(size=(1000, 2))
        for gradient in gradients:
            runs.add(1, gradient)
            self.assertLessEqual(len(runs._sums), 32)
        self.assertGreaterEqual(len(runs._sums), 16)
        sizes = runs._counts[:-1]
        self.assertEqual(min(sizes), max(sizes))
        self.assertEqual(runs.num_groups, 1000)
        self.assertAllClose(runs.mean(), gradients.mean(0), rtol=1e-12)
        self.assertLen(noise_passes.Runs(10**9)._sums, 0)
        self.assertEqual(noise_passes.Runs(10**9)._most, 4)


class InterruptedTest(tf.test.TestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(3)
        self.model, self.data = small_models.make("dense", rng, 46)
        self.gradients = np.array(
            [
                small_models.mean_gradient(self.model, x[None], y[None])
                for x, y in zip(*self.data, strict=True)
            ]
        )

    def measure(self, stop, **options):
        return measures.gradient_noise_scale(
            self.model,
            small_models.softmax,
            self.data,
            batch_size=10,
            on_progress=stop,
            **{"keep_partial": True, **options},
        )

    def test_progress(self):
        stop = _Stop(at=None)
        found = self.measure(stop)
        self.assertEqual(found.stopped_because, "complete")
        self.assertEqual(
            [told.num_products for told in stop.told],
            [10, 20, 30, 40, 46, 56, 66, 76, 86, 92],
        )
        self.assertEqual({told.max_products for told in stop.told}, {92})
        last = stop.told[-1]
        self.assertEqual((last.value, last.error), (found.value, found.standard_error))
        self.assertTrue(np.isnan(stop.told[0].value))

    def test_data_set_of_unknown_size(self):
        stop = _Stop(at=None)
        data = tf.data.Dataset.from_tensor_slices(self.data).batch(23)
        measures.gradient_noise_scale(
            self.model, small_models.softmax, data, on_progress=stop
        )
        limits = [told.max_products for told in stop.told]
        self.assertEqual(limits, [None, None, 92, 92])

    def test_in_the_first_pass(self):
        found = self.measure(_Stop(at=5))
        self.assertEqual(found.stopped_because, "interrupted")
        # Slow twin: four gradients of ten examples and one of six, of a mean of 9.2.
        parts = np.split(self.gradients, [10, 20, 30, 40])
        mean = self.gradients.mean(0)
        trace = sum(len(p) * np.sum((p.mean(0) - mean) ** 2) for p in parts) / 4
        norm = mean @ mean - trace / 46
        self.assertAllClose(
            [found.noise.trace, found.noise.squared_norm], [trace, norm], rtol=1e-11
        )
        self.assertAllClose((found.num_examples, found.noise.group_size), (46, 9.2))
        self.assertTrue(np.isfinite(found.noise.trace_standard_error))

    def test_in_the_second_pass(self):
        found = self.measure(_Stop(at=9))
        self.assertEqual(found.stopped_because, "interrupted")
        mean = self.gradients.mean(0)
        squares = np.sum((self.gradients[:40] - mean) ** 2, 1)
        trace = 46 / 45 * squares.mean()
        norm = mean @ mean - trace / 46
        self.assertAllClose(
            [found.noise.trace, found.noise.squared_norm, found.value],
            [trace, norm, trace / norm],
            rtol=1e-11,
        )
        self.assertEqual((found.num_examples, found.noise.group_size), (40, 1))

    def test_the_penalty_is_kept(self):
        weights = np.concatenate([w.ravel() for w in self.model.get_weights()])
        found = self.measure(_Stop(at=3), l2=0.3).noise
        plain = self.measure(_Stop(at=3)).noise
        self.assertAllClose(found.trace, plain.trace, rtol=1e-12)
        gradient = self.gradients[:30].mean(0) + 0.3 * weights
        self.assertAllClose(found.data_squared_norm, gradient @ gradient, rtol=1e-11)

    def test_unless_asked_nothing_is_kept(self):
        with self.assertRaises(KeyboardInterrupt):
            self.measure(_Stop(at=9), keep_partial=False)

    def test_before_anything_is_known(self):
        with self.assertRaises(KeyboardInterrupt):
            self.measure(_Stop(at=1))
        groups = group_gradients.GroupGradients
        with mock.patch.object(groups, "sums", side_effect=KeyboardInterrupt):
            with self.assertRaises(KeyboardInterrupt):
                self.measure(None)


if __name__ == "__main__":
    tf.test.main()
