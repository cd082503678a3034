"""Tests of the folder of one run."""

import json
import math
import os
import pathlib
import zipfile
from unittest import mock

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import config, errors
from bsgen.training import checkpoints, run_files, run_folder
from tests.training import metrics_file

_HARDWARE = config.HardwareConfig()
_AGAIN = "made again from the checkpoint of step 1"
_SUMMARY = {"status": "completed", "step": 1, "final": {}, "seconds": 0.5}


def _run(learning_rate=0.1, **settings):
    optimizer = config.MomentumConfig(learning_rate=learning_rate)
    return config.RunConfig(optimizer=optimizer, **settings)


def _checkpoint(step):
    info = {"history": [{"step": s} for s in range(step)]}
    return checkpoints.Checkpoint(step, {"a": np.full(3, step)}, info)


class _Model:
    """Saves a file with the parts of a Keras model."""

    def save(self, path):
        with zipfile.ZipFile(path, "w") as archive:
            for name in ("metadata.json", "config.json", "model.weights.h5"):
                archive.writestr(name, f"{name} of a made-up model")


class RunFolderTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path) / "out"
        self.warnings = []

    def _folder(self, run=None, hardware=_HARDWARE):
        folder = run_folder.RunFolder(self.path, run or _run(), hardware)
        self.addCleanup(folder.close)
        return folder

    def _train(self, *steps, run=None, finish=False):
        """Writes the files of a run with checkpoints at `steps`."""
        with self._folder(run) as folder:
            folder.open()
            for step in steps:
                folder.append({"step": step})
                folder.save(_checkpoint(step))
            if finish:
                folder.save_model(_Model())
                folder.finish({**_SUMMARY, "num_records": len(steps)})

    def _content(self):
        return {
            path.name: path.read_bytes() if path.is_file() else None
            for path in self.path.iterdir()
            if path.name != ".lock"
        }

    def _metrics(self):
        text = (self.path / "metrics.jsonl").read_text()
        self.assertTrue(text.endswith("\n") or not text)
        return metrics_file.read(self.path)

    def assert_refuses(self, pattern, folder=None, resume="auto"):
        """Asserts a refusal that changes nothing and releases the lock."""
        before = self._content() if self.path.is_dir() else None
        folder = folder or self._folder()
        for _ in range(2):
            with self.assertRaisesRegex(errors.UserError, pattern) as raised:
                folder.open(resume, self.warnings.append)
        self.assertNotIn("\n", str(raised.exception))
        self.assertEqual(self._content() if self.path.is_dir() else None, before)

    def test_a_new_run(self):
        run, hardware = _run(seed=3), config.HardwareConfig(jit=True)
        folder = self._folder(run, hardware)
        self.assertFalse(self.path.exists())
        self.assertIsNone(folder.open())
        values = json.loads((self.path / "config.json").read_text())
        self.assertEqual(config.from_dict(values["config"]), run)
        self.assertEqual(values["key"], run.key)
        self.assertEqual(values["hardware"]["jit"], True)
        self.assertEqual(set(self._content()), {"config.json", "metrics.jsonl"})
        self.assertEmpty(self._metrics())
        self.assertIsNone(folder.finished())

    def test_records_are_strict_json_on_the_disk(self):
        folder = self._folder()
        folder.open()
        with mock.patch("os.fsync", wraps=os.fsync) as sync:
            folder.append({"step": 1, "train/loss": math.nan})
            folder.append({"step": 2, "train/loss": 0.1 + 0.2})
        self.assertEqual(sync.call_count, 2)
        expected = [
            {"step": 1, "train/loss": None},
            {"step": 2, "train/loss": 0.1 + 0.2},
        ]
        self.assertEqual(self._metrics(), expected)

    @parameterized.parameters("auto", "must")
    def test_continues(self, resume):
        self._train(1, 2, 3)
        with open(self.path / "metrics.jsonl", "a") as file:
            file.write('{"step": 4}\n{"st')  # after the checkpoint; torn by a crash
        hardware = config.HardwareConfig(deterministic=True)
        folder = self._folder(hardware=hardware)
        found = folder.open(resume)
        self.assertEqual(found.step, 3)
        np.testing.assert_array_equal(found.arrays["a"], np.full(3, 3))
        self.assertEqual(found.info, {"key": _run().key, **_checkpoint(3).info})
        folder.write_history(found.info["history"])
        folder.append({"step": 3})
        self.assertEqual(self._metrics(), [{"step": step} for step in range(4)])
        values = json.loads((self.path / "config.json").read_text())
        self.assertTrue(values["hardware"]["deterministic"])

    def test_continues_from_the_last_whole_checkpoint(self):
        self._train(1, 2)
        (self.path / "checkpoint-00000002.npz").write_bytes(b"damaged")
        found = self._folder().open("must", self.warnings.append)
        self.assertEqual(found.step, 1)
        self.assertLen(self.warnings, 1)

    def test_records_without_a_checkpoint_are_dropped(self):
        with self._folder() as folder:
            folder.open()
            folder.append({"step": 1})
        self.assertIsNone(self._folder().open())
        self.assertEmpty(self._metrics())

    def test_must_needs_something_to_continue(self):
        self.assert_refuses("holds no run to continue", resume="must")
        self.assertFalse(self.path.exists())
        self._train()
        self.assert_refuses("no usable checkpoint", resume="must")

    def test_another_run_is_named_by_its_differences(self):
        self._train(1)
        other = _run(0.2, model=config.ModelConfig(dropout=0.5), batch_size=8)
        pattern = (
            r"holds another run; differs in: batch_size None -> 8, model\.dropout "
            r"default -> 0\.5, optimizer\.learning_rate 0\.1 -> 0\.2; give another "
            r"folder, or --resume=never"
        )
        self.assert_refuses(pattern, self._folder(other))
        self.assert_refuses(pattern, self._folder(other), "must")

    def test_never_starts_over_and_touches_nothing_foreign(self):
        self._train(1, 2, finish=True)
        foreign = {"notes.txt": b"mine", "checkpoint-2.npz": b"x", ".hidden.1": b""}
        for name, content in foreign.items():
            (self.path / name).write_bytes(content)
        other = self._folder(_run(0.2))
        self.assertIsNone(other.open("never"))
        self.assertIsNone(other.finished())
        content = self._content()
        self.assertEqual(json.loads(content.pop("config.json"))["key"], _run(0.2).key)
        self.assertEqual(content, {**foreign, "metrics.jsonl": b""})

    def test_killed_while_starting_over(self):
        self._train(1, 2, finish=True)
        with mock.patch.object(
            checkpoints, "load_latest", side_effect=KeyboardInterrupt
        ):
            with self.assertRaises(KeyboardInterrupt):
                self._folder(_run(0.2)).open("never")
        # The rest of the old run holds nothing that could be lost.
        self.assertIsNone(self._folder(_run(0.2)).open())

    def test_summary(self):
        folder = self._folder(_run(seed=5))
        folder.open()
        summary = {**_SUMMARY, "status": "diverged", "final": {"test/loss": math.inf}}
        with mock.patch.object(run_files.provenance, "commit", return_value="c0de"):
            folder.finish(summary)
        found = folder.finished()
        self.assertEqual(found["versions"]["numpy"], np.__version__)
        del found["versions"]
        expected = {
            **summary,
            "final": {"test/loss": None},
            "key": _run(seed=5).key,
            "seed": 5,
            "commit": "c0de",
        }
        self.assertEqual(found, expected)
        self.assertIsNone(self._folder(_run(seed=6)).finished())

    @parameterized.parameters("auto", "must")
    def test_a_finished_run_is_left_as_it_is(self, resume):
        self._train(1, finish=True)
        before = self._content()
        folder = self._folder(hardware=config.HardwareConfig(jit=True))
        self.assertEqual(folder.open(resume).step, 1)
        self.assertEqual(folder.finished()["status"], "completed")
        self.assertEqual(self._content(), before)

    @parameterized.parameters(b"", b"[]", b'{"status": "completed"}')
    def test_a_damaged_summary_does_not_count(self, content):
        self._train(1)
        (self.path / "summary.json").write_bytes(content)
        folder = self._folder()
        self.assertEqual(folder.open(warn=self.warnings.append).step, 1)
        self.assertIsNone(folder.finished())
        self.assertEqual(self.warnings, [f"its summary.json is damaged; {_AGAIN}"])

    def _damage_a_finished_run(self, name, content):
        self._train(1, 2, finish=True)
        path = self.path / name
        path.unlink()
        if content is not None:
            path.write_bytes(content)

    @parameterized.parameters(
        ("model.keras", None),
        ("model.keras", b""),
        ("model.keras", b"damaged"),
        ("metrics.jsonl", None),
        ("metrics.jsonl", b"damaged\n"),
        ("summary.json", b"damaged"),
    )
    def test_what_a_finished_run_lost_is_made_again(self, name, content):
        self._damage_a_finished_run(name, content)
        folder = self._folder()
        self.assertEqual(folder.open(warn=self.warnings.append).step, 2)
        self.assertIsNone(folder.finished())
        self.assertLen(self.warnings, 1)
        self.assertRegex(self.warnings[0], f"its {name} is .*checkpoint of step 2")

    @parameterized.parameters("model.keras", "metrics.jsonl", "summary.json")
    def test_what_cannot_be_made_again_is_said(self, name):
        self._damage_a_finished_run(name, b"damaged")
        checkpoints.remove_all(self.path)
        self.assert_refuses(f"its {name} is.*no checkpoint is left; give --resume=n")
        self.assertIsNone(self._folder().open("never"))

    def test_a_lost_record_is_noticed(self):
        self._train(1, 2, finish=True)
        path = self.path / "metrics.jsonl"
        path.write_bytes(path.read_bytes().splitlines(True)[0])
        checkpoints.remove_all(self.path)
        self.assert_refuses("its metrics.jsonl is missing or damaged")

    @parameterized.product(
        name=(
            "config.json",
            "metrics.jsonl",
            "summary.json",
            "search.json",
            "checkpoint-00000001.npz",
        ),
        resume=("auto", "never"),
    )
    def test_a_folder_with_foreign_files_of_our_names(self, name, resume):
        self.path.mkdir()
        (self.path / name).write_text('{"version": 1, "study": "a"}')
        self.assert_refuses(f"{name}.*choose another folder", resume=resume)

    @parameterized.parameters(b"", b"[1]", b"3", b'{"version": "1", "key": 1}')
    def test_a_damaged_configuration(self, content):
        self._train(1)
        (self.path / "config.json").write_bytes(content)
        other = self._folder(_run(0.2))
        self.assert_refuses("config.json: it .*choose another", other, "never")

    @parameterized.parameters(None, b"", b"[1]")
    def test_a_configuration_that_the_checkpoint_vouches_for(self, content):
        self._train(1, 2)
        whole = (self.path / "config.json").read_bytes()
        (self.path / "config.json").unlink()
        if content is not None:
            (self.path / "config.json").write_bytes(content)
        self.assert_refuses("config.json", self._folder(_run(0.2)))
        self.assertEqual(self._folder().open().step, 2)
        self.assertEqual((self.path / "config.json").read_bytes(), whole)

    def test_a_newer_version(self):
        self._train(1)
        (self.path / "config.json").write_text('{"version": 2, "other": 1}')
        self.assert_refuses("newer version.*upgrade", resume="never")

    def test_a_checkpoint_of_another_run(self):
        self._train(1)
        other = checkpoints.Checkpoint(9, {}, {"key": _run(0.2).key})
        checkpoints.save(self.path, other)
        self.assert_refuses("checkpoint of step 9 is another run's")

    def test_places_that_are_no_folders(self):
        self.path.write_text("a file")
        self.assert_refuses("cannot write there")
        inside = run_folder.RunFolder(self.path / "a", _run(), _HARDWARE)
        self.assert_refuses("cannot write there", inside)

    def test_a_folder_that_cannot_be_written(self):
        self.path.mkdir()
        denied = PermissionError(13, "Permission denied")
        with mock.patch("builtins.open", side_effect=denied):
            self.assert_refuses(r"cannot write there \(Permission denied\)")

    def test_a_record_that_does_not_fit(self):
        folder = self._folder()
        folder.open()
        full = OSError(28, "No space left on device")
        with mock.patch("os.fsync", side_effect=full):
            with self.assertRaisesRegex(errors.UserError, "No space left"):
                folder.append({"step": 1})

    def test_unknown_resume(self):
        with self.assertRaisesRegex(errors.UserError, "did you mean 'never'"):
            self._folder().open("neverr")

    def test_one_at_a_time(self):
        first, second = self._folder(), self._folder()
        first.open()
        first.save(_checkpoint(1))
        self.assert_refuses("in use by process", second)
        self.assert_refuses("in use by process", second, "never")
        first.close()
        self.assertEqual(second.open().step, 1)


if __name__ == "__main__":
    absltest.main()
