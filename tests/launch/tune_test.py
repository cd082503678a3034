"""`launch.tune` as a process: its end, its files, stops, users' functions, mistakes."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys

from absl.testing import absltest, parameterized

from tests.launch import process

_QUICK = (
    *("--train_size=200", "--epochs=5", "--repeats=2", "--hidden_units=32"),
    *("--learning_rates=0.1", "--max_batch_size=40"),
)
_USER = """
import os

import keras
import numpy as np

def data(size=64):
    inputs = np.random.default_rng(0).normal(size=(size, 4)).astype("float32")
    targets = inputs.sum(axis=1, keepdims=True)
    return (inputs, targets), (inputs[:32], targets[:32])

def no_validation():
    return data()[0], None

def build():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])

def raises():
    raise RuntimeError("the user's mistake")

num_built = 0

def raises_late():
    global num_built
    num_built += 1
    if num_built > 2 and not os.path.exists("mended"):
        raise RuntimeError("the user's mistake")
    return build()
"""
# Runs the checks of many command lines in one process, in which TensorFlow is a module
# that ends whoever loads it; prints a line for each.
_CHECK = """
import json, os, sys
from absl import flags
from bsgen import errors
from launch import search_flags, search_role, search_subject, tune

for case in json.loads(sys.argv[1]):
    variables = {k: v for k, v in case.items() if k != "flags"}
    os.environ.update(variables)
    flags.FLAGS.unparse_flags()
    flags.FLAGS(["tune", *case["flags"]])
    try:
        tune.main(["tune"])
    except errors.UserError as error:
        print(error)
    except SystemExit as end:
        print(end)
    for name in [name for name in os.environ if name.startswith("KERASTUNER")]:
        del os.environ[name]
    for flag in case["flags"]:
        flags.FLAGS[flag[2:].split("=")[0]].unparse()
