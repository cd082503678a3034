import os
import pathlib
import subprocess
import sys

from absl.testing import absltest

from bsgen.reports import markdown
from tests.reports import recorded

_ROOT = pathlib.Path(__file__).parents[2]


class ReportTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.output_dir = pathlib.Path(self.create_tempdir().full_path)
        # In the place of TensorFlow, a module that ends whoever loads it.
        self.create_tempfile("fake/tensorflow.py", "raise SystemExit('loaded')")
        fake = os.path.join(self.create_tempdir("fake").full_path)
        paths = os.pathsep.join([fake, str(_ROOT)])
        self.environment = {**os.environ, "PYTHONPATH": paths}

    def report(self, *arguments):
        return subprocess.run(
            [sys.executable, "-m", "launch.report", *arguments],
            env=self.environment,
            cwd=self.output_dir,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def test_remakes_everything_without_tensorflow(self):
        recorded.write(self.output_dir, "smith_le_2017/fig3")
        done = self.report(f"--output_dir={self.output_dir}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEmpty(done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[-1], f"report: {self.output_dir}/report.html")
        self.assertRegex(lines[-2], r"^\d hold, \d fail, \d undecided$")
        self.assertTrue((self.output_dir / "report.html").is_file())
        left = sorted(
            p.name for p in (self.output_dir / "smith_le_2017/fig3").iterdir()
        )
        expected = [
            "claims.json",
            "config.json",
            "curves.csv",
            "figure.png",
            "runs.csv",
        ]
        self.assertEqual(left, expected)

    def test_markdown_goes_into_the_project_in_which_it_runs(self):
        recorded.write(self.output_dir, "smith_le_2017/fig3")
        arguments = f"--output_dir={self.output_dir}", "--markdown"
        done = self.report(*arguments)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^error: markdown='.': .*README.md.*\n$")
        readme = self.output_dir / "README.md"
        readme.write_text(f"{markdown.BEGIN}\n{markdown.END}")
        done = self.report(*arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("| `smith_le_2017` |", readme.read_text())
        self.assertTrue((self.output_dir / "docs" / "RESULTS.md").is_file())

    def test_lost_records_are_said(self):
        recorded.write(self.output_dir, "smith_le_2017/fig3")
        arguments = f"--output_dir={self.output_dir}"
        whole = self.report(arguments).stdout
        (self.output_dir / "runs.jsonl").unlink()
        done = self.report(arguments)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(
            done.stderr, r"^error: output_dir='.*': nothing was remade.*\n$"
        )
        said = "6 of its runs and measurements are not recorded any more"
        self.assertIn(said, " ".join(done.stdout.split()))
        self.assertIn(said, (self.output_dir / "report.html").read_text())
        self.assertLess({*whole.split()}, {*done.stdout.split()})

    def test_a_mistake_is_one_line(self):
        done = self.report(f"--output_dir={self.output_dir}")
        self.assertEqual(done.returncode, 1)
        self.assertEmpty(done.stdout)
        self.assertRegex(done.stderr, r"^error: output_dir='.*': holds no study.*\n$")


if __name__ == "__main__":
    absltest.main()
