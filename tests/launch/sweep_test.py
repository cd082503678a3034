"""`launch.sweep`: killed and continued, grown, remade; mistakes that need the data."""

import json
import pathlib
import time

import pandas as pd
from absl.testing import absltest

from tests.launch import process

_SECONDS = 240  # for anything: the machine may be busy
_FLAGS = ("--model=mlp", "--hidden_units=8", "--train_size=200", "--steps=500")
_FLAGS += ("--weight_distance", "--evaluations_per_decade=3")


class SweepTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        self.output = self.folder / "sweep"

    def _start(self, *flags):
        return process.start("sweep", *flags, cwd=self.folder)

    def _run(self, *flags, status=0, launcher="sweep"):
        done = process.run(launcher, *flags, cwd=self.folder)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def _lines(self):
        """Returns the whole lines of `runs.jsonl`; a kill may leave a part of one."""
        path = self.output / "runs.jsonl"
        return path.read_text().split("\n")[:-1] if path.exists() else []

    def test_killed_and_continued_and_grown(self):
        flags = (*_FLAGS, f"--output_dir={self.output}", "--axis=learning_rate=0.1,1")
        first = (*flags, "--axis=batch_size=10..80*2", "--seeds=2")
        with self._start(*first) as killed:
            deadline = time.monotonic() + _SECONDS
            while not self._lines() and time.monotonic() < deadline:
                time.sleep(0.01)
            killed.kill()
        kept = self._lines()
        self.assertBetween(len(kept), 1, 15)

        out, _ = self._run(*first)
        self.assertIn(f"{16 - len(kept)} of 16 runs to train", out)
        self.assertIn("best setting (by the test set", out)
        self.assertEqual(self._lines()[: len(kept)], kept)
        keys = [json.loads(line)["key"] for line in self._lines()]
        self.assertLen(set(keys), 16)
        self.assertLen(keys, 16)
        table = pd.read_csv(self.output / "sweep.csv")
        self.assertCountEqual(table["key"], keys)
        self.assertEqual(set(table["batch_size"]), {10, 20, 40, 80})
        self.assertGreater(table["final_weight_distance"].min(), 0.1)
        picture = (self.output / "sweep.png").read_bytes()

        # A larger grid trains what is new; the report trains nothing.
        out, _ = self._run(*flags, "--axis=batch_size=5..80*2", "--seeds=2")
        self.assertIn("4 of 20 runs to train", out)
        grown = (self.output / "sweep.png").read_bytes()
        self.assertNotEqual(grown, picture)
        (self.output / "sweep.png").unlink()
        before = self._lines()
        self._run(f"--output_dir={self.output}", launcher="report")
        self.assertEqual((self.output / "sweep.png").read_bytes(), grown)
        self.assertEqual(self._lines(), before)

    def test_a_protocol_extends_its_rates_and_trains_nothing_twice(self):
        flags = ("--protocol=constant_steps", "--steps=60", "--seeds=3", "--keep=2")
        flags += ("--model=mlp", "--hidden_units=8", "--train_size=200")
        flags += ("--validation_size=50", "--extend", "--axis=batch_size=5,20")
        flags += ("--axis=effective_learning_rate=2,4",)
        flags += (f"--output_dir={self.output}",)
        with self._start(*flags) as killed:
            deadline = time.monotonic() + _SECONDS
            while len(self._lines()) < 13 and time.monotonic() < deadline:
                time.sleep(0.01)
            killed.kill()
        kept = self._lines()
        self.assertGreater(len(kept), 12)
        out, _ = self._run(*flags)
        self.assertEqual(self._lines()[: len(kept)], kept)
        keys = [json.loads(line)["key"] for line in self._lines()]
        self.assertLen(set(keys), len(keys))
        self.assertIn("best 2 of 3 runs", out)
        optima = pd.read_csv(self.output / "optima.csv", keep_default_na=False)
        self.assertEqual(set(optima["edge"]), {""})
        self.assertEqual(set(optima["loss_edge"]), {""})
        rates = pd.read_csv(self.output / "rates.csv")
        self.assertEqual(rates["runs"].sum(), len(keys))
        # Each rate is twice the one before.
        for _, own in rates.groupby("batch_size"):
            tried = own["effective_learning_rate"].to_numpy()
            self.assertEqual((tried[1:] / tried[:-1]).tolist(), [2.0] * (len(own) - 1))

    def test_a_budget_that_is_shorter_than_the_schedule(self):
        flags = ("--protocol=epoch_budgets", "--axis=epochs=2,4", "--select_by=test")
        flags += ("--train_size=200", "--axis=learning_rate=0.1,0.2")
        _, err = self._run(*flags, f"--output_dir={self.output}", status=1)
        message = "num_decays=10: num_steps=3 leaves no room for .*; take more steps"
        self.assertRegex(err, f"^error: {message}\n$")

    def test_a_budget_that_a_batch_cannot_fill(self):
        flags = ("--epochs=0.5", "--axis=batch_size=60,120", "--train_size=200")
        _, err = self._run(*flags, f"--output_dir={self.output}", status=1)
        message = "num_epochs=0.5: shorter than one step: batch_size=120, .*"
        self.assertRegex(err, rf"^error: {message} \(at batch_size=120\)\n$")
        self.assertFalse(self.output.exists())


if __name__ == "__main__":
    absltest.main()
