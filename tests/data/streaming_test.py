"""Tests of `bsgen.data.streaming`, with sources in memory and on disk."""

import tempfile
import time

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen import errors
from bsgen.data import crops, pool, streaming
from bsgen.data.datasets import imagenet
from tests.data import made_up_imagenet

_SIZES = np.array([5, 5, 1, 9, 2, 30, 3, 3])
_NUM_STEPS = len(_SIZES)
_FIRST_PLACES = np.cumsum(_SIZES) - _SIZES
_SEED = 11
_BOTH = parameterized.parameters("in_memory", "on_disk")


def _positions_of(step):
    return np.random.default_rng(step).permutation(40)[: _SIZES[step]]


def _places_of(step):
    return _FIRST_PLACES[step] + np.arange(_SIZES[step])


def _in_memory():
    generator = np.random.default_rng(0)
    return pool.Pool(
        name="mine",
        inputs=generator.integers(0, 256, (60, 4, 5, 3), np.uint8),
        labels=generator.integers(0, 7, 60).astype(np.int32),
        num_classes=7,
    )


class StreamingTest(tf.test.TestCase, parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        data_dir = tempfile.TemporaryDirectory()
        cls.addClassCleanup(data_dir.cleanup)
        folder = made_up_imagenet.prepare(data_dir.name)
        cls.sources = {
            "in_memory": _in_memory(),
            "on_disk": imagenet.ImageNet(folder, image_size=16),
        }

    def _batches(self, source, first_step=0, last_step=_NUM_STEPS):
        return streaming.batches(
            source, _positions_of, first_step, last_step, _places_of, _SEED
        )

    def assert_batches_equal(self, batches, expected):
        for batch, other in zip(batches, expected, strict=True):
            for part, other_part in zip(batch, other, strict=True):
                np.testing.assert_array_equal(part, other_part, strict=True)

    @_BOTH
    def test_batches_are_what_gather_returns(self, name):
        source = self.sources[name]
        gathered = [
            source.gather(
                _positions_of(step),
                crops.draw(_SEED, _places_of(step)),
            )
            for step in range(_NUM_STEPS)
        ]
        streamed = [
            (inputs.numpy(), labels.numpy()) for inputs, labels in self._batches(source)
        ]
        self.assert_batches_equal(streamed, gathered)

    @_BOTH
    def test_resuming_at_any_step_continues_bit_for_bit(self, name):
        source = self.sources[name]
        whole = [tuple(map(np.array, batch)) for batch in self._batches(source)]
        for step in range(_NUM_STEPS):
            rest = [tuple(map(np.array, b)) for b in self._batches(source, step)]
            self.assert_batches_equal(rest, whole[step:])

    def test_random_crops_differ_between_places_and_seeds(self):
        source = self.sources["on_disk"]

        def images(first_place, seed):
            batches = streaming.batches(
                source,
                _positions_of,
                0,
                1,
                lambda step: first_place + np.arange(5),
                seed,
            )
            return next(batches)[0].numpy()

        np.testing.assert_array_equal(images(0, 0), images(0, 0))
        self.assertNotAllEqual(images(0, 0), images(5, 0))
        self.assertNotAllEqual(images(0, 0), images(0, 1))

    @_BOTH
    def test_evaluation_is_in_order_and_ends_with_what_remains(self, name):
        source = self.sources[name]
        positions = np.arange(55, 38, -1)
        batches = list(streaming.evaluation_batches(source, positions, 7))
        self.assertEqual([len(labels) for _, labels in batches], [7, 7, 3])
        inputs, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
        self.assert_batches_equal([(inputs, labels)], [source.gather(positions)])
        with self.assertRaisesRegex(errors.UserError, "batch_size=0"):
            streaming.evaluation_batches(source, positions, 0)

    @_BOTH
    def test_reads_a_bounded_number_ahead_and_stops_when_closed(self, name):
        asked = []

        def positions_of(step):
            asked.append(step)
            return [step % 40]

        batches = streaming.batches(self.sources[name], positions_of, 0, 100_000)
        next(batches)
        self.assertLess(self._count_at_rest(asked), 40)
        batches.close()
        self.assertLess(self._count_at_rest(asked), 40)
        found = [*asked]
        self.assertEqual(found, list(range(len(found))))

    def _count_at_rest(self, asked):
        """How many were asked for when no more are, within 10 s."""
        for _ in range(100):
            count = len(asked)
            time.sleep(0.1)
            if len(asked) == count:
                return count
        return len(asked)

    def test_an_unreadable_image_is_named_after_the_batches_before_it(self):
        name, _, data = list(made_up_imagenet.examples("train"))[10]
        folder = made_up_imagenet.prepare(
            self.create_tempdir().full_path, replaced=[(name, data[: len(data) // 2])]
        )
        source = imagenet.ImageNet(folder, image_size=16)
        good = imagenet.ImageNet(self.sources["on_disk"]._folder, image_size=16)
        records = zip(
            source._read(np.arange(40)), good._read(np.arange(40)), strict=True
        )
        bad = [position for position, (a, b) in enumerate(records) if a != b]
        self.assertLen(bad, 1)
        batches = streaming.evaluation_batches(source, np.arange(40), 3)
        for _ in range(bad[0] // 3):
            next(batches)
        with self.assertRaisesRegex(errors.UserError, f"position={bad[0]}: .*JPEG"):
            next(batches)

    def test_order_is_kept_where_images_take_unequal_time(self):
        # Every fifth image takes a hundred times longer to decode.
        names = [name for name, _, _ in made_up_imagenet.examples("train")]
        slow = made_up_imagenet.jpeg(0, 1500, 1500)
        folder = made_up_imagenet.prepare(
            self.create_tempdir().full_path, replaced=[(n, slow) for n in names[::5]]
        )
        source = imagenet.ImageNet(folder, image_size=16)
        ((_, labels),) = streaming.evaluation_batches(source, np.arange(40), 40)
        expected = self.sources["on_disk"].gather(np.arange(40))[1]
        np.testing.assert_array_equal(labels, expected)

    def test_an_error_that_does_not_come_again_is_told(self):
        class Unsteady(pool.Pool):
            def stream(self, requests):
                def fail(positions):
                    zero = tf.constant(0, tf.int64)
                    tf.debugging.assert_less(positions, zero, "the disk coughed")
                    return positions, positions

                return requests.map(fail)

        source = Unsteady(**vars(self.sources["in_memory"]))
        with self.assertRaisesRegex(errors.UserError, "'mine': .*the disk coughed"):
            next(streaming.batches(source, _positions_of, 0, 2))

    def test_an_error_of_the_positions_is_raised_as_it_is(self):
        def positions_of(step):
            raise KeyError("no such step")

        with self.assertRaisesRegex(KeyError, "no such step"):
            next(streaming.batches(self.sources["in_memory"], positions_of, 0, 2))


if __name__ == "__main__":
    tf.test.main()
