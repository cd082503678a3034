"""Tests of the list of studies, as a terminal and as a pipe show it."""

import contextlib
import io
import os
import re
from unittest import mock

from absl.testing import absltest

from bsgen import papers
from bsgen.training import cost
from launch import display

# The last cell of a line: a number, minutes, and images with two digits or a dash.
_PAPER = re.compile(
    r" (?P<number>\d+) +(?P<minutes>[\d.]+) +(?P<images>-|[\d.]+[kMGT]?)  \S"
)


class _Terminal(io.StringIO):
    def isatty(self):
        return True


class ListTest(absltest.TestCase):
    def lines(self, output, num_processes=1):
        with contextlib.redirect_stdout(output):
            display.list_studies(
                papers.studies(), cost.ONE_CORE, num_processes=num_processes
            )
        return output.getvalue().splitlines()

    def test_processes_divide_the_minutes(self):
        """Of an hour or more, of which TensorFlow's start is nothing."""
        minutes = [
            [float(cell["minutes"]) for cell in map(_PAPER.search, lines) if cell]
            for lines in (self.lines(io.StringIO()), self.lines(io.StringIO(), 2))
        ]
        compared = [(one, two) for one, two in zip(*minutes, strict=True) if one > 60]
        self.assertNotEmpty(compared)
        for one, two in compared:
            self.assertAlmostEqual(two, one / 2, delta=1.0)

    def test_a_line_a_study_with_its_whole_title_when_piped(self):
        _, *lines, _ = self.lines(io.StringIO())
        for study, line in zip(papers.studies(), lines, strict=True):
            self.assertStartsWith(line, study.name)
            self.assertEndsWith(line, f"  {study.title}")
            if "paper" in study.scales:
                cell = _PAPER.search(line.removesuffix(study.title) + "x")
                runs = study.runs("paper")
                number = len(runs) + len(study.measurements("paper"))
                self.assertEqual(int(cell["number"]), number)
                images = sum(map(cost.images, runs))
                shown = re.fullmatch(r"([\d.]+)([kMGT]?)", cell["images"])
                self.assertEqual(shown is None, images == 0)
                if shown:
                    size = float(shown[1]) * 1000 ** " kMGT".index(shown[2] or " ")
                    self.assertBetween(size / images, 0.95, 1.05)

    def test_lines_fit_a_terminal(self):
        piped = self.lines(io.StringIO())
        for width in (80, 200):
            size = os.terminal_size((width, 24))
            with mock.patch("shutil.get_terminal_size", lambda size=size: size):
                lines = self.lines(_Terminal())
            self.assertLen(lines, len(piped))
            for line, whole in zip(lines, piped, strict=True):
                self.assertLessEqual(len(line), width)
                self.assertStartsWith(whole, line.removesuffix("…"))
                self.assertEqual(line.endswith("…"), len(whole) > width)


if __name__ == "__main__":
    absltest.main()
