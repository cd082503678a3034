"""The folder of a sweep: it may grow, is remade from records, and refuses others."""

import dataclasses
import json
import pathlib

from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.files import folder_lock, sealed_json
from bsgen.sweeps import folder
from bsgen.training import records
from tests.sweeps import made_up


class FolderTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path) / "sweep"

    def _claim(self, made):
        with folder.SweepFolder(self.path) as found:
            found.claim(made_up.planned(made))

    def _refused(self, message, made=None):
        with self.assertRaisesRegex(errors.UserError, message) as caught:
            self._claim(made or made_up.grid())
        self.assertNotIn("\n", str(caught.exception))

    def test_a_plan_is_read_as_it_was_written(self):
        made = made_up.grid(hidden_units=((4, 4), 8), l2=(0, 0.1))
        self._claim(made)
        found = folder.SweepFolder(self.path).read()
        self.assertEqual(found, made_up.planned(made))
        self.assertEqual(found.settings[0].values, ("4x4", 0))

    def test_a_sweep_may_grow(self):
        self._claim(made_up.grid(2, learning_rate=(0.1, 1), batch_size=(10, 20)))
        self._claim(made_up.grid(3, learning_rate=(0.1, 1), batch_size=(10, 20)))
        self._claim(made_up.grid(3, learning_rate=(0.1, 1), batch_size=(5, 10, 20)))
        # The base's momentum is 0.9.
        grown = made_up.grid(
            3, learning_rate=(0.1, 1), batch_size=(5, 10, 20), momentum=(0.9, 0)
        )
        self._claim(grown)
        self.assertLen(folder.SweepFolder(self.path).read().keys, 36)

    def test_it_may_not_shrink_or_change(self):
        self._claim(made_up.grid(3))
        self._refused("another sweep: 6 of its 18 runs are not", made_up.grid(2))
        other = made_up.grid(3)
        base = dataclasses.replace(other.base, num_steps=5, evaluation_steps=())
        other = dataclasses.replace(other, base=base)
        self._refused("another sweep: 18 of its 18 runs are not", other)

    @parameterized.parameters("search.json", "metrics.jsonl", "config.json")
    def test_folders_of_others(self, name):
        self.path.mkdir()
        (self.path / name).touch()
        self._refused(name)

    def test_a_plan_of_a_newer_version(self):
        self._claim(made_up.grid())
        path = self.path / folder.NAME
        values = {**sealed_json.read(path), "version": folder.FORMAT_VERSION + 1}
        sealed_json.write(path, values)
        self._refused("newer version of bsgen .*; upgrade")

    def test_records_of_a_newer_version(self):
        self.path.mkdir()
        (self.path / "runs.jsonl").write_text('{"version": 99}\n')
        with self.assertRaisesRegex(errors.UserError, "newer version of bsgen"):
            records.RunStore(self.path)

    @parameterized.parameters(
        ("", "it is empty"),
        ('{"version": 1}', "check sum is missing"),
        ('{"a', "not JSON"),
    )
    def test_a_damaged_plan(self, content, message):
        self.path.mkdir()
        (self.path / folder.NAME).write_text(content)
        self._refused(f"sweep.json is damaged .*{message}")

    def test_a_plan_without_its_settings(self):
        self.path.mkdir()
        sealed_json.write(self.path / folder.NAME, {"version": 1, "axes": []})
        self._refused("it is no plan of a sweep")

    def test_one_process_at_a_time(self):
        with folder_lock.FolderLock(self.path):
            self._refused("in use by process")

    def test_everything_is_remade_from_the_records(self):
        made = made_up.grid()
        self._claim(made)
        store = made_up.store(self.path, made, lambda run: 0.5 + run.seed / 10)
        with folder.SweepFolder(self.path) as found:
            found.write(made_up.planned(made), store)
        names = folder.TABLE, folder.PICTURE
        before = [(self.path / name).read_bytes() for name in names]
        for name in names:
            (self.path / name).unlink()
        summary = folder.remake(self.path)
        after = [(self.path / name).read_bytes() for name in names]
        self.assertEqual(after, before)
        self.assertEqual(summary.counts["completed"], 18)

    def test_no_sweep_to_remake(self):
        with self.assertRaisesRegex(errors.UserError, "holds no sweep"):
            folder.remake(self.path)
        self.assertFalse(self.path.exists())

    def test_runs_that_were_trained_elsewhere_are_taken_in(self):
        made = made_up.grid()
        store = made_up.store(self.path, made, lambda run: 0.5)
        self._claim(made)
        self.assertEmpty(store.missing(r for _, x in made_up.settings(made) for r in x))
        written = json.loads((self.path / folder.NAME).read_bytes())
        self.assertLen(written["settings"], 6)


if __name__ == "__main__":
    absltest.main()
