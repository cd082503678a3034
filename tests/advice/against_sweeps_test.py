"""What advice says of how it did against sweeps is what its page says."""

import pathlib
import re

from absl.testing import absltest

from bsgen.advice import evidence

_ROOT = pathlib.Path(__file__).parents[2]


def _row(page, name):
    """Returns the cells of a table's row, after the first, without marks."""
    (line,) = re.findall(rf"^\| \**{name}\** \|.*$", page, re.MULTILINE)
    return [cell.strip(" *") for cell in line.split("|")[2:-1]]


def _percentages(text):
    return [int(each) for each in re.findall(r"(\d+) %", text)]


def _percentage(cell):
    return round(100 * float(cell.split()[0]))


class AgainstSweepsTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        page = (_ROOT / "docs/use/advice.md").read_text()
        self.pairs = _row(page, "rate by")[1].removeprefix("not looked at before, ")
        rules = "the advice", "linear rule", "square root", "no change"
        self.shares = [_percentage(_row(page, rule)[1]) for rule in rules]
        worst = _row(page, "figure 6, no normalisation")
        self.worst = [_percentage(cell) for cell in worst[1:4]]

    def test_the_sentence(self):
        self.assertIn(self.pairs, evidence.AGAINST_SWEEPS)
        _, *found = _percentages(evidence.AGAINST_SWEEPS)  # the first is of a cost
        self.assertEqual(found, [*self.shares, *self.worst])

    def test_the_first_page(self):
        readme = (_ROOT / "README.md").read_text()
        (line,) = re.findall(r"- The advice's rate .*?\n\n", readme, re.DOTALL)
        self.assertIn(self.pairs, line)
        self.assertEqual(_percentages(line), self.shares[:3])


if __name__ == "__main__":
    absltest.main()
