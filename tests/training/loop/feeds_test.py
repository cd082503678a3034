"""Tests of `bsgen.training.loop.feeds`."""

import types
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from bsgen.data import augmentation, loss_weights, sampling
from bsgen.training import step_plan
from bsgen.training.loop import feeds
from tests.training import made_up_runs

_BOTH = parameterized.parameters(True, False)


def _feed(run=None, resident=True, found=None, worker=0, num_workers=1, replicas=1):
    found = found or made_up_runs.pool()
    run = run or made_up_runs.run(batch_size_schedule=made_up_runs.GROW, loss_noise=0.5)
    train = np.random.default_rng(1).permutation(found.train_pool).astype(np.int32)
    steps = step_plan.make(run, len(train))
    devices = types.SimpleNamespace(
        worker=worker, num_workers=num_workers, replicas_of_worker=replicas
    )
    feed = feeds.Feed(run, steps, found, train, found if resident else None, devices)
    return feed, train


def _images(feed, found, first, last):
    """Images, labels, draws and weights of steps, wherever the images are."""
    batch = feed.training(first, last)
    examples = np.asarray(batch.examples)
    if examples.ndim == 2:
        examples = found.inputs[examples]
    others = batch.labels, *batch.draws, *batch.loss_weights
    return [examples, *map(np.asarray, others)]


class TrainingTest(tf.test.TestCase, parameterized.TestCase):
    def assert_equal(self, first, second):
        self.assertLen(first, len(second))
        for a, b in zip(first, second, strict=True):
            self.assertEqual(a.dtype, b.dtype)
            np.testing.assert_array_equal(a, b)

    @parameterized.product(resident=(True, False), kind=("shuffle", "independent"))
    def test_brings_the_examples_of_the_steps(self, resident, kind):
        run = made_up_runs.run(
            data_settings={"sampling": kind},
            batch_size_schedule=made_up_runs.GROW,
            loss_noise=0.5,
        )
        found = made_up_runs.pool()
        feed, train = _feed(run, resident, found)
        self.addCleanup(feed.close)
        for first, last, place, size in ((0, 4, 0, 8), (4, 8, 32, 16)):
            count = (last - first) * size
            if kind == "shuffle":
                chosen = sampling.stream(run.seed, place, count, 60)
            else:
                chosen = sampling.independent_batches(
                    run.seed, first, last - first, size, 60
                )
            chosen = train[chosen.reshape(-1, size)]
            drawn = augmentation.draws(
                augmentation.by_name("crop_flip"), run.seed, place, count
            )
            expected = [found.inputs[chosen], found.labels[chosen]]
            drawn = *drawn, loss_weights.draws(0.5, run.seed, place, count)
            expected += [each.reshape(-1, size) for each in drawn]
            self.assert_equal(_images(feed, found, first, last), expected)

    @parameterized.parameters("crop_flip", "none")
    def test_streams_what_would_lie_on_the_device(self, name):
        run = made_up_runs.run(
            data_settings={"augmentation": name},
            batch_size_schedule=made_up_runs.GROW,
        )
        found = made_up_runs.pool()
        resident, streamed = (_feed(run, each, found)[0] for each in (True, False))
        self.addCleanup(streamed.close)
        # In order, from the middle, back again, and the last one.
        for first, last in ((0, 1), (1, 4), (5, 7), (2, 3), (7, 8), (4, 6)):
            self.assert_equal(
                _images(streamed, found, first, last),
                _images(resident, found, first, last),
            )

    @parameterized.product(resident=(True, False), num_workers=(2, 4))
    def test_shares_of_workers_make_the_batch(self, resident, num_workers):
        found = made_up_runs.pool()
        whole = _images(_feed(None, True, found)[0], found, 4, 6)
        shares = []
        for worker in range(num_workers):
            feed = _feed(None, resident, found, worker=worker, num_workers=num_workers)[
                0
            ]
            shares.append(_images(feed, found, 4, 6))
            feed.close()
        joined = [np.concatenate(part, 1) for part in zip(*shares, strict=True)]
        self.assert_equal(joined, whole)

    def test_few_steps_a_call_where_a_batch_brings_its_images(self):
        self.assertEqual(_feed(resident=False)[0].max_steps, 1)
        self.assertEqual(_feed()[0].max_steps, 1000)
        with mock.patch.object(feeds, "_MAX_POSITIONS", 2**7):  # in batches of 16
            self.assertEqual(_feed()[0].max_steps, 8)


class EvaluationTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.product(
        resident=(True, False),
        count=(1, 31, 64, 65, 200),
        num_workers=(1, 3),
        replicas=(1, 2),
    )
    def test_every_example_counts_once(self, resident, count, num_workers, replicas):
        found = made_up_runs.pool(sizes=(60, 200))
        positions = np.random.default_rng(count).permutation(260)[:count]
        seen, numbers = [], set()
        for worker in range(num_workers):
            feed = _feed(
                None,
                resident,
                found,
                worker=worker,
                num_workers=num_workers,
                replicas=replicas,
            )[0]
            feed._evaluation_size = 16 * replicas
            given = list(feed.evaluation(positions))
            numbers.add(len(given))
            for batch, weights in given:
                self.assertEqual((batch.draws, batch.loss_weights), ((), ()))
                self.assertLen(batch.examples, 16 * replicas)
                self.assertLen(weights, 16 * replicas)
                examples = np.asarray(batch.examples)
                if resident:
                    examples = found.inputs[examples]
                for image, label, weight in zip(
                    examples, np.asarray(batch.labels), weights, strict=True
                ):
                    self.assertIn(weight, (0.0, 1.0))
                    if weight:
                        seen.append((image.tobytes(), label))
        self.assertLen(numbers, 1)  # all workers take part in as many calls
        expected = [(found.inputs[p].tobytes(), found.labels[p]) for p in positions]
        self.assertCountEqual(seen, expected)

    def test_batches_are_bounded(self):
        # 3 x 2^20 values: 1000 images of 8 x 8 x 3 at most, 32 of any size at least.
        self.assertEqual(_feed(replicas=2)[0]._evaluation_size, 2000)
        pool = made_up_runs.pool()
        large = np.lib.stride_tricks.as_strided(
            pool.inputs, (82, 400, 400, 3), (192, 0, 0, 0)
        )
        object.__setattr__(pool, "inputs", large)
        self.assertEqual(_feed(found=pool)[0]._evaluation_size, 32)


if __name__ == "__main__":
    tf.test.main()
