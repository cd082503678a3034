"""Mistakes on the command line of `launch.train`: one line, nothing lost."""

import os
import pathlib

from absl.testing import absltest, parameterized

from bsgen.training import checkpoints
from tests.launch import process

_NETWORK = ("--model=normalized_mlp", "--hidden_units=16")
_FULL = 40_000  # no file grows over these bytes, like those of a disk that is full
_TWO = ("--batch_size=63", "--strategy=mirrored", "--num_devices=2")


def _contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class MistakesTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        self.output = self.folder / "run"
        # In the place of TensorFlow, a module that ends whoever loads it.
        fake = self.create_tempfile("fake/tensorflow.py", "raise SystemExit('loaded')")
        self.fake = os.path.dirname(fake.full_path)

    def _assert_refused(self, message, *flags):
        self._assert_one_line(
            process.run(
                "train", f"--output_dir={self.output}", *flags, cwd=self.folder
            ),
            message,
        )

    def _assert_one_line(self, done, message):
        self.assertEqual(done.returncode, 1, done)
        written = done.stderr.splitlines()
        self.assertLen(written, 1, done.stderr)
        self.assertRegex(written[0], f"^error: {message}")

    def _assert_refused_at_once(self, message, *flags, **more):
        paths = os.pathsep.join([self.fake, str(process.ROOT)])
        output = f"--output_dir={self.output}"
        done = process.run_anew("train", output, *flags, PYTHONPATH=paths, **more)
        self._assert_one_line(done, message)
        self.assertEmpty(done.stdout)
        self.assertFalse(self.output.exists())

    def test_cluster(self):
        task = '"task": {"type": "worker", "index": 1}'
        text = f'{{"cluster": {{"worker": ["a:1"]}}, {task}}}'
        message = "TF_CONFIG='.*': it.*; strategy 'multi_worker' needs, "
        flags = ("--steps=2", "--strategy=multi_worker")
        self._assert_refused_at_once(message, *flags, TF_CONFIG=text)

    def test_a_folder_without_the_dataset(self):
        data_dir = self.folder / "data"
        (data_dir / "mnist" / "3.0.1").mkdir(parents=True)
        (data_dir / "mnist" / "3.0.1" / "dataset_info.json").write_text("{}")
        self._assert_refused_at_once(
            f"dataset='cifar10': not prepared in {data_dir}; run `python -m "
            f"launch.prepare_data --dataset=cifar10 --data_dir={data_dir}`",
            "--steps=2",
            "--dataset=cifar10",
            f"--data_dir={data_dir}",
        )

    @parameterized.parameters(
        (
            r"boundaries=\(81.0,\): 81 epochs are beyond the budget",
            "--schedule=stepwise boundaries=81 factors=0.1",
        ),
        ("batch_size=2000: .*train_size=1200", "--batch_size=2000"),
    )
    def test_leaves_no_folder(self, message, *flags):
        self._assert_refused(message, "--steps=2", *flags)
        self.assertFalse(self.output.exists())

    def test_batches_that_cannot_be_cut(self):
        right = ("--steps=2", *_NETWORK)
        ghosts = "ghost_batch_size=%d: give a divisor of the 128 examples"
        for message, *flags in (
            (ghosts % 256, "--ghost_batch_size=256"),
            (ghosts % 48, "--ghost_batch_size=48"),
            ("gradient_accumulation=2: .*'ghost'", "--gradient_accumulation=2"),
            ("batch_size=63: give a multiple of the 2 replicas", *_TWO),
        ):
            with self.subTest(message):
                self._assert_refused(message, *right, *flags)
        # The folder is free for the right command.
        done = process.run("train", f"--output_dir={self.output}", *right)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_an_output_folder_that_is_a_file(self):
        self.output.write_text("a file")
        self._assert_refused(
            f"output_dir='{self.output}': cannot write there", "--steps=2"
        )
        self.assertEqual(self.output.read_text(), "a file")

    def test_an_output_folder_that_cannot_be_written(self):
        # Not even root may make a folder there.
        done = process.run("train", "--steps=2", "--output_dir=/proc/run")
        self.assertEqual(done.returncode, 1)
        self.assertStartsWith(done.stderr, "error: output_dir='/proc/run': cannot w")
        self.assertLen(done.stderr.splitlines(), 1)

    def test_a_full_disk(self):
        flags = ("--steps=40", "--evaluation_steps=10", "--deterministic")
        network = ("--model=mlp", "--hidden_units=150")  # 88 kB a checkpoint
        flags += (*network, f"--output_dir={self.output}")
        first = process.run("train", *flags, max_file_bytes=_FULL)
        self.assertEqual(first.returncode, 1, first)
        self.assertEqual(
            first.stderr,
            f"error: output_dir='{self.output}': cannot write there (File too large); "
            "choose another folder\n",
        )
        left = sorted(path.name for path in self.output.iterdir())
        self.assertEqual(left, [".lock", "config.json", "metrics.jsonl"])
        self.assertEqual((self.output / "metrics.jsonl").read_text(), "")

    def test_a_disk_that_fills_up(self):
        flags = (*_NETWORK, "--steps=200", "--evaluation_steps=1", "--deterministic")
        flags += ("--ghost_batch_size=16", f"--output_dir={self.output}")
        # The records make a checkpoint grow over the limit, some time.
        first = process.run("train", *flags, max_file_bytes=_FULL)
        self.assertEqual(first.returncode, 1, first)
        self.assertRegex(
            first.stderr, r"^error: output_dir='.*': .*\(File too large\).*\n$"
        )
        newest = checkpoints.load_latest(self.output, self.fail)
        lines = (self.output / "metrics.jsonl").read_text().splitlines()
        self.assertLen(lines, newest.step)
        self.assertBetween(newest.step, 2, 199)
        again = process.run("train", *flags)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn(f"continuing after step {newest.step} of 200", again.stdout)
        after = (self.output / "metrics.jsonl").read_text().splitlines()
        self.assertEqual(after[: len(lines)], lines)
        self.assertLen(after, 200)


if __name__ == "__main__":
    absltest.main()
