"""Blocks of consecutive steps, prepared on the host while the device works.

The batches of a step follow from its number alone, so how steps are divided into blocks
changes nothing, nor does what was prepared and not used: a run that was stopped begins
a block at its next step.
"""

import concurrent.futures
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from bsgen.training import step_plan
from bsgen.training.loop import feeds
from bsgen.training.loop.replica_program import Batch


class Block(NamedTuple):
    """The data of the steps first_step to last_step - 1, of equal batch size.

    Attributes:
      first_step, last_step: numbers of steps.
      batches: [K, b, ...] tensors, where K is the same for all blocks of a run, so that
        they share one compiled program; what is beyond the last step is 0.
      learning_rates: float32 [K].
    """

    first_step: int
    last_step: int
    batches: Batch
    learning_rates: tf.Tensor


class Blocks:
    """Gives the block of any step; in the order of the steps, without a wait."""

    def __init__(self, feed: feeds.Feed, plan: step_plan.Plan):
        """Prepares nothing yet; `feed` must have no other user."""
        self._feed = feed
        self._plan = plan
        self._length = min(feed.max_steps, plan.num_steps)
        # One thread, because the feed reads batches one after the other.
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "blocks")
        self._current: Block | None = None
        self._next: concurrent.futures.Future[Block] | None = None

    def at(self, step: int) -> Block:
        """Returns a block that holds the step, and begins to prepare the one after it.

        Raises:
          UserError: an example cannot be read.
        """
        if self._current is None or not _holds(self._current, step):
            self._current = self._found(step)
            if self._current.last_step < self._plan.num_steps:
                self._next = self._prepared(self._current.last_step)
        return self._current

    def close(self) -> None:
        """Ends reading ahead."""
        self._thread.shutdown(cancel_futures=True)
        self._feed.close()

    def _found(self, step: int) -> Block:
        following, self._next = self._next, None
        if following is not None:
            block = following.result()
            if _holds(block, step):
                return block
        return self._prepared(step).result()

    def _prepared(self, step: int) -> "concurrent.futures.Future[Block]":
        return self._thread.submit(self._prepare, step)

    def _prepare(self, first_step: int) -> Block:
        last_step = min(first_step + self._length, self._plan.segment_end(first_step))
        data = (
            self._feed.training(first_step, last_step),
            self._plan.learning_rates[first_step:last_step],
        )
        missing = self._length - (last_step - first_step)

        def padded(values: np.ndarray) -> tf.Tensor:
            if missing:
                values = np.pad(values, [(0, missing)] + [(0, 0)] * (values.ndim - 1))
            return tf.convert_to_tensor(values)

        return Block(first_step, last_step, *tf.nest.map_structure(padded, data))


def _holds(block: Block, step: int) -> bool:
    return block.first_step <= step < block.last_step
