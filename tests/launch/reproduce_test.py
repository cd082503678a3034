"""Tests of `launch.reproduce`: its flags, its lists and its refusals."""

import os
import pathlib
import subprocess
import sys

from absl.testing import absltest

from bsgen import config, papers
from bsgen.files import folder_lock
from bsgen.studies import folder
from tests.launch import process

_LOADED_BY_HELP = """
import runpy, sys
sys.argv = ["reproduce", "--help"]
try:
    runpy.run_module("launch.reproduce", run_name="__main__", alter_sys=True)
except SystemExit:
    print("loaded:", *sorted(sys.modules))
"""
_INTERRUPTED = """
import runpy, sys
from bsgen.training import execution
def interrupt(*_):
    raise KeyboardInterrupt
execution.plan = interrupt
sys.argv = ["reproduce", "--figure=smith_le_2017/fig1", "--seeds=1", "--output_dir=r"]
runpy.run_module("launch.reproduce", run_name="__main__", alter_sys=True)
"""
_FINISHES_ONE = """
import runpy, sys
from bsgen import papers
from bsgen.studies import campaign
def run(self, advance, on_study, num_processes):
    on_study(papers.find("smith_le_2017/fig1")[0])
    raise KeyboardInterrupt
campaign.Campaign.run = run
sys.argv = ["reproduce", "--figure=smith_le_2017", "--seeds=1", "--output_dir=a b"]
runpy.run_module("launch.reproduce", run_name="__main__", alter_sys=True)
"""
# One seed: all studies with all their seeds have some 50,000 runs.
_LIST = ("--list", "--nocalibrate", "--seeds=1")


class LauncherTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        self.output = self.folder / "results"

    def _files(self):
        files = (path for path in self.output.rglob("*") if path.is_file())
        return {path: path.read_bytes() for path in files if path.name != ".lock"}

    def _assert_refused(self, message, *flags):
        finished = process.reproduce(*flags, cwd=self.folder)
        self.assertEqual(finished.returncode, 1, finished)
        written = finished.stderr.splitlines()
        self.assertLen(written, 1, finished.stderr)
        self.assertRegex(written[0], f"^error: {message}")
        self.assertEqual(finished.stdout, "")

    def test_help_names_the_flags_without_loading_tensorflow(self):
        finished = subprocess.run(
            [sys.executable, "-c", _LOADED_BY_HELP],
            cwd=process.ROOT,
            capture_output=True,
            text=True,
        )
        text, loaded = finished.stdout.split("loaded:")
        for flag in (
            "list figure suite scale output_dir data_dir seeds calibrate processes "
            "force".split()
        ):
            self.assertRegex(text, rf"--(\[no\])?{flag}\b")
        self.assertIn("python -m launch.reproduce --suite=quick", text)
        for slow in ("tensorflow", "keras", "pandas", "matplotlib"):
            self.assertNotIn(slow, loaded.split())

    def test_list_names_every_study(self):
        finished = process.reproduce(*_LIST, cwd=self.folder)
        self.assertEqual((finished.returncode, finished.stderr), (0, ""))
        lines = finished.stdout.splitlines()
        self.assertCountEqual([line.split()[0] for line in lines[1:-1]], papers.names())
        title = "Accuracy of logistic regression against L2 regularisation"
        self.assertRegex(
            finished.stdout, rf"fig1 +66 +\d\.\d +- +66 +\d\.\d +-  {title}\n"
        )
        self.assertEndsWith(lines[-1], "minutes of one core of an AMD EPYC")
        self.assertEmpty(list(self.folder.iterdir()))

    def test_a_suite_has_the_studies_of_its_scale(self):
        finished = process.reproduce(*_LIST, "--suite=reduced", cwd=self.folder)
        lines = finished.stdout.splitlines()
        names = [line.split()[0] for line in lines[1:-1]]
        studies = papers.studies()
        expected = [study.name for study in studies if "reduced" in study.scales]
        self.assertEqual(names, expected)
        self.assertContainsSubset(["jastrzebski_2018/fig3"], names)
        self.assertNotIn("smith_le_2017/fig1", names)

    def test_a_mistake_is_one_line_and_leaves_nothing(self):
        message = "figure='smith_le_2017/fig44': unknown; did you mean"
        self._assert_refused(message, "--figure=smith_le_2017/fig44")
        self.assertEmpty(list(self.folder.iterdir()))

    def test_a_dataset_that_is_not_prepared(self):
        data_dir = self.create_tempdir().full_path
        self._assert_refused(
            f"dataset='mnist': not prepared in {data_dir}; run `python -m "
            "launch.prepare_data --dataset=mnist",
            "--figure=smith_le_2017/fig4",
            "--scale=paper",
            f"--data_dir={data_dir}",
            f"--output_dir={self.output}",
        )
        self.assertEmpty(list(self.folder.iterdir()))

    def test_an_output_folder_below_a_file(self):
        self.output.write_text("a file")
        self._assert_refused(
            f"output_dir='{self.output}/below.*': cannot write there",
            "--figure=smith_le_2017/fig1",
            f"--output_dir={self.output}/below",
        )
        self.assertEqual(self.output.read_text(), "a file")

    def test_a_folder_of_another_scale(self):
        quick = [config.RunConfig(seed=1)]
        folder.Folder(self.output, papers.names()[0]).claim_for("quick", quick)
        before = self._files()
        self._assert_refused(
            f"output_dir='{self.output}': smith_le_2017/fig1 there was made at "
            "scale=quick.*--force$",
            "--figure=smith_le_2017/fig1",
            "--scale=paper",
            f"--output_dir={self.output}",
        )
        self.assertEqual(self._files(), before)

    def _interrupted(self, script):
        """Returns the lines of a launcher that was interrupted, without the first."""
        ended = subprocess.run(
            [sys.executable, "-c", script],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(process.ROOT)},
            capture_output=True,
            text=True,
        )
        self.assertEqual(ended.returncode, 130, ended.stderr)
        first, *lines = ended.stdout.splitlines()
        self.assertRegex(first, r"^\d+ runs .*to make, about ")
        return lines

    def test_ctrl_c_before_anything_is_trained(self):
        self.assertEqual(
            self._interrupted(_INTERRUPTED),
            ["interrupted; saved: the same command continues from there"],
        )

    def test_ctrl_c_tells_how_to_see_what_is_finished(self):
        study, *lines = self._interrupted(_FINISHES_ONE)
        self.assertStartsWith(study, "finished smith_le_2017/fig1: ")
        report = "python -m launch.report --output_dir='a b'"
        self.assertEqual(
            lines,
            [
                "interrupted; saved: the same command continues from there",
                f"what is finished so far: {report}",
            ],
        )

    def test_a_folder_in_use(self):
        """Refused before TensorFlow is loaded, and nothing but `.lock` is there."""
        with folder_lock.FolderLock(self.output):
            self._assert_refused(
                f"output_dir='{self.output}': in use by process {os.getpid()}; wait",
                "--figure=smith_le_2017/fig4",
                f"--output_dir={self.output}",
            )
        self.assertEmpty(self._files())


if __name__ == "__main__":
    absltest.main()