"""
_CHIEF = "--chief=127.0.0.1:8000"
_MISTAKES = (
    (("--epochs=0",), {}, r"epochs=0.0: give more than 0"),
    (("--repeats=0",), {}, r"repeats=0: give an integer from 1 to 1,000"),
    (("--gpu_memory_mb=0",), {}, r"gpu_memory_mb=0: give an integer of at least 1"),
    (("--max_trials=3",), {}, r"max_trials=3: appendix_d ends by itself"),
    (
        ("--oracle=guided", "--learning_rates=1"),
        {},
        r"learning_rates=\['1'\]: guided finds rates",
    ),
    (("--oracle=grid", "--tolerance=0.1"), {}, r"tolerance=0.1: goes with appendix_d"),
    (("--learning_rates=a",), {}, r"learning_rates=\['a'\]: give numbers"),
    (("--loss=mse",), {}, r"loss='mse': goes with --model_fn"),
    (("--model_fn=a:b",), {}, r"data_fn=None: give both"),
    (
        ("--model_fn=a:b", "--data_fn=a:c", "--l2=0.1"),
        {},
        r"l2=0.1: --model_fn and --data_fn decide",
    ),
    (
        ("--model_fn=a:b", "--data_fn=a:c", "--validation_size=5"),
        {},
        r"validation_size=5: --data_fn returns",
    ),
    (("--strategy=multi_worker",), {}, r"strategy='multi_worker': .*--role=chief"),
    (("--dataset=digts",), {}, r"dataset='digts': unknown; did you mean 'digits'"),
    (("--role=chief",), {}, r"chief=None: say where the chief listens"),
    (("--role=chief", "--chief=there"), {}, r"chief='there': say where"),
    ((_CHIEF,), {}, r"chief='127.0.0.1:8000': goes with --role"),
    (("--role=worker", _CHIEF), {}, r"worker_id=None: name the worker"),
    (
        ("--role=worker", _CHIEF, "--worker_id=chief2"),
        {},
        r"worker_id='chief2': name the worker",
    ),
    (("--worker_id=a",), {}, r"worker_id='a': goes with --role=worker"),
    ((), {"KERASTUNER_ORACLE_IP": "here"}, r"environment=.*needs all of"),
    (
        ("--role=chief", _CHIEF),
        {"KERASTUNER_ORACLE_PORT": "8001"},
        r"role='chief': the environment has KERASTUNER_ORACLE_PORT='8001'",
    ),
    (
        ("--role=single",),
        {"KERASTUNER_TUNER_ID": "worker0"},
        r"role='single': the environment has KERASTUNER_TUNER_ID='worker0'",
    ),
    # Right, so TensorFlow is loaded.
    ((), {}, r"^loaded$"),
    (("--role=worker", _CHIEF, "--worker_id=a"), {}, r"^loaded$"),
)


class TuneTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        self.output = self.folder / "search"

    def _start(self, *flags, **options):
        started = process.start("tune", *flags, cwd=self.folder, **options)
        self.addCleanup(started.communicate)
        self.addCleanup(started.kill)
        return started

    def _tune(self, *flags):
        started = self._start(*flags)
        stdout, stderr = started.communicate()
        return started.returncode, stdout, stderr

    def _recommended(self, folder=None):
        path = (folder or self.output) / "recommendation.json"
        found = json.loads(path.read_bytes())
        return {name: found[name] for name in ("setting", "score", "num_steps")}

    def test_ends_with_a_recommendation_and_goes_on_after_kills(self):
        flags = (*_QUICK, f"--output_dir={self.output}")
        lines = []
        for number, code in ((signal.SIGKILL, -9), (signal.SIGINT, 130)):
            started = self._start(*flags, held=True)
            seen = process.read_until(started, "batch size ")
            seen += process.read_until(started, "batch size ")
            started.send_signal(number)
            stderr = started.communicate()[1]
            self.assertEqual(started.returncode, code, stderr)
            self.assertEqual(stderr, "interrupted\n" if code == 130 else "")
            self.assertRegex(seen[0], "^digits_mlp, single search in ")
            if code == 130:
                rows = (self.output / "trials.csv").read_text().splitlines()[1:]
                self.assertGreaterEqual(len(rows), 2)
                picture = (self.output / "figure.png").read_bytes()
                self.assertStartsWith(picture, b"\x89PNG")
                self.assertFalse((self.output / "recommendation.json").exists())
            lines += [line for line in seen if line.startswith("batch size ")]
        code, stdout, stderr = self._tune(*flags)
        self.assertEqual((code, stderr), (0, ""), stderr)
        rest = stdout.splitlines()
        lines += [line for line in rest if line.startswith("batch size ")]
        code, stdout, stderr = self._tune(*_QUICK)
        self.assertEqual((code, stderr), (0, ""), stderr)
        (whole,) = (self.folder / "results/tune").iterdir()
        self.assertStartsWith(whole.name, "digits_mlp_")
        self.assertEqual(self._recommended(), self._recommended(whole))
        expected = stdout.splitlines()
        self.assertEqual(rest[-2], expected[-2])
        self.assertRegex(
            expected[-2], r"^recommended: batch size \d+, learning rate 0.1"
        )
        command = "python -m launch.train --from_search="
        self.assertEqual(rest[-1], f"to train with it: {command}{self.output}")
        # Every finished trial was trained once: its line, less the seconds.
        settings = [line.rsplit(",", 1)[0] for line in lines]
        of_whole = [line for line in expected if line.startswith("batch size ")]
        self.assertEqual(settings, [line.rsplit(",", 1)[0] for line in of_whole])
        for phase in (1, 2, 3):
            self.assertIn(f"phase {phase}: ", stdout)
        names = {path.name for path in self.output.iterdir()}
        files = {"search.json", "trials.csv", "decisions.json", "recommendation.json"}
        self.assertEqual(names, {*files, "figure.png", "trials", ".lock"})
        self.assertEqual({p.name for p in self.folder.iterdir()}, {"results", "search"})

        with self.subTest("another search in its folder"):
            code, _, stderr = self._tune(*flags, "--seed=1")
            self.assertEqual(code, 1)
            self.assertRegex(stderr, "^error: output_dir=.*another search: run, seed")

    def test_users_functions(self):
        (self.folder / "mine.py").write_text(_USER)
        flags = ("--data_fn=mine:data", "--loss=mse", f"--output_dir={self.output}")
        quick = ("--epochs=2", "--learning_rates=0.01", "--max_batch_size=8")
        code, stdout, stderr = self._tune(
            "--model_fn=mine:build", *flags, *quick, "--repeats=1"
        )
        self.assertEqual((code, stderr), (0, ""), stderr)
        self.assertRegex(stdout, r"recommended: .* loss \(lower is better\) \d")
        self.assertTrue((self.output / "figure.png").exists())
        for more, message in (
            (("--model_fn=mine:raises",), "in raises\n(.*\n)*RuntimeError: the user's"),
            (
                ("--model_fn=mine:build", "--data_fn=mine:no_validation"),
                "^error: data_fn='mine:no_validation': let it return",
            ),
        ):
            code, _, stderr = self._tune(*flags, *more)
            self.assertEqual(code, 1)
            self.assertRegex(stderr, message)

    def test_a_function_that_raises_in_the_middle_may_be_mended(self):
        (self.folder / "mine.py").write_text(_USER)
        flags = ["--model_fn=mine:raises_late", "--data_fn=mine:data", "--loss=mse"]
        flags += ["--epochs=2", "--learning_rates=0.01", "--max_batch_size=8"]
        flags += ["--repeats=1", f"--output_dir={self.output}"]
        code, stdout, stderr = self._tune(*flags)
        self.assertEqual(code, 1)
        self.assertNotIn("Traceback", stdout)
        # It is built once to learn its metric, once for a trial, then no more.
        (num_failed, count) = re.search(
            r"error: (\d+) of (\d+) trials f", stderr
        ).groups()
        self.assertEqual(int(num_failed), int(count) - 1)
        self.assertEqual(
            stderr.count("RuntimeError: the user's mistake"), int(num_failed)
        )
        (self.folder / "mended").touch()
        code, stdout, stderr = self._tune(*flags)
        self.assertEqual((code, stderr), (0, ""), stderr)
        self.assertIn("recommended: ", stdout)

    def test_guided(self):
        flags = ["--oracle=guided", *_QUICK[:-2], "--max_batch_size=40"]
        flags += ["--tolerance=0.02", f"--output_dir={self.output}"]
        code, stdout, stderr = self._tune(*flags)
        self.assertEqual((code, stderr), (0, ""), stderr)
        for when in ("at the start", *(f"phase {phase}" for phase in range(1, 5))):
            self.assertRegex(stdout, f"(?m)^{when}: ")
        kept = json.loads((self.output / "guided.json").read_bytes())
        self.assertIn(kept["measurement"], stdout)
        self.assertEqual(kept["tolerance"], 0.02)
        self.assertRegex(stdout, "recommended: batch size ")
        again = self._tune(*flags)[1]
        self.assertNotRegex(again, "(?m)^batch size ")  # nothing is trained again
        self.assertEqual(again.splitlines()[-1], stdout.splitlines()[-1])

    def test_halving(self):
        flags = ["--oracle=halving", *_QUICK[:-2], "--max_batch_size=40"]
        flags += [f"--output_dir={self.output}"]
        code, stdout, stderr = self._tune(*flags)
        self.assertEqual((code, stderr), (0, ""), stderr)
        for phase in (1, 2, 4):
            self.assertRegex(stdout, f"(?m)^phase {phase}: ")
        self.assertRegex(stdout, r"(?m)^batch size .* \(0.05 of a run\): ")
        self.assertRegex(stdout, "recommended: batch size ")
        again = self._tune(*flags)[1]
        self.assertNotRegex(again, "(?m)^batch size ")  # nothing is trained again
        self.assertEqual(again.splitlines()[-1], stdout.splitlines()[-1])

    def test_mistakes_are_found_before_tensorflow_is_loaded(self):
        fake = self.create_tempfile("fake/tensorflow.py", "raise SystemExit('loaded')")
        paths = [os.path.dirname(fake.full_path), str(process.ROOT)]
        cases = [{"flags": given, **more} for given, more, _ in _MISTAKES]
        done = subprocess.run(
            [sys.executable, "-c", _CHECK, json.dumps(cases)],
            cwd=self.folder,
            env=process.environment(PYTHONPATH=os.pathsep.join(paths)),
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.stderr, "")
        lines = done.stdout.splitlines()
        self.assertLen(lines, len(_MISTAKES))
        for line, (_, _, message) in zip(lines, _MISTAKES, strict=True):
            self.assertRegex(line, message)
        self.assertEmpty([*self.folder.iterdir()])


if __name__ == "__main__":
    absltest.main()
