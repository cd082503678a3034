"""Whatever happens to a file, no number comes out that was not written.

Each kind of damage is done to each file that a run or a study leaves. What follows is
the same result, a recovery that is said, or a refusal in one line. For the files of a
search see `tests/tuning/damaged_search_test.py`.
"""

import pathlib
import tempfile

import keras
import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

from bsgen import config, errors, papers
from bsgen.reports import contents, page, remake
from bsgen.studies import folder, measurement_store, tables
from bsgen.training import checkpoints, model_file, records, run_folder
from tests import damage
from tests.reports import recorded

FIGURE3, STATIONARY_LOSS = "smith_le_2017/fig3", "jastrzebski_2018/theory"
STUDIES = (FIGURE3, STATIONARY_LOSS)
KINDS = (*damage.KINDS, "folder")
SEEDS = range(2)
RUN = config.RunConfig(num_steps=20, evaluation_steps=(0, 10, 20))


class _DamagedFilesTest(parameterized.TestCase):
    """Keeps a whole folder for all tests of a class, and damages copies of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        place = tempfile.TemporaryDirectory()
        cls.addClassCleanup(place.cleanup)
        cls.whole = pathlib.Path(place.name)
        cls.make(cls.whole)

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path) / "copy"
        self.warnings = []

    def damaged(self, name, kind):
        """Yields copies in which a file is damaged, each in another place."""
        for seed in SEEDS:
            damage.copy(self.whole, self.folder)
            damage.do(kind, self.folder / name, np.random.default_rng([seed, 5]))
            self.warnings.clear()
            yield self.folder

    def or_refused(self, use, *arguments):
        """Returns what a use returns, None if it refuses in one line."""
        try:
            return use(*arguments)
        except errors.UserError as error:
            self.assertNotIn("\n", str(error))
            self.assertLess(len(str(error)), 1000)
            return None

    def assert_same_tables(self, found, whole):
        for table, expected in zip(found, whole, strict=True):
            pd.testing.assert_frame_equal(table, expected)


def _results(path):
    """The tables of each study from the raw records, None where one is missing."""
    store = records.RunStore(path)
    measured = measurement_store.MeasurementStore(path)
    found = []
    for name in STUDIES:
        values = folder.Folder(path, name).read_config()
        keys = values["runs"], values["measurements"]
        found.append(tables.recorded_results(keys[0], store, keys[1], measured))
    return found


class DamagedRecordsTest(_DamagedFilesTest):
    @classmethod
    def make(cls, path):
        recorded.write(path, *STUDIES)
        cls.results = _results(path)

    @parameterized.product(name=("runs.jsonl", "measurements.jsonl"), kind=KINDS)
    def test_no_other_number_is_read(self, name, kind):
        for path in self.damaged(name, kind):
            for found, whole in zip(
                self.or_refused(_results, path) or [], self.results, strict=False
            ):
                if found is not None:  # else it is known to be incomplete
                    self.assert_same_tables(found, whole)


class DamagedStudyTest(_DamagedFilesTest):
    @classmethod
    def make(cls, path):
        recorded.write(path, *STUDIES)
        remake.remake(path, papers.studies())
        page.write(path, papers.studies())
        cls.finished, _ = contents.read(path, papers.studies())

    @parameterized.product(
        name=(
            f"{FIGURE3}/config.json",
            f"{FIGURE3}/claims.json",
            f"{FIGURE3}/runs.csv",
            f"{FIGURE3}/curves.csv",
            f"{FIGURE3}/figure.png",
            f"{STATIONARY_LOSS}/measurements.csv",
        ),
        kind=KINDS,
    )
    def test_nothing_else_is_shown(self, name, kind):
        by_name = {entry.study.name: entry for entry in self.finished}
        for path in self.damaged(name, kind):
            finished, unfinished = self.or_refused(
                contents.read, path, papers.studies()
            ) or ([], [])
            shown = [entry.study.name for entry in (*finished, *unfinished)]
            self.assertIn(len(shown), (0, 2))
            for entry in finished:
                whole = by_name[entry.study.name]
                self.assertEqual(entry.judged, whole.judged)
                self.assert_same_tables(entry.results, whole.results)
                picture = entry.folder.read_figure()
                drawn = (whole.folder.path / "figure.png").read_bytes()
                self.assertIn(picture, (None, drawn))

    @parameterized.parameters("flipped_0", "deleted")
    def test_everything_is_remade_from_the_records(self, kind):
        damage.copy(self.whole, self.folder)
        records_and_plans = ("config.json", "runs.jsonl", "measurements.jsonl")
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        whole = {path: path.read_bytes() for path in files}
        for path in files:
            if path.name not in records_and_plans:
                damage.do(kind, path, np.random.default_rng(len(path.name)))
        self.assertCountEqual(remake.remake(self.folder, papers.studies()), STUDIES)
        page.write(self.folder, papers.studies())
        for path, content in whole.items():
            self.assertEqual(path.read_bytes(), content, path)


def _leave_run(path, finished):
    """Leaves what a run leaves that was killed in, or after, its last evaluation."""
    history = []
    with run_folder.RunFolder(path, RUN, config.HardwareConfig()) as left:
        left.open()
        for step in RUN.evaluation_steps:
            record = {"step": step, "test_accuracy": 0.123 + step / 100}
            history.append(record)
            state = {"weights": np.arange(5, dtype=np.float32) + step}
            info = {"state": {"history": [*history]}}
            left.save(checkpoints.Checkpoint(step, state, info))
            left.append(record)
        if finished:
            left.save_model(_model())
            summary = {"status": "completed", "step": step, "num_records": 3}
            summary |= {"seconds": 1.25, "final": {"test_accuracy": 0.323}}
            left.finish(summary)


def _model():
    keras.utils.set_random_seed(3)
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


class DamagedRunTest(_DamagedFilesTest):
    @classmethod
    def make(cls, path):
        for name in ("killed", "finished"):
            _leave_run(path / name, name == "finished")
        cls.summary, cls.history, cls.last = cls.opened(path / "finished", print)
        cls.prediction = _model().predict(np.eye(3), verbose=0)

    @staticmethod
    def opened(path, warn):
        """Returns what `loop.train` goes by: summary, records and checkpoint."""
        with run_folder.RunFolder(path, RUN, config.HardwareConfig()) as found:
            last = found.open(warn=warn)
            summary = found.finished()
            return summary, found.history(warn) if summary else None, last

    @parameterized.product(
        where=("killed", "finished"),
        name=(
            "config.json",
            "metrics.jsonl",
            "checkpoint-00000010.npz",
            "checkpoint-00000020.npz",
            "summary.json",
            "model.keras",
        ),
        kind=KINDS,
    )
    def test_a_run_ends_with_what_it_was(self, where, name, kind):
        if not (self.whole / where / name).exists():
            return  # a run that was killed has no results
        for path in self.damaged(f"{where}/{name}", kind):
            found = self.or_refused(self.opened, path / where, self.warnings.append)
            if found is None:
                continue
            summary, history, last = found
            if summary is not None:  # nothing will be done
                self.assertEqual((summary, history), (self.summary, self.history))
                if name == "model.keras":
                    self.assertTrue(self._is_loaded(path / where / name))
            else:  # it continues from one of the checkpoints
                if last.step == 20:
                    self.assertEqual(last.info, self.last.info)
                expected = np.arange(5, dtype=np.float32) + last.step
                np.testing.assert_array_equal(last.arrays["weights"], expected)
                if where == "finished" and (name, kind) != ("summary.json", "deleted"):
                    self.assertNotEmpty(self.warnings)

    @parameterized.parameters(*KINDS)
    def test_a_model_that_is_loaded_is_the_one_that_was_saved(self, kind):
        for path in self.damaged("finished/model.keras", kind):
            self._is_loaded(path / "finished" / "model.keras")

    def _is_loaded(self, path):
        """Whether a model is loaded, which is then the one that was saved."""
        model = self.or_refused(model_file.load, path, "make it again")
        if model is None:
            return False
        found = model.predict(np.eye(3), verbose=0)
        np.testing.assert_array_equal(found, self.prediction)
        return True

    def test_flipped_bits_of_a_model(self):
        whole = (self.whole / "finished" / "model.keras").read_bytes()
        path = pathlib.Path(self.create_tempdir().full_path) / "model.keras"
        draw, num_passed = np.random.default_rng(0), 0
        for _ in range(300):
            path.write_bytes(damage.KINDS["flipped_0"](whole, draw))
            # Most bits in the weights and structure count, some in the directory not.
            if model_file.damage(path) is None and num_passed < 10:
                num_passed += 1
                self.assertTrue(self._is_loaded(path))
        self.assertGreater(num_passed, 0)


if __name__ == "__main__":
    absltest.main()
