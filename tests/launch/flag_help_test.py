"""`--help` of every launcher: all flags in sections, with defaults and an example."""

import json
import re
import subprocess
import sys

from absl.testing import absltest, parameterized

from launch import command, flag_help
from tests.launch import process

# Processor time, of which NumPy's import takes 0.07 s on two cores of an AMD EPYC and
# the help 0.14 s: so neither other work on the machine counts, nor its speed.
_MOST_IMPORTS_OF_NUMPY = 10
_CODE = """
import runpy, sys, time
started = time.process_time()
import numpy
imported = time.process_time()
sys.argv = ["NAME", "--help"]
try:
    runpy.run_module("launch.NAME", run_name="__main__", alter_sys=True)
except SystemExit as ended:
    print(ended.code)
print(*{"tensorflow", "keras", "pandas", "matplotlib"} & {*sys.modules})
print((time.process_time() - imported) / (imported - started))
"""


def _python(*arguments):
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=process.ROOT,
        env=process.environment(),
        capture_output=True,
        text=True,
    )
    if done.returncode or done.stderr:
        raise AssertionError(done)
    return done.stdout


class FlagHelpTest(parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.found = json.loads(_python("-m", "tests.launch.described_flags"))

    def _flags(self, launcher):
        listed = self.found[launcher]["sections"].values()
        return [flag for section in listed for flag in section]

    @parameterized.parameters(*command.LAUNCHERS)
    def test_shows_every_flag_once(self, launcher):
        shown, defined = self.found[launcher]["shown"], self.found[launcher]["defined"]
        self.assertNotEmpty(defined)
        names = [flag["name"] for flag in self._flags(launcher)]
        self.assertCountEqual(names, defined)
        for text in shown.values():
            for name in names:
                self.assertLen(re.findall(rf"(?m)^  --(?:\[no\])?{name}\b", text), 1)
            self.assertNotRegex(text, "pdb|logtostderr|absl|helpfull")

    @parameterized.product(launcher=command.LAUNCHERS, columns=("80", "100"))
    def test_fits_the_terminal(self, launcher, columns):
        lines = self.found[launcher]["shown"][columns].splitlines()
        self.assertBetween(max(map(len, lines)), int(columns) - 20, int(columns))
        self.assertTrue(
            any(line.startswith(f"    python -m launch.{launcher} ") for line in lines)
        )

    @parameterized.parameters(*command.LAUNCHERS)
    def test_every_flag_is_explained_with_its_default(self, launcher):
        text = self.found[launcher]["shown"]["100"]
        flat = " ".join(text.split())
        for title, listed in self.found[launcher]["sections"].items():
            self.assertIn(f"\n\n{title}:\n  --", text)
            for flag in listed:
                said = flag["said"]
                self.assertRegex(said, r"^([A-Z]|package\.module).*\.$", flag["name"])
                self.assertIn(said, flat)
                self.assertIn("|".join(flag["choices"][:1]), flat)
                if flag["has_default"]:
                    self.assertRegex(said, "Default: |default: ", flag["name"])

    def test_how_defaults_and_values_are_written(self):
        text = self.found["train"]["shown"]["80"]
        for line in (
            "--momentum=X            Momentum coefficient m, in [0, 1). Default: 0.9.",
            " Take Nesterov's form of the momentum. Default: off.",
            "  --resume=auto|never|must\n                          What to do",
            "\n        --batch_size=2048 --ghost_batch_size=128 --epochs=100\n",
        ):
            self.assertIn(line, text)

    @parameterized.parameters("sweep", "tune")
    def test_is_quick_and_loads_nothing_heavy(self, launcher):
        for _ in range(3):  # the quickest counts
            said = _python("-c", _CODE.replace("NAME", launcher))
            *_, code, loaded, imports = said.splitlines()
            self.assertEqual((code, loaded), ("None", ""))
            if float(imports) < _MOST_IMPORTS_OF_NUMPY:
                return
        self.fail(f"as slow as {imports} imports of NumPy")

    def test_every_file_begins_a_section_before_its_flags(self):
        for path in (process.ROOT / "launch").glob("*.py"):
            first = re.search(r"= (flags|paths)\.(DEFINE|define)_?", path.read_text())
            if first:
                before = path.read_text()[: first.start()]
                self.assertIn("flag_help.section(", before, path)

    def test_a_program_without_sections(self):
        text = _python("-m", "benchmarks.ensemble", "--help")
        self.assertIn("\n\nFlags:\n  --", text)
        self.assertIn("\n  --rounds=N ", text)

    def test_a_section_that_is_none(self):
        with self.assertRaisesRegex(ValueError, "title='Budgets': give one of Studies"):
            flag_help.section("Budgets")


if __name__ == "__main__":
    absltest.main()
