"""docs/ADDING.md, applied to a copy of the project and run."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from absl.testing import absltest

_ROOT = pathlib.Path(__file__).parents[2]
# A file's name, and the blocks below it.
_FILE = re.compile(
    r"^`([\w/.]+)`:\n\n((?:```(?:python|diff)\n.*?```\n*)+)", re.MULTILINE | re.DOTALL
)
_BLOCK = re.compile(r"```(python|diff)\n(.*?)```", re.DOTALL)
# Runs launchers one after the other, in one process; the first argument of each line
# is the launcher. Prints what each printed, as JSON.
_DRIVER = """
import contextlib, importlib, io, json, sys
from absl import flags

said, unloaded = [], []  # absl knows modules by their addresses: none may be reused
for launcher, *arguments in json.load(sys.stdin):
    of_modules = flags.FLAGS.flags_by_module_dict().items()
    for name in [f.name for m, fs in of_modules if m.startswith("launch.") for f in fs]:
        if name in flags.FLAGS:
            delattr(flags.FLAGS, name)
    for name in [n for n in sys.modules if n.partition(".")[0] == "launch"]:
        unloaded.append(sys.modules.pop(name))
    module = importlib.import_module(f"launch.{launcher}")
    from launch import entry

    sys.argv = [launcher, *arguments]
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        try:
            entry.run(module.main)
        except SystemExit as ended:
            text.write(f"exit status {ended.code}")
    said.append(text.getvalue())
json.dump(said, sys.__stdout__)
"""


def _insert(text, hunk):
    """Adds the lines marked `+` after the line before them, which stands there once."""
    before, *added = hunk.splitlines()
    lines = text.splitlines()
    if lines.count(before[1:]) != 1 or any(line[0] != "+" for line in added):
        raise AssertionError(f"this does not apply:\n{hunk}")
    place = lines.index(before[1:]) + 1
    lines[place:place] = [line[1:] for line in added]
    return "\n".join(lines) + "\n"


def _apply(document, folder):
    """Writes the new files, and adds the lines of the registrations."""
    for name, blocks in _FILE.findall(document):
        path = folder / name
        for kind, text in _BLOCK.findall(blocks):
            if kind == "diff":
                path.write_text(_insert(path.read_text(), text))
            elif path.exists():
                raise AssertionError(f"{name} is not a new file")
            else:
                path.write_text(text)


class AddingTest(absltest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(absltest.get_default_test_tmpdir()) / "adding"
        for room in ("bsgen", "launch"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(_ROOT / room, cls.folder / room, ignore=ignored)
        cls.document = (_ROOT / "docs/ADDING.md").read_text()
        _apply(cls.document, cls.folder)
        studies = "--figure=smith_le_2017/fig9,smith_le_2017/table1"
        trained = ["--batch_size=20", "--epochs=20", "--output_dir=run"]
        smoothed = ["train", "--dataset=rings", "--model=sine"]
        smoothed += ["--loss=smoothed_labels"]
        cls.said = cls.launch(
            ["reproduce", "--list", "--nocalibrate", "--seeds=1"],
            ["train", "--dataset=rings", "--model=none", *trained],
            ["train", "--dataset=none", "--model=sine", *trained],
            ["train", "--dataset=rings", "--model=sine", *trained],
            [*smoothed, *trained[:-1], "--output_dir=smoothed"],
            ["measure", "--run_dir=run", "--measures=none"],
            ["measure", "--run_dir=run", "--measures=gradient_curvature"],
            ["reproduce", studies, "--output_dir=out"],
        )

    @classmethod
    def launch(cls, *lines):
        """Runs launchers in the copy; returns what each printed."""
        done = subprocess.run(
            [sys.executable, "-c", _DRIVER],
            input=json.dumps(lines),
            cwd=cls.folder,
            env={**os.environ, "PYTHONPATH": str(cls.folder)},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise AssertionError(done.stderr)
        return json.loads(done.stdout)

    def test_names_are_known(self):
        self.assertIn("smith_le_2017/fig9", self.said[0])
        self.assertIn("smith_le_2017/table1", self.said[0])
        self.assertIn("sine", self.said[1])
        self.assertIn("rings", self.said[2])
        self.assertIn("gradient_curvature", self.said[5])

    def test_the_network_learns_the_dataset(self):
        accuracy = re.search(r"test accuracy (0\.\d+|1\.0+)", self.said[3])
        self.assertIsNotNone(accuracy, self.said[3])
        self.assertGreater(float(accuracy[1]), 0.8)
        self.assertTrue((self.folder / "run/model.keras").exists())

    def test_the_loss_is_minimised_and_recorded(self):
        self.assertRegex(self.said[4], r"test accuracy (0\.[89]\d+|1\.0+)")
        summary = json.loads((self.folder / "smoothed/summary.json").read_text())
        # A perfect classifier of two classes with labels 0.95 and 0.05 is left with
        # their entropy, 0.199 nats.
        self.assertBetween(summary["final"]["test_smoothed_loss"], 0.199, 0.5)
        self.assertLess(summary["final"]["test_cross_entropy"], 0.5)

    def test_the_measure_is_taken_and_written(self):
        self.assertRegex(self.said[6], r"gradient_curvature: .* \(complete\)")
        measured = json.loads((self.folder / "run/measures.json").read_text())
        self.assertIn("gradient_curvature", measured)

    def test_figure_and_table_are_judged_shown_and_reported(self):
        out = self.folder / "out"
        for study, shown in (("fig9", "figure.png"), ("table1", "table.csv")):
            folder = out / "smith_le_2017" / study
            (claim,) = json.loads((folder / "claims.json").read_text())
            self.assertEqual(claim["claim"], "Small batches win")
            self.assertTrue((folder / shown).exists(), self.said[-1])
        page = (out / "report.html").read_text()
        self.assertIn("Test accuracy against batch size on rings", page)
        self.assertIn("Test accuracies on rings", page)
        self.assertIn("0.85", page)  # the made-up number of the paper
        self.assertIn("6 runs", self.said[-1])  # which both studies share


if __name__ == "__main__":
    absltest.main()
