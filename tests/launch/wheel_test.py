"""The wheel: installed in a fresh environment, the command `bsgen` works anywhere."""

import pathlib
import shutil
import subprocess
import sys
import sysconfig
import venv

from absl.testing import absltest

import bsgen
from tests.launch import process

_BUILD = "import sys; from setuptools import build_meta as build;"
_BUILD += "print(build.build_wheel(sys.argv[1]))"
_SOURCES = ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


def _run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{command}:\n{done.stdout}{done.stderr}")
    return done.stdout


class WheelTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        folder = pathlib.Path(self.create_tempdir().full_path)
        self.empty, tree, wheels = (folder / name for name in ("empty", "tree", "w"))
        for each in (self.empty, tree, wheels):
            each.mkdir()
        for name in _SOURCES:
            shutil.copy(process.ROOT / name, tree)
        for name in ("bsgen", "launch"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(process.ROOT / name, tree / name, ignore=ignored)
        _run(sys.executable, "-c", _BUILD, wheels, cwd=tree)
        self.place = folder / "environment"
        venv.create(self.place, symlinks=True)
        pip = (sys.executable, "-m", "pip", "--python", self.place / "bin" / "python")
        install = ("install", "--no-deps", "--no-index", "--no-compile", "--quiet")
        _run(*pip, *install, *wheels.glob("*.whl"), cwd=folder)
        # The dependencies are those of this environment; its own bsgen comes later.
        (site,) = self.place.glob("lib/python*/site-packages")
        paths = [each for each in sys.path if each.endswith("site-packages")]
        paths = paths or [sysconfig.get_path("purelib")]
        (site / "dependencies.pth").write_text("\n".join(paths))

    def test_the_command_works_in_an_empty_folder(self):
        command = self.place / "bin" / "bsgen"
        version = _run(command, "--version", cwd=self.empty)
        self.assertEqual(version, f"bsgen {bsgen.__version__}\n")
        code = "import importlib.util as u, bsgen; print(bsgen.__file__);"
        code += "print(u.find_spec('launch'))"
        python = self.place / "bin" / "python"
        found, launch = _run(python, "-c", code, cwd=self.empty).splitlines()
        self.assertStartsWith(found, str(self.place))
        self.assertEqual(launch, "None")  # the name is left to others

        flags = ("--dataset=digits", "--hidden_units=8", "--epochs=1")
        flags += ("--oracle=random", "--max_trials=1", "--output_dir=search")
        said = _run(command, "tune", *flags, cwd=self.empty)
        self.assertIn("recommended: batch size", said)
        self.assertTrue((self.empty / "search" / "recommendation.json").exists())
        picture = (self.empty / "search" / "figure.png").read_bytes()
        self.assertStartsWith(picture, b"\x89PNG")

        figure = "--figure=smith_elsen_de_2020/fig4"  # a schedule: nothing is trained
        _run(command, "reproduce", figure, "--output_dir=made", cwd=self.empty)
        page = (self.empty / "made" / "report.html").read_text()
        self.assertIn(f"bsgen reproduce {figure}", page)
        self.assertNotIn("launch.", page)

        # A module of the user's lies beside them, and is installed nowhere.
        (self.empty / "mine.py").write_text("def build(needed):\n    pass\n")
        wrong = (command, "tune", "--model_fn=mine:build", "--data_fn=mine:build")
        done = subprocess.run(wrong, cwd=self.empty, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("it is called without arguments, but needs needed", done.stderr)

        wrong = (command, "train", "--steps=1", "--dataset=mnist", "--data_dir=.")
        done = subprocess.run(wrong, cwd=self.empty, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("run `bsgen prepare_data --dataset=mnist", done.stderr)


if __name__ == "__main__":
    absltest.main()
