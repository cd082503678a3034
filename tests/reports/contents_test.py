import pathlib

from absl.testing import absltest, parameterized

from bsgen import errors, papers
from bsgen.reports import contents, remake
from tests.reports import recorded

FIGURE3, FIGURE4 = "smith_le_2017/fig3", "smith_le_2017/fig4"


class ContentsTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.output_dir = pathlib.Path(self.create_tempdir().full_path)

    def test_finished_and_unfinished_in_the_order_of_the_paper(self):
        recorded.write(self.output_dir, FIGURE4, FIGURE3)
        remake.remake(self.output_dir, papers.studies())
        (self.output_dir / FIGURE4 / "claims.json").unlink()
        finished, unfinished = contents.read(self.output_dir, papers.studies())
        self.assertEqual([entry.study.name for entry in finished], [FIGURE3])
        self.assertLen(finished[0].results.runs, 6)
        self.assertEqual(finished[0].config["scale"], "quick")
        (waiting,) = unfinished
        self.assertEqual(waiting.study.name, FIGURE4)
        self.assertEqual((waiting.num_recorded, waiting.num_needed), (33, 33))

    def test_a_study_started_again_with_more_runs_is_not_finished(self):
        recorded.write(self.output_dir, FIGURE3)
        remake.remake(self.output_dir, papers.studies())
        recorded.claim_more(self.output_dir, FIGURE3)
        finished, (waiting,) = contents.read(self.output_dir, papers.studies())
        self.assertEmpty(finished)
        self.assertEqual((waiting.num_recorded, waiting.num_needed), (6, 7))

    def test_a_study_whose_records_are_gone_says_so(self):
        recorded.write(self.output_dir, FIGURE3)
        remake.remake(self.output_dir, papers.studies())
        (entry,), _ = contents.read(self.output_dir, papers.studies())
        self.assertEqual(entry.num_lost, 0)
        path = self.output_dir / "runs.jsonl"
        path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:4]))
        self.assertEmpty(remake.remake(self.output_dir, papers.studies()))
        (again,), _ = contents.read(self.output_dir, papers.studies())
        self.assertEqual(again.num_lost, 2)
        self.assertEqual(again.judged, entry.judged)

    def test_results_without_their_configuration_are_an_error(self):
        recorded.write(self.output_dir, FIGURE3, FIGURE4)
        remake.remake(self.output_dir, papers.studies())
        (self.output_dir / FIGURE3 / "config.json").unlink()
        with self.assertRaisesRegex(
            errors.UserError, "gone.*--figure=smith_le_2017/fig3"
        ):
            contents.read(self.output_dir, papers.studies())

    def test_a_folder_without_studies_is_an_error(self):
        with self.assertRaisesRegex(errors.UserError, "holds no study"):
            contents.read(self.output_dir / "missing", papers.studies())

    @parameterized.parameters(
        ("claims.json", "[{"),
        ("claims.json", '[{"claim": 1}]'),
        ("runs.csv", "a,b\n1,2\n"),
        ("curves.csv", 'a,"b\n1,2,3,4\n'),
    )
    def test_a_damaged_file_is_an_error_with_its_remedy(self, name, text):
        recorded.write(self.output_dir, FIGURE3)
        remake.remake(self.output_dir, papers.studies())
        (self.output_dir / FIGURE3 / name).write_text(text)
        with self.assertRaisesRegex(errors.UserError, "damaged.*launch.report"):
            contents.read(self.output_dir, papers.studies())


if __name__ == "__main__":
    absltest.main()
