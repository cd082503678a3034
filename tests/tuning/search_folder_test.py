import json
import os
import pathlib

import pandas as pd
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.tuning import search_folder
from bsgen.tuning.procedures import outcomes, replay, settings


class SearchFolderTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path) / "search"
        self.folder = search_folder.SearchFolder(self.path)
        self.addCleanup(self.folder.close)

    def test_takes_the_same_search_again(self):
        described = {"oracle": "appendix_d", "rates": (1.0, 0.1), "seed": None}
        self.folder.claim(described)
        self.folder.claim(described)
        written = json.loads((self.path / "search.json").read_bytes())
        del written["sha256"]
        self.assertEqual(
            written, {"oracle": "appendix_d", "rates": [1.0, 0.1], "seed": None}
        )

    def test_takes_what_an_earlier_version_wrote(self):
        self.path.mkdir()
        (self.path / "search.json").write_text('{"seed": 0}')
        self.folder.claim({"seed": 0})
        with self.assertRaisesRegex(errors.UserError, "another search: seed differ"):
            self.folder.claim({"seed": 1})

    def test_somebodys_own_search_may_lack_what_ours_describe(self):
        for _ in range(2):
            warnings = []
            with search_folder.SearchFolder(self.path, warnings.append) as folder:
                folder.claim({"metric": "tons", "tolerance": 0.01})
            self.assertEqual(warnings, [])
        with self.assertRaisesRegex(errors.UserError, "search: tolerance differ"):
            self.folder.claim({"metric": "tons", "tolerance": 0.1})

    def test_one_search_at_a_time(self):
        other = search_folder.SearchFolder(self.path)
        with self.folder:
            self.folder.claim({"seed": 0})
            self.folder.claim({"seed": 0})
            with self.assertRaisesRegex(
                errors.UserError, f"in use by process {os.getpid()}; wait for it"
            ):
                other.claim({"seed": 0})
        other.claim({"seed": 0})
        with self.assertRaisesRegex(errors.UserError, "another search"):
            other.claim({"seed": 1})
        self.folder.claim({"seed": 0})  # a search that was refused keeps nothing

    @parameterized.parameters(
        ("metrics.jsonl", "a training run"),
        ("runs.jsonl", "a reproduction"),
        ("config.json", "something else than a search"),
    )
    def test_refuses_what_another_command_wrote(self, name, owner):
        self.path.mkdir()
        (self.path / name).write_text("{}")
        with self.assertRaisesRegex(errors.UserError, f"holds {owner} .{name}.; choo"):
            self.folder.claim({})
        self.assertEqual([each.name for each in self.path.iterdir()], [name])

    def test_what_is_kept_is_made_once_and_again_when_damaged(self):
        warnings = []
        folder = search_folder.SearchFolder(self.path, warnings.append)
        values = iter([{"noise": 1.5}, {"noise": 2.5}])
        for _ in range(2):
            kept = folder.keep("guided.json", lambda: next(values))
            self.assertEqual(kept, {"noise": 1.5})
        self.assertEmpty(warnings)
        path = self.path / "guided.json"
        path.write_bytes(path.read_bytes().replace(b"1.5", b"1.7"))
        kept = folder.keep("guided.json", lambda: next(values))
        self.assertEqual(kept, {"noise": 2.5})
        self.assertLen(warnings, 1)
        self.assertRegex(warnings[0], "guided.json is damaged .its check sum does not")
        path.write_bytes(path.read_bytes().replace(b"sha256", b"sha257"))
        self.assertEqual(folder.keep("guided.json", lambda: {"n": 1}), {"n": 1})
        self.assertRegex(warnings[1], "guided.json is damaged .its check sum is miss")

    def test_refuses_another_search(self):
        self.folder.claim({"seed": 0, "epochs": 20, "old": 1})
        before = (self.path / "search.json").read_bytes()
        message = "output_dir='.*search': holds another search: epochs, new, old differ"
        with self.assertRaisesRegex(errors.UserError, message):
            self.folder.claim({"seed": 0, "epochs": 30, "new": 1})
        self.assertEqual((self.path / "search.json").read_bytes(), before)

    def test_names_another_model_and_other_data(self):
        known = {"seed": 0, "model": "a", "train_data": "b", "validation_data": "c"}
        self.folder.claim(known)
        for changed in ("model", "train_data", "validation_data"):
            message = f"holds another search: {changed} differ"
            with self.assertRaisesRegex(errors.UserError, message):
                self.folder.claim({**known, changed: "d"})

    def test_goes_on_with_a_search_of_an_earlier_version(self):
        """Which said "minus" of a metric, and knew neither model nor data."""
        older = {"seed": 0, "tolerance": 0.01, "baseline_score": -2.0}
        self.folder.claim({**older, "metric": "minus validation mae"})
        self.folder.close()
        wanted = {
            "seed": 0,
            "tolerance": 0.02,
            "baseline_score": -1.0,
            "metric": "validation mae",
            "lower_is_better": True,
            "own": None,
            **dict.fromkeys(("model", "train_data", "validation_data"), "digest"),
        }
        said = []
        with search_folder.SearchFolder(self.path, said.append) as again:
            again.claim(wanted)
            again.claim(wanted)
            (line,) = said
            self.assertIn("make sure that model and data are the same", line)
        for name, value in (("seed", 1), ("metric", "validation mse")):
            message = f"another search: {name} differ"
            with self.assertRaisesRegex(errors.UserError, message):
                again.claim({**wanted, name: value})

    def test_refuses_trials_of_nobody(self):
        (self.path / "trials").mkdir(parents=True)
        with self.assertRaisesRegex(errors.UserError, "holds trials, but no search"):
            self.folder.claim({})
        self.assertFalse((self.path / "search.json").exists())

    def test_refuses_what_it_cannot_read(self):
        self.path.mkdir()
        (self.path / "search.json").write_text("{")
        with self.assertRaisesRegex(
            errors.UserError, "search.json is damaged .it is not JSON"
        ):
            self.folder.claim({})

    def test_refuses_a_place_that_is_a_file(self):
        self.path.write_text("")
        with self.assertRaisesRegex(errors.UserError, "output_dir"):
            self.folder.claim({})

    def test_table_of_trials(self):
        start = settings.Setting(64, 1.0, 0.9)
        grown, last = start.scaled(320), settings.Setting(480, 1.0, 0.98)
        done = [
            (
                settings.Request(start, (0, 1), 1, "batch size"),
                outcomes.Outcome({0: 0.5, 1: 0.75}, "completed", 100, 6400, 0.1234),
            ),
            (
                settings.Request(start, (2, 3), 2, "start"),
                outcomes.Outcome({2: 0.5, 3: 0.0}, "diverged"),
            ),
            (
                settings.Request(grown, (2, 3), 2, "larger batch"),
                outcomes.Outcome({}, "out_of_memory"),
            ),
            (
                settings.Request(last, (2,), 3, "neighbour"),
                outcomes.Outcome({2: 0.25}),
            ),
        ]
        decisions = [replay.Decision(i, str(i), {}) for i in (1, 2)]
        table = self.folder.write(done, decisions)
        read = pd.read_csv(self.path / "trials.csv")
        pd.testing.assert_frame_equal(
            table.astype({"phase": "int64"}),
            read.fillna({"scores": ""}),
            check_like=True,
        )
        self.assertEqual(read["phase"].tolist(), [1, 2, 2, 3])
        reasons = ["batch size", "start", "larger batch", "neighbour"]
        self.assertEqual(read["reason"].tolist(), reasons)
        self.assertEqual(read["batch_size"].tolist(), [64, 64, 320, 480])
        self.assertEqual(read["status"].tolist()[1:3], ["diverged", "out_of_memory"])
        row = read.iloc[0]
        self.assertEqual(row["repeats"], "0 1")
        self.assertEqual(row["scores"], "0.5 0.75")
        self.assertEqual(row["score"], 0.625)
        self.assertEqual(row["standard_error"], 0.125)
        self.assertEqual((row["num_steps"], row["num_examples"]), (100, 6400))
        # What a diverged repeat counts as is no score.
        self.assertEqual(read["scores"][1], "0.5 nan")
        self.assertTrue(read["score"][1:3].isna().all())
        written = json.loads((self.path / "decisions.json").read_bytes())
        self.assertEqual([each["text"] for each in written], ["1", "2"])
        self.assertFalse((self.path / "recommendation.json").exists())

    def test_a_metric_of_which_less_is_better(self):
        own = settings.AsCompiled(32, "Adam")
        outcome = outcomes.Outcome({0: -0.5, 1: -0.75})
        done = [(settings.Request(own, (0, 1), 0, "own optimizer"), outcome)]
        row = self.folder.write(done, lower_is_better=True).iloc[0]
        self.assertEqual((row["value"], row["score"]), (0.625, -0.625))
        self.assertEqual((row["phase"], row["optimizer"]), (0, "Adam"))
        self.assertTrue(pd.isna(row["learning_rate"]))

    def test_trials_of_another_oracle_have_no_phase(self):
        request = settings.Request(settings.Setting(64, 1.0, 0.9), (0,))
        self.path.mkdir()
        (self.path / "recommendation.json").write_text("{}")  # of an earlier end
        table = self.folder.write([(request, outcomes.Outcome({0: 0.5}))])
        self.assertFalse((self.path / "recommendation.json").exists())
        self.assertTrue(table["phase"].isna().all())
        self.assertEqual(json.loads((self.path / "decisions.json").read_bytes()), [])


if __name__ == "__main__":
    absltest.main()
