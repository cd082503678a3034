"""Blocks of consecutive steps, prepared on the host while the device works.

The batches of a step follow from its number alone, so how steps are divided into blocks
changes nothing, nor does what was prepared and not used: a run that was stopped begins
a block at its next step.
"""

import bisect
import concurrent.futures
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from bsgen.training import step_plan
from bsgen.training.loop import feeds
from bsgen.training.loop.batch import Batch

# Of a block that is always taken as a whole: a call cannot be shorter, and should last
# no longer than some seconds, on a GPU that takes 20,000 images a second.
_MAX_WHOLE_STEPS, _MAX_WHOLE_EXAMPLES = 64, 2**16


class Block(NamedTuple):
    """The data of the steps first_step to last_step - 1, of equal batch size.

    Attributes:
      first_step, last_step: numbers of steps.
      batches: [K, b, ...] tensors, where K is the same for all blocks of a run, so that
        they share one compiled program; what is beyond the last step is 0.
      learning_rates: float32 [K].
      resets: bool [K], the steps before which accumulators go back to 0.
      begins_epoch: bool [K], the steps before which carried states do.
    """

    first_step: int
    last_step: int
    batches: Batch
    learning_rates: tf.Tensor
    resets: tf.Tensor
    begins_epoch: tf.Tensor


class Blocks:
    """Gives the block of any step; in the order of the steps, without a wait."""

    def __init__(
        self,
        feed: feeds.Feed,
        plan: step_plan.Plan,
        calls_end: Sequence[int] | None = None,
    ):
        """Prepares nothing yet; `feed` must have no other user.

        Args:
          feed: of the run.
          plan: of the run.
          calls_end: steps at which calls of steps must end, where a part of a block
            takes as long as all of it; None where it takes a part of the time.
        """
        self._feed = feed
        self._plan = plan
        self._whole = calls_end is not None
        self._ends = sorted({*plan.segment_ends.tolist(), *(calls_end or ())})
        self._length = min(feed.max_steps, plan.num_steps)
        if self._whole:
            fitting = max(1, _MAX_WHOLE_EXAMPLES // int(plan.batch_sizes.max()))
            most = min(self._length, _MAX_WHOLE_STEPS, fitting)
            self._length = best_length(self._ends, most)
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

    def end_of_call(self, first_step: int, last_step: int) -> int:
        """Returns where a call should end that would take steps up to `last_step`."""
        if not self._whole:
            return last_step
        end = self._end(first_step)
        while end < last_step and self._end(end) <= last_step:
            end = self._end(end)
        return end

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
        last_step = self._end(first_step)
        data = (
            self._feed.training(first_step, last_step),
            self._plan.learning_rates[first_step:last_step],
            self._plan.resets[first_step:last_step],
            self._plan.begins_epoch[first_step:last_step],
        )
        missing = self._length - (last_step - first_step)

        def padded(values: np.ndarray) -> tf.Tensor:
            if missing:
                values = np.pad(values, [(0, missing)] + [(0, 0)] * (values.ndim - 1))
            return tf.convert_to_tensor(values)

        return Block(first_step, last_step, *tf.nest.map_structure(padded, data))

    def _end(self, step: int) -> int:
        """Returns where a block ends that begins at `step`."""
        stop = self._ends[bisect.bisect_right(self._ends, step)]
        return min(step + self._length, stop)


def best_length(ends: Iterable[int], most: int) -> int:
    """Returns the length at which blocks cost least if all take as long as a full one.

    Args:
      ends: steps at which a block must end, rising.
      most: the longest allowed.
    """
    gaps = np.diff([0, *ends])
    lengths = np.arange(1, most + 1)
    num_blocks = -(-gaps[:, None] // lengths)
    # A block costs about as much as a step more.
    costs = num_blocks.sum(axis=0) * (lengths + 1)
    return int(lengths[costs.argmin()])


def _holds(block: Block, step: int) -> bool:
    return block.first_step <= step < block.last_step
