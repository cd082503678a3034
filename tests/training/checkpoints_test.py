"""Tests of checkpoints: written whole or not at all, and damage is noticed."""

import hashlib
import io
import json
import math
import pathlib
import random
import subprocess
import sys
import zipfile
from unittest import mock

import ml_dtypes
import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.training import checkpoints

_ROOT = pathlib.Path(__file__).parents[2]
# Every array is full of the step, and 400 kB take long enough to be killed within. The
# children that save are forked, as each Python of its own would take half a second.
_KILLED_WHILE_SAVING = """
import itertools, json, os, random, signal, sys, time
import numpy as np
from bsgen.training import checkpoints

folder, warnings, latest = sys.argv[1], [], 0
generator = random.Random(0)

def save_for_ever(told):
    for step in itertools.count(latest + 1):
        arrays = {name: np.full(50_000, step) for name in ("weight", "accumulator")}
        saved = checkpoints.Checkpoint(step, arrays, {"step": step})
        checkpoints.save(folder, saved)
        os.write(told, b"%d " % step)

for _ in range(20):
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        save_for_ever(told)
    os.close(told)
    steps = os.read(heard, 100)
    time.sleep(generator.uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(heard, 1000):
        steps += more
    os.close(heard)
    found = checkpoints.load_latest(folder, warnings.append)
    latest = found.step
    values = sorted({int(v) for array in found.arrays.values() for v in array})
    print(json.dumps([int(steps.split()[-1]), latest, found.info, values, warnings]))
"""


def _checkpoint(step, info=None):
    arrays = {"a": np.arange(6, dtype=np.float32) + step, "b/c": np.int64(step)}
    return checkpoints.Checkpoint(step, arrays, info or {"loss": 1 / 3})


def _with_digest(content):
    return content + hashlib.blake2b(content).digest()


class CheckpointsTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path) / "run"
        self.warnings = []

    def _load(self):
        self.warnings.clear()
        return checkpoints.load_latest(self.folder, self.warnings.append)

    def _names(self):
        return sorted(path.name for path in self.folder.iterdir())

    def assert_same(self, found, expected):
        self.assertEqual((found.step, found.info), (expected.step, expected.info))
        self.assertEqual(list(found.arrays), list(expected.arrays))
        for name, array in expected.arrays.items():
            array = np.asarray(array)
            self.assertEqual(found.arrays[name].dtype, array.dtype)
            self.assertEqual(found.arrays[name].shape, array.shape)
            self.assertEqual(found.arrays[name].tobytes(), array.tobytes(), name)

    def test_round_trip(self):
        random_bits = np.random.default_rng(0).integers(0, 256, 48, dtype=np.uint8)
        types = [np.float16, np.float64, np.uint8, ">i4", "M8[s]"]
        types += [ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn]
        arrays = {str(np.dtype(dtype)): random_bits.view(dtype) for dtype in types}
        arrays |= {
            "../conv 1/kernel:0\0\udcff": np.float32(-0.0),
            "manifest.json": np.zeros((3, 0, 2)),
            "": np.array([[True], [False]]),
            "transposed": np.arange(6.0).reshape(2, 3).T,
            "bfloat16 number": np.array(math.pi, ml_dtypes.bfloat16),
            "bfloat16 parts": np.arange(9).astype(ml_dtypes.bfloat16)[::2],
        }
        info = {"key": "ab", "history": [{"loss": 0.1 + 0.2}], "sum": -math.inf}
        expected = checkpoints.Checkpoint(12, arrays, info)
        path = checkpoints.save(self.folder, expected)
        self.assertEqual(path, self.folder / "checkpoint-00000012.npz")
        self.assert_same(self._load(), expected)
        self.assertEmpty(self.warnings)

    def test_numpy_opens_it_too(self):
        path = checkpoints.save(self.folder, _checkpoint(3))
        with np.load(path, allow_pickle=False) as archive:
            np.testing.assert_array_equal(archive["array-00000"], np.arange(3, 9))

    def test_arrays_may_be_written_to(self):
        checkpoints.save(self.folder, _checkpoint(3))
        self._load().arrays["a"][0] = 7

    def test_objects_are_refused(self):
        array = np.array([(1, None)], [("x", int), ("y", object)])
        with self.assertRaisesRegex(ValueError, "'a' holds objects"):
            checkpoints.save(self.folder, checkpoints.Checkpoint(1, {"a": array}, {}))
        self.assertFalse(self.folder.exists())

    def test_nothing_there(self):
        self.assertIsNone(self._load())
        self.folder.mkdir()
        self.assertIsNone(self._load())
        self.assertEmpty(self.warnings)

    @parameterized.parameters(1, 2, 3)
    def test_the_newest_are_kept(self, keep):
        for step in (5, 99_999_999, 100_000_000, 100_000_001):
            checkpoints.save(self.folder, _checkpoint(step), keep)
        steps = (100_000_001, 100_000_000, 99_999_999)[:keep]
        names = {f"checkpoint-{step}.npz" for step in steps}
        self.assertEqual(set(self._names()), names)
        self.assert_same(self._load(), _checkpoint(100_000_001))

    def test_damaged_ones_ahead_do_not_push_out_new_ones(self):
        for step in (5, 7, 8, 9):
            checkpoints.save(self.folder, _checkpoint(step), keep=4)
        for step in (8, 9):
            (self.folder / f"checkpoint-{step:08d}.npz").write_bytes(b"")
        self.assert_same(self._load(), _checkpoint(7))
        before = self._names()
        self.assertLen(self.warnings, 2)
        self.assertRegex(self.warnings[0], r"^checkpoint-00000009\.npz is damaged")
        self.assertEqual(self._names(), before)  # loading removes nothing
        path = checkpoints.save(self.folder, _checkpoint(7), keep=2)
        self.assert_same(self._load(), _checkpoint(7))
        # Nor do they count among those that are kept: the whole one before is there.
        path.write_bytes(b"")
        self.assert_same(self._load(), _checkpoint(5))

    def test_every_truncation_and_many_flipped_bits_are_found(self):
        checkpoints.save(self.folder, _checkpoint(1))
        path = checkpoints.save(self.folder, _checkpoint(2))
        whole = path.read_bytes()
        damaged = [whole[:size] for size in range(len(whole))]
        generator = random.Random(0)
        for position in range(len(whole)):
            content = bytearray(whole)
            content[position] ^= 1 << generator.randrange(8)
            damaged.append(bytes(content))
        damaged += [whole + b"\0", whole[1:], bytes(len(whole))]
        for content in damaged:
            path.write_bytes(content)
            self.assert_same(self._load(), _checkpoint(1))
            self.assertLen(self.warnings, 1)
            self.assertEqual(path.read_bytes(), content)
        path.write_bytes(whole)
        self.assert_same(self._load(), _checkpoint(2))

    def _archive(self, **entries):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.comment = bytes(64)
            for name, content in entries.items():
                archive.writestr(name.replace("_", "."), content)
        return _with_digest(buffer.getvalue()[:-64])

    def test_foreign_content_with_a_right_digest(self):
        pickled = io.BytesIO()
        np.save(pickled, np.array([{}], object), allow_pickle=True)
        manifest = {"version": 1, "step": 3, "arrays": [["a", "object"]], "info": {}}
        checkpoints.save(self.folder, _checkpoint(1))
        for content in (
            _with_digest(b""),
            self._archive(other=b"text"),
            self._archive(manifest_json=b"[1"),
            self._archive(manifest_json=b"[1]"),
            self._archive(manifest_json=json.dumps(manifest)),
            self._archive(
                **{
                    "manifest_json": json.dumps(manifest),
                    "array-00000_npy": pickled.getvalue(),
                }
            ),
        ):
            (self.folder / "checkpoint-00000003.npz").write_bytes(content)
            self.assert_same(self._load(), _checkpoint(1))
            self.assertRegex(self.warnings[0], "3.npz is no checkpoint of bsgen")

    def test_a_directory_and_other_names_are_passed_over(self):
        (self.folder / "checkpoint-00000009.npz").mkdir(parents=True)
        for name in ("checkpoint-8.npz", "checkpoint-00000008.npz.old", "x.npz"):
            (self.folder / name).write_bytes(b"foreign")
        before = self._names()
        self.assertIsNone(self._load())
        checkpoints.save(self.folder, _checkpoint(10), keep=1)
        self.assert_same(self._load(), _checkpoint(10))
        checkpoints.remove_all(self.folder)
        self.assertEqual(self._names(), before)
        with self.assertRaisesRegex(errors.UserError, "cannot write there"):
            checkpoints.save(self.folder, _checkpoint(9))
        self.assertEqual(self._names(), before)

    def test_one_that_cannot_be_read_is_passed_over(self):
        for step in (1, 2):
            checkpoints.save(self.folder, _checkpoint(step))
        content = (self.folder / "checkpoint-00000001.npz").read_bytes()
        results = [PermissionError(13, "Permission denied"), content]
        with mock.patch.object(pathlib.Path, "read_bytes", side_effect=results):
            self.assert_same(self._load(), _checkpoint(1))
        self.assertRegex(self.warnings[0], r"2\.npz cannot be read \(Permission denied")

    def test_a_newer_format_is_refused(self):
        with mock.patch.object(checkpoints, "FORMAT_VERSION", 2):
            checkpoints.save(self.folder, _checkpoint(1))
        with self.assertRaisesRegex(errors.UserError, "newer version.*upgrade"):
            self._load()

    def test_a_full_disk_leaves_the_old_ones(self):
        for step in (1, 2):
            checkpoints.save(self.folder, _checkpoint(step))
        before = self._names()
        full = OSError(28, "No space left on device")
        with mock.patch("os.fsync", side_effect=full):
            with self.assertRaisesRegex(errors.UserError, "output_dir.*No space left"):
                checkpoints.save(self.folder, _checkpoint(3))
        self.assertEqual(self._names(), before)
        self.assert_same(self._load(), _checkpoint(2))

    def test_killed_at_any_moment(self):
        done = subprocess.run(
            [sys.executable, "-c", _KILLED_WHILE_SAVING, str(self.folder)],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertLen(lines, 20)
        for last, found, info, values, warnings in lines:
            self.assertBetween(found, last, last + 1)
            self.assertEqual((info, values), ({"step": found}, [found]))
            self.assertEmpty(warnings)
        # Two complete ones, a third if killed before removing the oldest, one partial.
        self.assertLessEqual(len(self._names()), 4)


if __name__ == "__main__":
    absltest.main()
