"""Reading what a search recommends to train."""

import dataclasses
import json
import pathlib

from absl.testing import absltest, parameterized

from bsgen import config, errors
from bsgen.files import sealed_json
from bsgen.tuning import recommended_run

RUN = config.RunConfig(
    config.DataConfig("digits", train_size=100, validation_size=50),
    config.ModelConfig(
        "normalized_mlp", (12,), normalization="ghost", ghost_batch_size=4
    ),
    config.MomentumConfig(1.0, 0.9, l2=1e-3),
    seed=3,
)
SETTING = {"batch_size": 20, "learning_rate": 0.25, "momentum": 0.75}


def write(folder, run=RUN, setting=SETTING, **more):
    """Writes what `launch.tune` leaves of a search that recommends a setting."""
    described = {"num_epochs": 2.0, "run": config.to_dict(run), **more}
    sealed_json.write_state(folder / "search.json", described)
    words = "batch size 20: accuracy 0.9; the search took 5 steps"
    found = json.dumps({"setting": setting, "words": words})
    (folder / "recommendation.json").write_text(found)


class RecommendedRunTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)

    def test_the_run_of_the_search_with_the_recommended_setting(self):
        write(self.folder)
        found = recommended_run.read(self.folder)
        optimizer = config.MomentumConfig(0.25, 0.75, l2=1e-3)
        expected = dataclasses.replace(RUN, batch_size=20, optimizer=optimizer)
        self.assertEqual(found.run, expected)
        self.assertEqual(found.num_epochs, 2.0)
        self.assertEqual(found.words, "batch size 20: accuracy 0.9")

    def _assert_refused(self, reason):
        with self.assertRaisesRegex(errors.UserError, reason) as caught:
            recommended_run.read(self.folder)
        self.assertEqual(caught.exception.argument, "from_search")
        self.assertNotIn("\n", str(caught.exception))

    def test_a_folder_of_something_else(self):
        (self.folder / "config.json").write_text("{}")
        self._assert_refused("holds no search: there is no search.json")

    def test_an_unfinished_search(self):
        write(self.folder)
        (self.folder / "recommendation.json").unlink()
        self._assert_refused("recommends nothing: the search has not ended, or")

    def test_a_search_of_a_users_model(self):
        write(self.folder)
        described = {"num_epochs": 2.0, "model_fn": "mine:build"}
        sealed_json.write_state(self.folder / "search.json", described)
        self._assert_refused(
            r"own: compile your model with bsgen.optimizers.Momentum\(learning_rate="
            r"0.25, momentum=0.75\), and fit it with batch_size=20$"
        )

    @parameterized.parameters(
        ("a field that is not ours", lambda run: {**run, "amount": 1}),
        ("a network's", lambda run: {**run, "model": {"name": "mlp", "depth": 3}}),
        ("no dictionary", lambda run: "run"),
    )
    def test_another_version(self, _, change):
        write(self.folder)
        described = {"num_epochs": 2.0, "run": change(config.to_dict(RUN))}
        sealed_json.write_state(self.folder / "search.json", described)
        self._assert_refused("is of another version of bsgen, or damaged")

    def test_a_newer_format(self):
        write(self.folder, version=2)
        with self.assertRaisesRegex(errors.UserError, "newer version of bsgen"):
            recommended_run.read(self.folder)

    @parameterized.parameters(
        ('{"setting": {"batch_size": 0}}', "of another version .* or damaged"),
        ('{"setting": 3, "words": ""}', "of another version .* or damaged"),
        ("[]", "of another version .* or damaged"),
        ('{"setting": {"batch', "recommendation.json cannot be read"),
    )
    def test_a_damaged_recommendation(self, text, reason):
        write(self.folder)
        (self.folder / "recommendation.json").write_text(text)
        self._assert_refused(reason)

    def test_a_damaged_description(self):
        write(self.folder)
        path = self.folder / "search.json"
        path.write_text(path.read_text().replace("normalized_mlp", "mlp"))
        self._assert_refused("its search.json is damaged")


if __name__ == "__main__":
    absltest.main()
