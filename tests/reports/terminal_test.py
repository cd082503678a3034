import dataclasses
import io

import pandas as pd
import rich.console
from absl.testing import absltest

from bsgen import papers
from bsgen.reports import cells, contents, remake, terminal
from bsgen.studies import claims, shown
from tests.reports import recorded

FIGURE3, FIGURE4 = "smith_le_2017/fig3", "smith_le_2017/fig4"


class TerminalTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.output_dir = self.create_tempdir().full_path
        recorded.write(self.output_dir, FIGURE3, FIGURE4)
        remake.remake(self.output_dir, papers.studies())

    def printed(self, *names, **console):
        out = io.StringIO()
        console = rich.console.Console(file=out, width=80, **console)
        terminal.print_claims(self.output_dir, papers.studies(), names or None, console)
        return out.getvalue()

    def test_every_word_of_every_claim_is_there(self):
        text = self.printed()
        flat = " ".join(text.split())
        finished, _ = contents.read(self.output_dir, papers.studies())
        for entry in finished:
            title = f"{entry.study.name} {entry.study.title}"
            self.assertIn(f"{title} Trained on a card.", flat)
            for claim in entry.judged:
                line = f"{cells.measured(claim)}, predicted {claim.predicted}"
                how = f"; sureness {cells.sureness(claim)}"
                if claim.verdict == claims.UNDECIDED:
                    how = f" {claim.reason}"
                kind = "" if claim.kind == claims.PAPER else f" ({claim.kind})"
                words = f"{claim.verdict} {claim.claim}{kind}"
                self.assertIn(f"{words} {line}{how} {claim.quantity}", flat)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        every = [claim for entry in finished for claim in entry.judged]
        self.assertIn(f"\n{claims.summary(every)}\n", text)

    def test_other_kinds_follow_and_are_counted_apart(self):
        (entry, _), _ = contents.read(self.output_dir, papers.studies())
        check = dataclasses.replace(entry.judged[0], kind=claims.CHECK)
        judged = [check, *entry.judged[1:]]
        seen = shown.Shown(table=pd.DataFrame({"here": [1]}))
        entry.folder.write_results(entry.results, judged, seen)
        flat = " ".join(self.printed(FIGURE3).split())
        self.assertGreater(
            flat.index(f"{check.claim} (check)"), flat.index(judged[-1].claim)
        )
        self.assertEndsWith(flat, "claims: 1 check (1 hold).")

    def test_colours_on_a_terminal_only(self):
        self.assertNotIn("\x1b", self.printed())
        coloured = self.printed(force_terminal=True, color_system="standard")
        self.assertRegex(coloured, r"\x1b\[32mholds")

    def test_a_table_is_printed(self):
        (entry, _), _ = contents.read(self.output_dir, papers.studies())
        table = pd.DataFrame(
            {"network": ["[f1]"], "paper": [92.05], "here": [91.234567]}
        )
        entry.folder.write_results(entry.results, [], shown.Shown(table=table))
        lines = [" ".join(line.split()) for line in self.printed().splitlines()]
        self.assertIn("network paper here", lines)
        self.assertIn("[f1] 92.05 91.23", lines)

    def test_only_the_wanted_studies(self):
        text = self.printed(FIGURE4)
        self.assertIn(FIGURE4, text)
        self.assertNotIn(FIGURE3, text)


if __name__ == "__main__":
    absltest.main()
