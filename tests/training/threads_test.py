"""Tests of the one thread of a process."""

import os
import pathlib
from unittest import mock

from absl.testing import absltest

from bsgen.training import threads


class ThreadsTest(absltest.TestCase):
    def _environment(self, before, has_gpu=False):
        with (
            mock.patch.dict(os.environ, before, clear=True),
            mock.patch.object(pathlib.Path, "exists", return_value=has_gpu),
        ):
            threads.use_one()
            return dict(os.environ)

    def test_one_thread_unless_the_user_says_otherwise(self):
        self.assertEqual(self._environment({}), threads.ONE)
        self.assertIn("TF_NUM_INTRAOP_THREADS", threads.ONE)
        own = {"TF_NUM_INTRAOP_THREADS": "4"}
        self.assertEqual(self._environment(own), {**threads.ONE, **own})

    def test_nothing_changes_beside_a_gpu(self):
        self.assertEqual(self._environment({}, has_gpu=True), {})


if __name__ == "__main__":
    absltest.main()
