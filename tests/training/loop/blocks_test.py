"""Tests of `bsgen.training.loop.blocks`: the feed's batches, whatever is asked when."""

import math
import threading

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen.training import step_plan
from bsgen.training.loop import blocks
from bsgen.training.loop.batch import Batch
from tests.training import made_up_runs

_WAIT_SECONDS = 60.0  # far longer than what is waited for takes


class _Feed:
    """Labels that name their step, in batches of the plan's size."""

    def __init__(self, plan, max_steps):
        self.max_steps = max_steps
        self.closed = False
        self.fails_at = None
        self.asked = []
        self._plan = plan
        self._requested = threading.Condition()

    def training(self, first_step, last_step):
        with self._requested:
            self.asked.append((first_step, last_step))
            self._requested.notify_all()
        if first_step == self.fails_at:
            raise ValueError("cannot be read")
        shape = [last_step - first_step, int(self._plan.batch_sizes[first_step])]
        steps = np.arange(first_step, last_step, dtype=np.int32)
        labels = np.broadcast_to(steps[:, None], shape)
        return Batch(labels, labels, (labels > 0,))

    def close(self):
        self.closed = True

    def wait_for(self, call):
        with self._requested:
            return self._requested.wait_for(lambda: call in self.asked, _WAIT_SECONDS)


def _blocks(max_steps, num_steps=7, calls_end=None):
    run = made_up_runs.run(
        num_steps=num_steps, batch_size_schedule=made_up_runs.GROW, learning_rate=0.5
    )
    plan = step_plan.make(run, made_up_runs.TRAIN_SIZE)
    feed = _Feed(plan, max_steps)
    return feed, blocks.Blocks(feed, plan, calls_end)


class BlocksTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(1, 3, 100)
    def test_every_step_has_its_batch_in_any_order(self, max_steps):
        feed, found = _blocks(max_steps)
        for step in (0, 1, 2, 3, 4, 5, 6, 2, 6, 0):
            block = found.at(step)
            size = 8 if step < 4 else 16
            index = step - block.first_step
            self.assertAllEqual(block.batches.labels[index], [step] * size)
            self.assertAllEqual(block.batches.draws[0][index], [step > 0] * size)
            self.assertEqual(block.learning_rates[index], 0.5)
            # All blocks are equally long, so that one program takes them.
            length = min(max_steps, 7)
            self.assertEqual(block.batches.labels.shape, [length, size])
            self.assertAllEqual(block.learning_rates.shape, [length])
            self.assertLessEqual(block.last_step, 4 if step < 4 else 7)
            past = block.last_step - block.first_step
            self.assertAllEqual(block.learning_rates[past:], [0] * (length - past))
        found.close()
        self.assertTrue(feed.closed)

    def test_the_next_block_is_prepared_during_this_one(self):
        feed, found = _blocks(2)
        found.at(0)
        self.assertTrue(feed.wait_for((2, 4)))
        for step in (1, 2, 3):
            found.at(step)
        self.assertTrue(feed.wait_for((4, 6)))
        found.at(5)
        self.assertTrue(feed.wait_for((6, 7)))
        found.at(6)
        found.close()
        self.assertEqual(feed.asked, [(0, 2), (2, 4), (4, 6), (6, 7)])

    def test_what_cannot_be_read_ahead_fails_only_when_it_is_needed(self):
        feed, found = _blocks(1, num_steps=9)
        feed.fails_at = 7
        self.addCleanup(found.close)
        found.at(6)
        self.assertTrue(feed.wait_for((7, 8)))
        found.at(6)
        with self.assertRaisesRegex(ValueError, "cannot be read"):
            found.at(7)
        self.assertEqual(found.at(8).first_step, 8)

    def test_a_call_ends_anywhere_in_a_block_that_may_be_divided(self):
        found = _blocks(3)[1]
        self.addCleanup(found.close)
        for first, last in ((0, 1), (2, 3), (1, 4)):
            self.assertEqual(found.end_of_call(first, last), last)

    def test_a_call_takes_whole_blocks_up_to_the_next_event(self):
        # Ends at 4, where batches grow, at 9 and at 29: blocks of 5.
        _, found = _blocks(100, num_steps=29, calls_end=(0, 9, 29))
        self.addCleanup(found.close)
        for first, wanted, end in (
            (0, 1, 4),
            (0, 4, 4),
            (4, 5, 9),
            (9, 10, 14),
            (9, 19, 19),
            (9, 23, 19),
            (11, 29, 29),
            (24, 25, 29),
            (28, 29, 29),
        ):
            self.assertEqual(found.end_of_call(first, wanted), end)
        self.assertEqual(found.at(9)[:2], (9, 14))
        self.assertEqual(found.at(4)[:2], (4, 9))
        self.assertLen(found.at(0).learning_rates, 5)

    def test_the_best_length_divides_the_way_evenly(self):
        epochs = range(390, 3901, 390)  # of 50,000 examples in batches of 128
        length = blocks.best_length(epochs, 64)
        self.assertEqual(length, 56)  # seven blocks of 56 are 392 steps
        self.assertEqual(blocks.best_length([5, 10, 15], 64), 5)
        self.assertEqual(blocks.best_length([5, 10, 15], 3), 3)
        self.assertEqual(blocks.best_length([1, 2, 3], 64), 1)
        # Checked against every length.
        generator = np.random.default_rng(3)
        for _ in range(20):
            gaps = generator.integers(1, 300, 4)
            costs = {
                length: sum(math.ceil(gap / length) for gap in gaps) * (length + 1)
                for length in range(1, 65)
            }
            found = blocks.best_length(np.cumsum(gaps), 64)
            self.assertEqual(costs[found], min(costs.values()))


if __name__ == "__main__":
    tf.test.main()
