"""Tests of training on ImageNet, which streams, with a small made-up one."""

import os
import pathlib
import signal
import tempfile
from unittest import mock

import numpy as np
import tensorflow as tf

from bsgen.data import crops, sampling
from bsgen.data.datasets import imagenet
from bsgen.training import checkpoints, interruption, loop
from bsgen.training.loop import run_loop
from tests.data import made_up_imagenet
from tests.training import made_up_runs

_SIZE = 16


class ImageNetTest(tf.test.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        data_dir = tempfile.TemporaryDirectory()
        cls.addClassCleanup(data_dir.cleanup)
        folder = made_up_imagenet.prepare(data_dir.name)
        cls.source = imagenet.ImageNet(folder, _SIZE)

    def _run(self):
        return made_up_runs.run(
            num_steps=5,
            evaluation_steps=(2,),
            data_settings={"scaling": "imagenet", "augmentation": "flip"},
        )

    def _train(self, stop=None):
        """Returns record and folder of a run that was stopped once, and continued."""
        path = pathlib.Path(self.create_tempdir().full_path)

        class Stopping(loop.Observer):
            def advanced(self, progress):
                if progress.step == stop:
                    os.kill(os.getpid(), signal.SIGTERM)

        # One step a call, however fast the machine is, so that any may be the last.
        one_step = mock.patch.object(run_loop, "_SECONDS_PER_CALL", 0.0)
        with made_up_runs.source(self.source), one_step:
            if stop:
                with self.assertRaises(interruption.Interrupted):
                    loop.train(self._run(), path, observer=Stopping())
            resume = "must" if stop else "auto"
            return loop.train(self._run(), path, loop.Options(resume=resume)), path

    def test_goes_on_with_the_same_crops(self):
        whole, first = self._train()
        self.assertEqual(whole.curve["step"], [2, 5])
        for stop in (1, 4):
            again, second = self._train(stop)
            for name in ("test_cross_entropy", "batch_cross_entropy"):
                self.assertEqual(again.curve[name], whole.curve[name])
            self.assertEqual(again.final, whole.final)
            ours, theirs = (
                checkpoints.load_latest(path, self.fail).arrays
                for path in (first, second)
            )
            for name, array in ours.items():
                np.testing.assert_array_equal(array, theirs[name], name)

    def test_crops_follow_from_the_place(self):
        run = self._run()
        trained = made_up_runs.ready(run, found=self.source)
        self.addCleanup(trained.close)
        places = 3 * 8 + np.arange(8)  # of step 3
        chosen = trained._split.train[sampling.stream(run.seed, 24, 8, 40)]
        images, labels = self.source.gather(chosen, crops.draw(run.seed, places))
        batch = trained._feed.training(3, 4)
        np.testing.assert_array_equal(batch.examples[0], images)
        np.testing.assert_array_equal(batch.labels[0], labels)

    def test_evaluates_centre_crops(self):
        with made_up_runs.source(self.source):
            trained = made_up_runs.ready(self._run(), found=self.source)
        self.addCleanup(trained.close)
        positions = np.arange(40, 56)
        images, labels = self.source.gather(positions)
        mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        logits = trained.model(np.float32((images / 255 - mean) / deviation)).numpy()
        logits = logits.astype(np.float64)
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        expected = -np.log(shares[np.arange(16), labels]).mean()
        measured = trained.evaluate("test")["test_cross_entropy"]
        self.assertAllClose(measured, expected, 1e-5, 1e-5)

    def test_two_replicas_take_the_steps_of_one(self):
        states = []
        for replicas in (1, 2):
            trained = made_up_runs.ready(self._run(), replicas, self.source)
            self.addCleanup(trained.close)
            for step in range(3):
                trained.take_steps(step, step + 1)
            states.append(trained.state.arrays())
        for name, array in states[0].items():
            self.assertAllClose(array, states[1][name], 2e-5, 2e-5)

    def test_reads_again_only_where_it_was_left(self):
        trained = made_up_runs.ready(self._run(), found=self.source)
        self.addCleanup(trained.close)
        stream = imagenet.ImageNet.stream
        with mock.patch.object(
            imagenet.ImageNet, "stream", autospec=True, side_effect=stream
        ) as opened:
            for step in range(3):
                trained.take_steps(step, step + 1)
            self.assertEqual(opened.call_count, 1)


if __name__ == "__main__":
    tf.test.main()
