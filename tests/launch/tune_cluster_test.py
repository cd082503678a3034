"""A chief and two workers equal one process, whichever of them is killed."""

import collections
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import pandas as pd
from absl.testing import absltest, parameterized

from tests.launch import process

# Trials of a second or more, so that kills land in them.
_SEARCH = ("--train_size=200", "--epochs=5", "--repeats=2", "--hidden_units=32")
_SEARCH += ("--learning_rates=0.1",)
_TIMINGS = ["seconds"]
_SECONDS = 240  # for anything: the machine may be busy


class Cluster:
    """A running `launch.tune_cluster`: its lines so far, and its processes."""

    def __init__(self, *flags, cwd):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "launch.tune_cluster", *flags],
            cwd=cwd,
            env=process.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # It may be ignored where the tests outlive their terminal.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def numbers(self, name):
        """The numbers of a child's processes, the newest last."""
        found = [
            re.match(rf"\[{name}\] is process (\d+)$", each) for each in self.lines
        ]
        return [int(each[1]) for each in found if each]

    def wait_for(self, condition):
        deadline = time.monotonic() + _SECONDS
        while not (found := condition()):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError("\n".join(self.lines))
            time.sleep(0.02)
        return found

    def finish(self):
        code = self.process.wait(_SECONDS)
        self._reader.join(_SECONDS)
        return code

    def stop(self):
        self.process.kill()
        self.process.wait()
        for name in ("chief", "worker0", "worker1"):
            for number in self.numbers(name):
                end(number)
        self._reader.join(10)
        self.process.stdout.close()


def end(number):
    if is_alive(number):
        os.kill(number, signal.SIGKILL)


def is_alive(number):
    path = pathlib.Path(f"/proc/{number}/stat")
    try:
        return path.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class TuneClusterTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        self.output = self.folder / "cluster"

    def _start(self, *flags):
        cluster = Cluster(*flags, cwd=self.folder)
        self.addCleanup(cluster.stop)
        return cluster

    def _in_trials(self):
        """The trials by worker, as the chief has saved them."""
        try:
            text = (self.output / "trials" / "oracle.json").read_bytes()
        except FileNotFoundError:
            return {}
        return json.loads(text)["ongoing_trials"]

    def _found(self, folder):
        """What a search found, but for times and the order of its trials."""
        recommendation = json.loads((folder / "recommendation.json").read_bytes())
        for name in ("seconds", "words"):
            recommendation.pop(name, None)
        table = pd.read_csv(folder / "trials.csv").drop(columns=_TIMINGS)
        names = list(table.columns)
        table = table.sort_values(names).reset_index(drop=True)
        decisions = json.loads((folder / "decisions.json").read_bytes())
        return recommendation, table, decisions

    def test_equals_one_process_whoever_is_killed(self):
        alone = self.folder / "alone"
        single = process.run("tune", *_SEARCH, f"--output_dir={alone}")
        self.assertEqual(single.returncode, 0, single.stderr)
        cluster = self._start("--", *_SEARCH, f"--output_dir={self.output}")

        cluster.wait_for(lambda: "worker1" in self._in_trials())
        lost = self._in_trials()["worker1"]
        os.kill(cluster.numbers("worker1")[-1], signal.SIGKILL)
        cluster.wait_for(lambda: len(cluster.numbers("worker1")) == 2)
        # It stays the worker's own while it is away.
        self.assertEqual(self._in_trials()["worker1"], lost)
        cluster.wait_for(lambda: self._in_trials().get("worker1", lost) != lost)

        running = cluster.wait_for(
            lambda: found if len(found := self._in_trials()) == 2 else None
        )
        os.kill(cluster.numbers("chief")[-1], signal.SIGKILL)
        cluster.wait_for(lambda: len(cluster.numbers("chief")) == 2)

        code = cluster.finish()
        self.assertEqual(code, 0, "\n".join(cluster.lines))
        expected, found = self._found(alone), self._found(self.output)
        self.assertEqual(found[0], expected[0])
        pd.testing.assert_frame_equal(found[1], expected[1])
        self.assertEqual(found[2], expected[2])
        # Each request was trained once to its end, also those during the kills.
        self.assertLen(running, 2)
        requests = found[1][["batch_size", "learning_rate", "momentum", "repeats"]]
        self.assertFalse(requests.duplicated().any())
        trained = [
            line.partition("] ")[2].partition(":")[0]
            for line in cluster.lines
            if re.match(r"\[worker\d\] batch size ", line)
        ]
        settings = requests[["batch_size", "learning_rate", "momentum"]].itertuples()
        self.assertLen(trained, len(requests))
        self.assertEqual(
            sorted(collections.Counter(trained).values()),
            sorted(collections.Counter(tuple(each)[1:] for each in settings).values()),
        )
        states = [
            json.loads(path.read_bytes())["status"]
            for path in self.output.glob("trials/*/trial.json")
        ]
        self.assertEqual(states, ["COMPLETED"] * len(requests))
        for name in ("chief", "worker1"):
            said = [line for line in cluster.lines if line.startswith(f"{name} was")]
            self.assertEqual(
                said, [f"{name} was ended (signal 9, Killed); starting it again"]
            )
            self.assertFalse(any(map(is_alive, cluster.numbers(name))))

    @parameterized.parameters(
        (signal.SIGINT, 130),
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGKILL, -9),
    )
    def test_leaves_no_process_behind(self, number, code):
        if number == signal.SIGKILL and sys.platform != "linux":
            self.skipTest("only Linux ends children with their parent")
        cluster = self._start("--", *_SEARCH, f"--output_dir={self.output}")
        cluster.wait_for(lambda: len(cluster.numbers("worker1")) == 1)
        started = sum(map(cluster.numbers, ("chief", "worker0", "worker1")), [])
        self.assertTrue(all(map(is_alive, started)))
        cluster.process.send_signal(number)
        self.assertEqual(cluster.finish(), code)
        deadline = time.monotonic() + _SECONDS
        while any(map(is_alive, started)) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertFalse(any(map(is_alive, started)))
        self.assertNotIn("Traceback", "\n".join(cluster.lines))

    def test_gives_up_after_some_kills(self):
        flags = ("--restarts=1", "--num_workers=1", "--", *_SEARCH)
        cluster = self._start(*flags, f"--output_dir={self.output}")
        for count in (1, 2):
            cluster.wait_for(
                lambda count=count: len(cluster.numbers("worker0")) == count
            )
            os.kill(cluster.numbers("worker0")[-1], signal.SIGKILL)
        self.assertEqual(cluster.finish(), 137)
        self.assertIn(
            "error: worker0 ended (signal 9, Killed), and so does all", cluster.lines
        )

    @parameterized.parameters(
        (("--", "--role=chief"), "^error: argument='--role=chief': every process"),
        (("--", "--epochs=0"), "^error: epochs=0.0: give more than 0$"),
    )
    def test_mistakes(self, flags, message):
        cluster = self._start(*flags)
        self.assertEqual(cluster.finish(), 1)
        self.assertRegex("\n".join(cluster.lines), message)


if __name__ == "__main__":
    absltest.main()
