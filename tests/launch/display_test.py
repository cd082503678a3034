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
            [float(re.split(r"\s{2,}", line)[-2].split()[-1]) for line in lines[1:-1]]
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
            number = len(study.runs("paper")) + len(study.measurements("paper"))
            self.assertRegex(line, rf" {number} +[\d.]+  {study.title[:5]}")

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
