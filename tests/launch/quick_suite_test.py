"""Studies of the quick suite by `launch.reproduce`, killed and started again.

A verdict is recomputed here from `runs.jsonl` alone: what is shown to a reader must
follow from the raw numbers (more of them, on random numbers, in
`tests/papers/recomputed_verdicts_test.py`).
"""

import collections
import json
import pathlib
import subprocess
import sys
import time

import numpy as np
from absl.testing import absltest

from tests.launch import process
from tests.references import verdicts

# Exact minima, trainings, and measurements.
_STUDIES = [
    "smith_le_2017/fig1",
    "smith_elsen_de_2020/fig5",
    "smith_elsen_de_2020/fig4",
]


def _lines(path):
    """Returns the whole lines of `runs.jsonl`."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def _trained_keys(path):
    """Returns the keys of the finished runs that took stochastic steps."""
    lines = _lines(path)
    return [a["key"] for a in lines if a["config"]["optimizer"]["name"] == "momentum"]


class QuickSuiteTest(absltest.TestCase):
    """By two processes, with two seeds; killed in the middle and started again."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test = cls("test_finished_runs_are_kept")
        cls.output = pathlib.Path(test.create_tempdir("suite").full_path) / "results"
        path = cls.output / "runs.jsonl"
        flags = f"--figure={','.join(_STUDIES)}", f"--output_dir={cls.output}"
        flags += "--seeds=2", "--processes=2"
        first = subprocess.Popen(
            [sys.executable, "-m", "launch.reproduce", *flags],
            cwd=process.ROOT,
            env=process.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # The middle: some exact minima and one of the trained runs have finished.
        while first.poll() is None and not (
            len(_lines(path)) > 20 and _trained_keys(path)
        ):
            time.sleep(0.05)
        first.kill()
        cls.killed = first.wait() == -9
        cls.kept = [line["key"] for line in _lines(path)]
        cls.second = process.reproduce(*flags)
        cls.lines = _lines(path)
        cls.runs = list({line["key"]: line for line in cls.lines}.values())

    def test_finished_runs_are_kept(self):
        self.assertTrue(self.killed, "the first start ended by itself")
        self.assertEqual(self.second.returncode, 0, self.second.stderr)
        counts = collections.Counter(line["key"] for line in self.lines)
        self.assertGreater(len(self.kept), 20)
        self.assertLess(len(self.kept), len(counts))
        self.assertEqual({counts[key] for key in self.kept}, {1})
        self.assertEqual(set(counts.values()), {1})

    def test_files(self):
        self.assertTrue((self.output / "report.html").is_file())
        keys = {run["key"] for run in self.runs}
        for name in _STUDIES:
            path = self.output / name
            for file in ("runs.csv", "curves.csv", "claims.json", "config.json"):
                self.assertTrue((path / file).is_file(), file)
            picture = (path / "figure.png").read_bytes()
            self.assertStartsWith(picture, b"\x89PNG")
            self.assertContainsSubset(
                json.loads((path / "config.json").read_text())["runs"], keys
            )
        # Nothing half-written, and no checkpoint of a run that is over.
        hidden = {path.name for path in self.output.rglob(".*")}
        self.assertEqual(hidden, {".lock"})
        self.assertEmpty([*self.output.glob("runs/*")])
        self.assertTrue((path / "measurements.csv").is_file())

    def test_output_is_quiet_when_piped(self):
        self.assertNotIn("\r", self.second.stdout)
        self.assertNotIn("\x1b", self.second.stdout)
        for name in _STUDIES:
            self.assertIn(f"finished {name}", self.second.stdout)
        self.assertIn(f"report: {self.output / 'report.html'}", self.second.stdout)
        self.assertEmpty(self.second.stderr)

    def test_figure1_memorisation(self):
        claims = json.loads(
            (self.output / "smith_le_2017/fig1/claims.json").read_text()
        )
        (claim,) = (claim for claim in claims if "memorises" in claim["claim"])
        interval = verdicts.memorisation(self.runs)
        np.testing.assert_allclose(
            [claim["measured"], *claim["interval"]], interval, rtol=1e-9, atol=1e-12
        )
        self.assertEqual(claim["verdict"], verdicts.verdict(*interval[1:], above=0.99))


if __name__ == "__main__":
    absltest.main()
