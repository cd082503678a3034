"""Tests of what reports show of a study that lacks some of its runs."""

import dataclasses
import pathlib

from absl.testing import absltest

from bsgen import papers
from bsgen.reports import contents, markdown, page, remake
from bsgen.studies import folder, outcome
from bsgen.training import records
from tests.reports import recorded

NAME = "smith_le_2017/fig7"
MARKERS = f"Before.\n{markdown.BEGIN}\n{markdown.END}\nAfter.\n"
LINE = (
    "Incomplete: 4 of {} runs are missing, and every claim stays undecided. Without "
    "batch size 8, 16 at momentum 0.0; batch size 16 at momentum 0.5."
)


def _lacks(run):
    """Both repeats of one setting, and one of another two."""
    where = run.optimizer.momentum, run.batch_size
    return where == (0, 16) or (where in ((0, 8), (0.5, 16)) and run.seed == 1)


class UnfinishedTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.project = pathlib.Path(self.create_tempdir().full_path)
        self.output_dir = self.project / "results"
        (self.study,) = papers.find(NAME)
        self.runs = self.study.runs("paper", 2)
        place = folder.Folder(self.output_dir, NAME)
        place.claim_for("paper", self.runs)
        self.store = records.RunStore(self.output_dir)

    def add(self, runs):
        self.store.add(map(recorded.record, runs))
        return remake.remake(self.output_dir, papers.studies())

    def read(self):
        return contents.read(self.output_dir, papers.studies())

    def test_is_shown_as_far_as_it_has_come(self):
        self.assertEmpty(self.add([]))
        self.assertEmpty(self.read()[0])
        self.assertEqual(self.add(r for r in self.runs if not _lacks(r)), [NAME])
        (entry,), unfinished = self.read()
        self.assertEmpty(unfinished)
        self.assertEqual(entry.warning(), LINE.format(len(self.runs)))
        self.assertEqual({claim.verdict for claim in entry.judged}, {"undecided"})
        self.assertLen(entry.results.runs, len(self.runs) - 6)
        self.assertEqual(entry.results.num_missing, 4)
        table = entry.folder.read_table().set_index("momentum")
        self.assertEqual(table["B missing"][:2].tolist(), ["8, 16", "16"])
        self.assertEqual(table["fitted"][:2].tolist(), ["yes", "yes"])
        shown = page.write(self.output_dir, papers.studies()).read_text()
        self.assertIn(entry.warning(), shown)
        self.assertIn("missing.csv</a>", shown)
        # Then the rest is trained.
        self.add(self.store.missing(self.runs))
        (entry,), _ = self.read()
        self.assertEqual(entry.warning(), "")
        self.assertLen(entry.results.runs, len(self.runs))
        self.assertNotIn("B missing", entry.folder.read_table())
        self.assertFalse((entry.folder.path / "missing.csv").exists())

    def test_whole_results_are_not_replaced_when_records_are_lost(self):
        self.add(self.runs)
        whole = (self.output_dir / NAME / "runs.csv").read_bytes()
        (self.output_dir / "runs.jsonl").unlink()
        self.store = records.RunStore(self.output_dir)
        self.assertEmpty(self.add(r for r in self.runs if not _lacks(r)))
        self.assertEqual((self.output_dir / NAME / "runs.csv").read_bytes(), whole)
        (entry,), _ = self.read()
        self.assertStartsWith(entry.warning(), "4 of its runs and measurements are not")

    def test_settings_of_another_version_are_not_mixed_in(self):
        folder.Folder(self.output_dir, NAME).claim_for(
            "paper", self.study.runs("quick", 2), force=True
        )
        self.assertEmpty(self.add(self.runs))

    def test_the_documentation_shows_it_with_its_picture(self):
        self.add(r for r in self.runs if not _lacks(r))
        (self.project / "docs").mkdir()
        path = self.project / "docs" / "PAPER_SCALE.md"
        path.write_text(MARKERS)
        written = markdown.write(self.output_dir, papers.studies(), self.project)
        self.assertEqual(written, ["docs/PAPER_SCALE.md"])
        text = path.read_text()
        self.assertStartsWith(text, f"Before.\n{markdown.BEGIN}\n")
        self.assertEndsWith(text, f"\n\n{markdown.END}\nAfter.\n")
        self.assertIn(f"\n\n**{LINE.format(len(self.runs))}**\n\n", text)
        self.assertIn("](images/smith_le_2017_fig7_paper.png)", text)
        picture = self.project / "docs" / "images" / "smith_le_2017_fig7_paper.png"
        original = (self.output_dir / NAME / "figure.png").read_bytes()
        self.assertStartsWith(picture.read_bytes(), b"\x89PNG")
        self.assertLess(len(picture.read_bytes()), 0.7 * len(original))

    def test_claims_that_need_no_missing_runs_are_judged_where_a_study_says_so(self):
        self.add(r for r in self.runs if not _lacks(r))
        (entry,), _ = self.read()
        self.assertGreater(entry.results.num_missing, 0)
        by_parts = dataclasses.replace(self.study, judges_parts=True)
        judged = outcome.conclude(by_parts, entry.results).judged
        self.assertEqual(judged, self.study.judge(self.study.analyse(entry.results)))
        left = outcome.conclude(self.study, entry.results).judged
        self.assertEqual({claim.verdict for claim in left}, {"undecided"})
        words = "are missing, and what they would decide is not among the claims. Wi"
        self.assertIn(words, entry._replace(study=by_parts).warning())

    def test_rows_may_have_numbers_of_seeds_of_their_own(self):
        name = "hoffer_2017/table1"
        (table,) = papers.find(name)
        runs = table.runs("quick")
        folder.Folder(self.output_dir, name).claim_for("quick", runs)
        first = [run for run in runs if run.model.name == "resnet8"]
        others = {run.seed for run in runs if run.model.name != "resnet8"}
        self.assertNotEqual({run.seed for run in first}, others)
        self.assertEqual(self.add(first), [name])
        (entry,), _ = self.read()
        self.assertEqual(entry.results.num_missing, len(runs) - len(first))


if __name__ == "__main__":
    absltest.main()
