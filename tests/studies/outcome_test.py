"""Tests of what an analysis becomes: claims, a figure, a table."""

import pathlib

import pandas as pd
from absl.testing import absltest, parameterized
from matplotlib import figure as mpl_figure

from bsgen import papers
from bsgen.figures import style
from bsgen.studies import claims, folder, outcome, shown
from tests.reports import recorded
from tests.studies import made_up

FIGURE4 = "smith_le_2017/fig4"


def _verdicts(made, results):
    return made_up.verdicts(outcome.conclude(made, results).judged)


class OutcomeTest(parameterized.TestCase):
    @parameterized.parameters(*papers.names())
    def test_every_study_is_drawn(self, name):
        drawn = made_up.figure(name, recorded.results(name))
        self.assertStartsWith(style.png(drawn), b"\x89PNG")
        titles = [axes.get_title("left")[:3] for axes in drawn.axes]
        self.assertContainsSubset(["(a)", "(b)"], titles)

    def test_footer_counts_runs_and_verdicts(self):
        drawn = made_up.figure(FIGURE4, recorded.results(FIGURE4))
        self.assertEqual(
            drawn.get_supxlabel(),
            "smith_le_2017/fig4  ·  33 runs, 3 seeds  ·  1 diverged  ·  "
            "claims: 2 hold, 1 fail, 1 undecided, besides 1 repeat (1 hold)",
        )

    def test_nothing_is_decided_while_runs_are_missing(self):
        name = "smith_le_2017/fig5"
        (made,) = papers.find(name)
        results = recorded.results(name)
        self.assertEqual(_verdicts(made, results)[0], "holds")
        left = results.runs["batch_size"].isin([1, 1000])  # their ends alone
        runs, lost = results.runs[~left], results.runs[left]
        part = results._replace(runs=runs, missing=lost.assign(recorded=False))
        self.assertEqual(_verdicts(made, part), ["undecided"] * 2)
        judged, seen = outcome.conclude(made, part)
        words = f"{len(lost)} runs are missing"
        self.assertEqual(judged[0].reason, words)
        self.assertIn(f"INCOMPLETE: {words}", seen.figure.get_supxlabel())

    def test_one_analysis_is_judged_and_shown(self):
        claim = claims.Claim("c", "q", "> 0", 1.0, (0.5, 1.5), "holds", "n")
        analysed, table = [], pd.DataFrame({"paper": [1.0], "here": [1.1]})
        made = made_up.a_study(
            "made_up/table1",
            analyse=lambda results: analysed.append(results) or (claim, table),
            judge=lambda analysis: [analysis[0]],
            show=lambda analysis: shown.Shown(mpl_figure.Figure(), analysis[1]),
        )
        results = recorded.results(FIGURE4)
        output_dir = self.create_tempdir().full_path
        outcome.write(output_dir, made, results)
        self.assertLen(analysed, 1)
        found = folder.Folder(pathlib.Path(output_dir), "made_up/table1")
        self.assertEqual(found.read_claims(), [claim])
        pd.testing.assert_frame_equal(found.read_table(), table)
        self.assertStartsWith(found.read_figure(), b"\x89PNG")

    def test_something_is_shown(self):
        with self.assertRaisesRegex(ValueError, "not nothing"):
            shown.Shown()


if __name__ == "__main__":
    absltest.main()
