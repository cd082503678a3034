"""A campaign killed in the middle of a program keeps the runs that had ended."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
from unittest import mock

from absl.testing import absltest

from bsgen.training import execution, records
from bsgen.training.ensemble import engine, grouping
from tests.training import small_runs

_ROOT = pathlib.Path(__file__).parents[2]
_LENGTHS = (20, 40, 60, 90)


def _runs():
    first = small_runs.run(num_steps=20)
    return [
        dataclasses.replace(first, num_steps=n, evaluation_steps=(), seed=n)
        for n in _LENGTHS
    ]


def train_and_die(folder):
    """Trains the runs, and kills this process when two of them are on the disk."""
    ended = []

    def on_record(record):
        ended.append(record)
        if len(ended) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    gpu = mock.patch.object(engine, "_device", lambda: grouping.GPU)  # fills programs
    with gpu, small_runs.spied_programs() as sizes:
        execution.execute(
            _runs(),
            records.RunStore(folder),
            on_work=lambda seconds: print(sizes[-1:], flush=True),
            on_record=on_record,
        )


class KilledChunkTest(absltest.TestCase):
    def test_it_keeps_what_had_ended_and_continues(self):
        folder = self.create_tempdir().full_path
        command = f"from {__name__} import train_and_die; train_and_die({folder!r})"
        killed = subprocess.run(
            [sys.executable, "-c", command], cwd=_ROOT, capture_output=True, text=True
        )
        self.assertEqual(killed.returncode, -signal.SIGKILL, killed.stderr)
        self.assertStartsWith(killed.stdout, "[4]\n")  # all four were in the program
        store = records.RunStore(folder)
        self.assertEqual(store.missing(_runs()), _runs()[2:])
        before = store.path.read_bytes()
        trained = []
        execution.execute(_runs(), store, on_record=trained.append)
        self.assertEqual([record.run for record in trained], _runs()[2:])
        self.assertStartsWith(store.path.read_bytes(), before)
        whole = small_runs.train(_runs())
        for run in _runs():
            found = store.find(run)
            for name, value in whole[run.key].final.items():
                self.assertAlmostEqual(found.final[name], value, delta=1e-6)


if __name__ == "__main__":
    absltest.main()
