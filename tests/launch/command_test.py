"""The command `bsgen`, in a checkout `python -m launch`."""

import pathlib
import subprocess
import sys

from absl.testing import absltest, parameterized

import bsgen
from launch import command
from tests.launch import process


def _run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "launch", *arguments],
        cwd=process.ROOT,
        env=process.environment(),
        capture_output=True,
        text=True,
    )


class CommandTest(parameterized.TestCase):
    def test_it_knows_every_launcher(self):
        folder = pathlib.Path(command.__file__).parent
        names = {
            path.stem
            for path in folder.glob("[a-z]*.py")
            if '__name__ == "__main__"' in path.read_text()
        }
        self.assertCountEqual(command.LAUNCHERS, names)

    @parameterized.parameters(((),), (("--help",),), (("-h",),), (("help",),))
    def test_one_screen_lists_them(self, arguments):
        done = _run(*arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertLessEqual(len(lines), 24)
        self.assertLessEqual(max(map(len, lines)), 80)
        for name in command.LAUNCHERS:
            (line,) = (line for line in lines if line.startswith(f"  {name} "))
            self.assertEndsWith(line, ".")

    def test_version(self):
        self.assertEqual(_run("--version").stdout, f"bsgen {bsgen.__version__}\n")

    def test_unknown(self):
        done = _run("trian", "--steps=2")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        (line,) = done.stderr.splitlines()
        self.assertStartsWith(
            line, "error: command='trian': unknown; did you mean 'train'?"
        )

    @parameterized.parameters("prepare_data", "prepare-data")
    def test_starts_a_launcher_as_python_does(self, name):
        done = _run(name, "--dataset=minst", "--data_dir=nowhere")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        (line,) = done.stderr.splitlines()
        self.assertStartsWith(line, "error: dataset='minst'")


if __name__ == "__main__":
    absltest.main()
