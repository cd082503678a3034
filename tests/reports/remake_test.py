import pathlib

from absl.testing import absltest

from bsgen import errors, papers
from bsgen.reports import remake
from bsgen.studies import folder, outcome, tables
from tests.reports import recorded

FIGURE3, FIGURE5 = "smith_le_2017/fig3", "smith_le_2017/fig5"
PNG = b"\x89PNG\r\n\x1a\n"


class RemakeTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.output_dir = pathlib.Path(self.create_tempdir().full_path)

    def files(self, name):
        path = self.output_dir / name
        return {p.name: p.read_bytes() for p in path.iterdir()}

    def test_makes_what_the_study_itself_would_write(self):
        recorded.write(self.output_dir, FIGURE5)
        (study,) = papers.find(FIGURE5)
        runs = study.make_runs("quick", recorded.NUM_SEEDS)
        results = tables.results(map(recorded.record, runs))
        found = folder.Folder(self.output_dir, FIGURE5)
        outcome.write(self.output_dir, study, results)
        claims = self.files(FIGURE5)["claims.json"]
        self.assertEqual(remake.remake(self.output_dir, papers.studies()), [FIGURE5])
        after = self.files(FIGURE5)
        self.assertEqual(after["claims.json"], claims)
        self.assertTrue(after["figure.png"].startswith(PNG))
        self.assertLen(found.read_results().runs, len(runs))

    def test_remaking_twice_changes_nothing(self):
        recorded.write(self.output_dir, FIGURE3)
        remake.remake(self.output_dir, papers.studies())
        first = self.files(FIGURE3)
        for name in first.keys() - {"config.json"}:
            (self.output_dir / FIGURE3 / name).unlink()
        remake.remake(self.output_dir, papers.studies())
        self.assertEqual(self.files(FIGURE3), first)
        self.assertLen(first, 5)

    def test_a_study_that_lacks_a_run_is_left_alone(self):
        recorded.write(self.output_dir, FIGURE3, FIGURE5)
        recorded.claim_more(self.output_dir, FIGURE5)
        self.assertEqual(remake.remake(self.output_dir, papers.studies()), [FIGURE3])
        self.assertEqual(list(self.files(FIGURE5)), ["config.json"])

    def test_an_empty_folder_is_an_error(self):
        with self.assertRaisesRegex(errors.UserError, "output_dir=.*holds no study"):
            remake.remake(self.output_dir, papers.studies())


if __name__ == "__main__":
    absltest.main()
