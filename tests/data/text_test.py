"""Tests of `bsgen.data.text`, and of what becomes of a text's windows."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import config as configuration
from bsgen import errors
from bsgen.data import splits, text


def _pool(sizes=(41, 22, 17), window=4):
    parts = [np.arange(size) + 100 * part for part, size in enumerate(sizes)]
    return text.pool("mine", parts, 300, window)


class PoolTest(absltest.TestCase):
    def test_windows_by_hand(self):
        pool = _pool()
        # (41 - 1) / 4 = 10 windows, (22 - 1) // 4 = 5, (17 - 1) / 4 = 4.
        parts = (pool.train_pool, pool.validation_pool, pool.test_pool)
        self.assertEqual([len(part) for part in parts], [10, 5, 4])
        self.assertEqual(pool.inputs[1].tolist(), [4, 5, 6, 7])
        self.assertEqual(pool.labels[1].tolist(), [5, 6, 7, 8])
        self.assertEqual(pool.inputs[10].tolist(), [100, 101, 102, 103])
        self.assertEqual(pool.labels[-1].tolist(), [213, 214, 215, 216])
        self.assertEqual({pool.inputs.dtype, pool.labels.dtype}, {np.dtype(np.int32)})

    def test_a_split_keeps_the_order(self):
        settings = configuration.DataConfig(
            "mine", train_size=7, validation_size=3, subset_seed=5
        )
        split = splits.split(_pool(), settings)
        self.assertEqual(split.train.tolist(), [*range(7)])
        self.assertEqual(split.validation.tolist(), [10, 11, 12])
        self.assertEqual(split.test.tolist(), [15, 16, 17, 18])
        whole = splits.split(_pool(), configuration.DataConfig("mine"))
        self.assertEqual(whole.train.tolist(), [*range(10)])
        self.assertEmpty(whole.validation)

    def test_too_many_windows_are_refused_in_a_line(self):
        for field, most in (("train_size", 10), ("validation_size", 5)):
            settings = configuration.DataConfig("mine", **{field: most + 1})
            message = f"^{field}={most + 1}: give at most {most}: so many windows"
            with self.assertRaisesRegex(errors.UserError, message):
                splits.split(_pool(), settings)

    def test_a_text_shorter_than_a_window_is_refused_in_a_line(self):
        with self.assertRaisesRegex(errors.UserError, "has 4 tokens.*takes 5; give"):
            _pool((41, 4, 17))
        self.assertLen(_pool((5, 5, 5)), 3)

    def test_a_token_out_of_range_is_refused(self):
        with self.assertRaisesRegex(
            errors.UserError, r"0\.\.15, but they span 1\.\.16"
        ):
            text.pool("mine", [np.arange(17)] * 3, 16, 4)

    def test_vocabulary_is_sorted_by_frequency_then_by_the_alphabet(self):
        found = text.vocabulary("b a c c <eos> b c <eos>".split())
        self.assertEqual(found, {"c": 0, "<eos>": 1, "b": 2, "a": 3})


class ContiguousTest(parameterized.TestCase):
    def test_by_hand(self):
        # 11 windows in 3 streams of 3; the last two are left over.
        batches = text.contiguous_batches(0, 4, 3, 11)
        expected = [[0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 3, 6]]
        self.assertEqual(batches.tolist(), expected)
        self.assertEqual(batches.dtype, np.int32)

    @parameterized.parameters((16, 1659), (20, 1327), (64, 414), (256, 103))
    def test_penn_treebank_has_as_many_steps_as_in_the_paper(self, batch_size, length):
        # (L / B - 1) / T, rounded down twice: Smith, Elsen & De take 414 at B = 64.
        windows = (929_589 - 1) // 35
        self.assertEqual((929_589 // batch_size - 1) // 35, length)
        epoch = text.contiguous_batches(0, length + 1, batch_size, windows)
        self.assertEqual(epoch[0].tolist(), epoch[-1].tolist())
        self.assertLen(np.unique(epoch[:-1]), length * batch_size)

    @parameterized.parameters(1, 4, 11)
    def test_any_steps_equal_the_whole(self, batch_size):
        whole = text.contiguous_batches(0, 30, batch_size, 11)
        for first, count in ((0, 1), (5, 7), (28, 2)):
            found = text.contiguous_batches(first, count, batch_size, 11)
            np.testing.assert_array_equal(found, whole[first : first + count])

    @parameterized.parameters(
        (1, 1), (99, 1), (100, 2), (149, 2), (2355, 47), (26_559, 64)
    )
    def test_evaluation_reads_every_window_once(self, num_windows, num_streams):
        positions, counts = text.evaluation_batches(num_windows)
        self.assertEqual(positions.shape[1], num_streams)
        self.assertEqual(sorted(positions[counts]), [*range(num_windows)])
        for stream, own in zip(positions.T, counts.T, strict=True):
            # A stream reads on, and ends with what does not count.
            np.testing.assert_array_equal(np.diff(stream[own]), 1)
            self.assertTrue((np.diff(own.astype(int)) <= 0).all())


if __name__ == "__main__":
    absltest.main()
