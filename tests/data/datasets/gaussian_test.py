"""Tests of `bsgen.data.datasets.gaussian`."""

import statistics

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.data import random_streams
from bsgen.data.datasets import gaussian


class GaussianTaskTest(parameterized.TestCase):
    @parameterized.product(
        task=(gaussian.RANDOM, gaussian.INFORMATIVE),
        sizes=((None, 0, 200), (50, 0, 50), (60, 40, 100)),
    )
    def test_sizes_and_normalisation(self, task, sizes):
        train_size, validation_size, pool_size = sizes
        task = task.draw(3, train_size, validation_size)
        self.assertEqual(task.inputs.shape, (pool_size + 10_000, 200))
        self.assertEqual(task.inputs.dtype, np.float32)
        np.testing.assert_array_equal(task.train_pool, np.arange(pool_size))
        np.testing.assert_array_equal(
            task.test_pool, np.arange(pool_size, pool_size + 10_000)
        )
        train = task.inputs[task.train_pool].astype(np.float64)
        # Rounding to float32 leaves errors of about 1e-7 in each entry.
        np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(np.square(train).mean(axis=0), 1, atol=1e-6)

    def test_test_inputs_have_the_shift_and_factor_of_training_ones(self):
        purpose = random_streams.Purpose
        train = random_streams.generator(purpose.TRAIN_INPUTS, 4).standard_normal(
            [50, 200]
        )
        test = random_streams.generator(purpose.TEST_INPUTS, 4).standard_normal(
            [10_000, 200]
        )
        inputs = gaussian.RANDOM.draw(4, 50).inputs
        for component in (0, 17, 199):
            values = train[:, component].tolist()
            mean, deviation = statistics.fmean(values), statistics.pstdev(values)
            expected = (test[:, component] - mean) / deviation
            np.testing.assert_allclose(inputs[50:, component], expected, atol=1e-5)

    def test_informative_labels_are_the_sign_of_the_sum(self):
        task = gaussian.INFORMATIVE.draw(5)
        expected = [int(sum(map(float, x)) > 0) for x in task.inputs[:500]]
        np.testing.assert_array_equal(task.labels[:500], expected)

    def test_random_labels_are_fair_and_unrelated_to_the_inputs(self):
        task = gaussian.RANDOM.draw(6)
        labels = task.labels[task.test_pool]
        signs = task.inputs[task.test_pool].sum(axis=1) > 0
        # Four standard errors of a fair coin over 10,000 throws.
        self.assertAlmostEqual(labels.mean(), 0.5, delta=0.02)
        self.assertAlmostEqual((labels == signs).mean(), 0.5, delta=0.02)

    def test_both_tasks_share_inputs_and_seeds_change_them(self):
        random = gaussian.RANDOM.draw(7)
        informative = gaussian.INFORMATIVE.draw(7)
        other = gaussian.RANDOM.draw(8)
        np.testing.assert_array_equal(random.inputs, informative.inputs)
        self.assertLess(
            abs(np.corrcoef(random.inputs[:, 0], other.inputs[:, 0])[0, 1]), 0.05
        )

    def test_draws_no_more_than_fit_in_memory(self):
        for sizes in ((10**11, 0), (2, 499_999)):
            with self.assertRaisesRegex(errors.UserError, "train_size=.* 500,000$"):
                gaussian.RANDOM.draw(0, *sizes)

    def test_needs_two_examples(self):
        with self.assertRaisesRegex(errors.UserError, "train_size=1: .*at least 2"):
            gaussian.RANDOM.draw(0, 1)


if __name__ == "__main__":
    absltest.main()
