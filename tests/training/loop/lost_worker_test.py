"""Tests of what a worker says, and leaves behind, when another one is lost."""

import gc
import weakref
from unittest import mock

import tensorflow as tf
from absl.testing import absltest

from bsgen import errors
from bsgen.training import loop
from bsgen.training.loop import strategies
from tests.training import made_up_runs


class _Pool:
    """Of threads, which TensorFlow's reduction closes only where nothing is raised."""


class _SecondOfTwo(strategies.Devices):
    """Loses the first worker as soon as they have to agree."""

    pools: list[weakref.ref] = []

    def __init__(self, hardware):
        super().__init__(hardware)
        self.num_workers, self.worker = 2, 1

    def largest(self, values):
        pool = _Pool()
        self.pools.append(weakref.ref(pool))
        # The frame knows the error, and the error its frame.
        error = tf.errors.UnavailableError(None, None, "connection reset by peer")
        raise error


class LostWorkerTest(absltest.TestCase):
    def test_names_the_worker_and_leaves_no_threads(self):
        gc.disable()
        self.addCleanup(gc.enable)
        self.enterContext(made_up_runs.source())
        self.enterContext(mock.patch.object(strategies, "Devices", _SecondOfTwo))
        found = None
        try:
            loop.train(made_up_runs.run(), self.create_tempdir().full_path)
        except errors.UserError as error:
            found = error  # with its cause and that one's frames
        self.assertRegex(
            str(found), "^TF_CONFIG='worker 1': lost another worker; start all of them"
        )
        self.assertIsInstance(found.__cause__, tf.errors.UnavailableError)
        (pool,) = _SecondOfTwo.pools
        self.assertIsNone(pool())


if __name__ == "__main__":
    absltest.main()
