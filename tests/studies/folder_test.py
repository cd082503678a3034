"""Tests of the folder that a study leaves."""

import json
import pathlib

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized
from matplotlib import figure as mpl_figure

from bsgen import config, errors
from bsgen.files import sealed_json
from bsgen.studies import claims, folder, measurement, shown, study

_TABLE = pd.DataFrame({"network": ["f1"], "paper": [0.5]})
_SHOWN = shown.Shown(table=_TABLE)


def _runs(*seeds):
    return [config.RunConfig(seed=seed) for seed in seeds]


def _measurement(seed):
    return measurement.Measurement({"seed": seed}, lambda place: [])


def _check_sum(values):
    return {sealed_json.CHECK_SUM: values[sealed_json.CHECK_SUM]}


_PLAIN = {"version": 1, "study": "paper/fig1", "scale": "quick", "runs": []}
_WRONG = tuple(
    json.dumps({**_PLAIN, name: value})
    for name, value in (
        ("scale", [None]),
        ("runs", {}),
        ("runs", [1]),
        ("measurements", None),
        ("versions", [1]),
        ("files", "x"),
        ("file", {}),
    )
)


class FolderTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.root = pathlib.Path(self.create_tempdir().full_path) / "results"
        self.folder = folder.Folder(self.root, "paper/fig1")
        self.config = self.root / "paper" / "fig1" / "config.json"

    def _content(self):
        return {
            path.relative_to(self.root): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }

    def test_config(self):
        self.folder.claim_for("quick", _runs(1, 0, 1))
        values = json.loads(self.config.read_text())
        self.assertEqual(values, {**self.folder.read_config(), **_check_sum(values)})
        self.assertEqual((values["study"], values["scale"]), ("paper/fig1", "quick"))
        self.assertEqual(values["runs"], [run.key for run in _runs(1, 0)])
        self.assertEqual(values["versions"]["numpy"], np.__version__)

    def test_may_be_claimed_again_and_grow(self):
        for seeds in ((0, 1), (0, 1), (0, 1, 2)):
            self.folder.claim_for("quick", _runs(*seeds))
        self.assertLen(self.folder.read_config()["runs"], 3)

    @parameterized.parameters(("quick", (0,)), ("quick", (1, 2)), ("paper", (0, 1)))
    def test_may_not_shrink_or_change_but_by_force(self, scale, seeds):
        self.folder.claim_for("quick", _runs(0, 1))
        before = self._content()
        with self.assertRaisesRegex(
            errors.UserError, "^output_dir='.*results': paper/fig1 .*quick.*--force$"
        ):
            self.folder.claim_for(scale, _runs(*seeds))
        self.assertEqual(self._content(), before)
        self.folder.claim_for(scale, _runs(*seeds), force=True)
        self.assertEqual(self.folder.read_config()["scale"], scale)
        self.assertLen(self.folder.read_config()["runs"], len(seeds))

    def test_measurements_count_as_runs_do(self):
        first, second = (_measurement(seed) for seed in (0, 1))
        self.folder.claim_for("quick", [], [first])
        self.folder.claim_for("quick", _runs(0), [first, second])
        keys = self.folder.read_config()["measurements"]
        self.assertEqual(keys, [first.key, second.key])
        for fewer in ([], [second]):
            with self.assertRaisesRegex(errors.UserError, "3 runs and measurements"):
                self.folder.claim_for("quick", _runs(0), fewer)

    def test_a_newer_version_is_refused_even_by_force(self):
        self.folder.claim_for("quick", _runs(0))
        values = {**self.folder.read_config(), "version": 2}
        self.config.write_text(json.dumps(values))
        before = self._content()
        for force in (False, True):
            with self.assertRaisesRegex(errors.UserError, "newer version.*format 2"):
                self.folder.claim_for("quick", _runs(0), force=force)
        self.assertEqual(self._content(), before)

    @parameterized.parameters(
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"version": 1}',
        *_WRONG,
        '{"version": "one"}',
        "\udcff",
    )
    def test_damaged_config(self, text):
        self.folder.claim_for("quick", _runs(0))
        self.config.write_bytes(text.encode(errors="surrogateescape"))
        before = self._content()
        with self.assertRaisesRegex(
            errors.UserError, "config.json is damaged .*delete"
        ):
            self.folder.claim_for("quick", _runs(0))
        self.assertEqual(self._content(), before)

    def test_unwritable(self):
        self.root.write_text("a file")
        with self.assertRaisesRegex(
            errors.UserError, "^output_dir='.*': cannot write there .*another folder"
        ):
            self.folder.claim_for("quick", _runs(0))
        self.assertEqual(self.root.read_text(), "a file")

    def test_results_round_trip(self):
        runs = pd.DataFrame(
            {
                "key": ["1234e5", "00000012"],
                "batch_size": [1, 32],
                "l2": [0.1 + 0.2, 1e-7 / 3],
                "status": ["completed", "diverged"],
                "final_test_accuracy": [1 / 3, np.nan],
            }
        )
        curves = pd.DataFrame({"key": ["1234e5"], "step": [0], "test_accuracy": [0.1]})
        judged = [
            claims.Claim("É", "q", "> 0", 0.1, (None, 0.5), "undecided", "ω, n"),
            claims.Claim("two", "q", "1", None, (None, None), "undecided", "n"),
        ]
        self.assertFalse(self.folder.is_finished())
        measured = pd.DataFrame({"key": ["12e3"], "loss": [2 / 3], "phase": ["one"]})
        self.folder.write_results(study.Results(runs, curves, measured), judged, _SHOWN)
        self.assertTrue(self.folder.is_finished())
        found = self.folder.read_results()
        # Older versions of pandas read a number to its last digit but one.
        pd.testing.assert_frame_equal(found.runs, runs, rtol=1e-15, atol=0)
        pd.testing.assert_frame_equal(found.curves, curves, rtol=1e-15, atol=0)
        pd.testing.assert_frame_equal(found.measurements, measured, rtol=1e-15, atol=0)
        self.assertEqual(self.folder.read_claims(), judged)

    def _write_results(self):
        self.folder.claim_for("quick", _runs(0))
        judged = [claims.Claim("c", "q", "> 0", 0.1, (None, 0.5), "undecided", "n")]
        table = pd.DataFrame({"key": ["1234e5"], "step": [7]})
        results = study.Results(table, table, table)
        seen = shown.Shown(mpl_figure.Figure(figsize=(1, 1)), _TABLE)
        self.folder.write_results(results, judged, seen)
        return judged

    def assert_shown(self):
        picture = (self.folder.path / "figure.png").read_bytes()
        self.assertStartsWith(picture, b"\x89PNG")
        self.assertEqual(self.folder.read_figure(), picture)
        pd.testing.assert_frame_equal(self.folder.read_table(), _TABLE)

    @parameterized.parameters("runs.csv", "curves.csv", "measurements.csv")
    def test_a_changed_table_is_refused(self, name):
        self._write_results()
        path = self.folder.path / name
        path.write_text(path.read_text().replace("7", "8"))
        with self.assertRaisesRegex(
            sealed_json.Damaged, f"{name} is damaged .its check"
        ):
            self.folder.read_results()
        path.unlink()
        with self.assertRaisesRegex(sealed_json.Damaged, f"{name} is damaged .No such"):
            self.folder.read_results()

    def test_changed_claims_and_a_changed_picture_are_refused(self):
        judged = self._write_results()
        self.assertEqual(self.folder.read_claims(), judged)
        self.assert_shown()
        path = self.folder.path / "claims.json"
        path.write_text(path.read_text().replace("0.1", "0.2"))
        with self.assertRaisesRegex(sealed_json.Damaged, "claims.json is damaged"):
            self.folder.read_claims()
        path = self.folder.path / "figure.png"
        path.write_bytes(path.read_bytes() + b" ")
        self.assertIsNone(self.folder.read_figure())
        path = self.folder.path / "table.csv"
        path.write_text(path.read_text().replace("0.5", "0.6"))
        self.assertIsNone(self.folder.read_table())

    def test_check_sums_outlast_a_new_claim_but_not_new_results(self):
        judged = self._write_results()
        self.folder.claim_for("quick", _runs(0, 1))
        self.assertEqual(self.folder.read_claims(), judged)
        self.assert_shown()
        table = pd.DataFrame({"key": ["1234e5"]})
        self.folder.write_results(study.Results(table, table), [], _SHOWN)
        self.assertIsNone(self.folder.read_figure())  # it shows the older results
        self.assertTrue(self.folder.read_results().measurements.empty)

    def test_a_folder_of_an_older_version_is_read_unchecked(self):
        judged = self._write_results()
        values = self.folder.read_config()
        del values["files"]
        self.config.write_text(json.dumps(values))
        path = self.folder.path / "runs.csv"
        path.write_text(path.read_text().replace("7", "8"))
        self.assertEqual(self.folder.read_results().runs["step"].tolist(), [8])
        self.assertEqual(self.folder.read_claims(), judged)
        self.assert_shown()

    def test_no_curves(self):
        runs = pd.DataFrame({"key": ["a"]})
        self.folder.write_results(study.Results(runs, pd.DataFrame()), [], _SHOWN)
        self.assertTrue(self.folder.read_results().curves.empty)
        self.assertTrue(self.folder.read_results().measurements.empty)
        self.assertEqual(self.folder.read_claims(), [])


if __name__ == "__main__":
    absltest.main()
