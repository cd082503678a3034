"""`launch.train --from_search`: what a search recommends, trained."""

import json
import pathlib
import subprocess
import sys

from absl.testing import absltest

from bsgen import config
from tests.launch import process
from tests.tuning import recommended_run_test


class FromSearchTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        recommended_run_test.write(self.folder)

    def _train(self, *flags):
        return subprocess.run(
            [sys.executable, "-m", "launch.train", "--from_search=.", *flags],
            cwd=self.folder,
            env=process.environment(),
            capture_output=True,
            text=True,
        )

    def test_trains_the_recommended_run_with_what_flags_change(self):
        done = self._train("--output_dir=run", "--seed=7", "--evaluation_epochs=2")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        first = "recommended: batch size 20: accuracy 0.9"
        self.assertEqual(done.stdout.splitlines()[0], first)
        recorded = json.loads((self.folder / "run" / "config.json").read_bytes())
        found, run = recorded["config"], config.to_dict(recommended_run_test.RUN)
        setting = recommended_run_test.SETTING
        run["optimizer"]["learning_rate"] = setting["learning_rate"]
        run["optimizer"]["momentum"] = setting["momentum"]
        run["batch_size"], run["seed"] = setting["batch_size"], 7
        # Two epochs of 100 examples in batches of 20.
        run["num_steps"], run["evaluation_steps"] = 10, [10]
        self.assertEqual(found, run)

    def test_one_line_for_each_mistake(self):
        for flag, beginning in (
            ("--model=mlp", "error: model='mlp': --from_search says it"),
            ("--dataset=mnist", "error: dataset='mnist': --from_search says it"),
            ("--batch_size=101", "error: batch_size=101: a batch is at most"),
        ):
            done = self._train(flag)
            self.assertEqual(done.returncode, 1)
            (line,) = done.stderr.splitlines()
            self.assertStartsWith(line, beginning)


if __name__ == "__main__":
    absltest.main()
