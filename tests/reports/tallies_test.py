import dataclasses
import pathlib

import pandas as pd
from absl.testing import absltest, parameterized

from bsgen.reports import citations, contents, tallies
from bsgen.studies import claims, folder, study
from tests.studies import made_up

_CLAIM = claims.Claim("c", "q", "> 0", 0.5, (0.1, 0.9), "holds", "n")


def _finished(name, *kinds_and_verdicts):
    judged = [
        dataclasses.replace(_CLAIM, kind=kind, verdict=verdict)
        for kind, verdict in kinds_and_verdicts
    ]
    results = study.Results(pd.DataFrame(), pd.DataFrame())
    place = folder.Folder(pathlib.Path("unused"), name)
    return contents.Finished(made_up.a_study(name), place, {}, results, judged)


FIRST = _finished(
    "made_up/fig1", ("paper", "holds"), ("paper", "fails"), ("check", "undecided")
)
SECOND = _finished("made_up/fig2", ("paper", "holds"), ("repeat", "holds"))
OTHER = _finished("smith_le_2017/fig1", ("paper", "undecided"))


class TalliesTest(parameterized.TestCase):
    def test_numbers_by_paper_and_kind(self):
        rows = tallies.table([FIRST, SECOND, OTHER])
        found = {row.name: [cell.number for cell in row.cells] for row in rows}
        self.assertEqual(
            found,
            {
                "made_up": [2, 1, 0, 1, 1],
                "Smith & Le (2017)": [0, 0, 1, 0, 0],
                "All papers": [2, 1, 1, 1, 1],
            },
        )
        self.assertLen(tallies.table([FIRST, SECOND]), 1)

    def test_every_claim_passes_the_filters_of_two_cells(self):
        rows = tallies.table([FIRST, OTHER])
        cells = [cell for row in rows for cell in row.cells]
        numbers = dict.fromkeys((cell.link for cell in cells), 0)
        for entry in (FIRST, OTHER):
            for claim in entry.judged:
                for link in tallies.links_of(tallies.paper_of(entry), claim):
                    numbers[link] += 1
        self.assertEqual(numbers, {cell.link: cell.number for cell in cells})

    @parameterized.parameters(
        ("a/fig10", "Figure 10"),
        ("a/table2", "Table 2"),
        ("a/appendix_d", "Appendix D"),
        ("a/algorithm1", "Algorithm 1"),
        ("a/rule_of_thumb", "Rule of thumb"),
    )
    def test_the_place_of_a_study_in_its_paper(self, name, expected):
        self.assertEqual(citations.place_in_paper(name), expected)


if __name__ == "__main__":
    absltest.main()
