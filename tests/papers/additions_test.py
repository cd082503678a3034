"""A figure and a table in one new file are listed, trained, judged and reported."""

import contextlib
import io
import pathlib
import runpy
from unittest import mock

import rich.console
from absl.testing import absltest

from bsgen import errors, papers
from bsgen.papers import registry
from bsgen.reports import markdown, page, remake, terminal
from bsgen.studies import campaign, folder
from bsgen.training import cost
from launch import display
from tests.studies import made_up

_TOY_PAPER = pathlib.Path(__file__).parent / "toy_paper.py"
_FIGURE, _TABLE = "toy_2026/fig1", "toy_2026/table1"


class AdditionsTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.enter_context(mock.patch.dict(registry._STUDIES))
        runpy.run_path(str(_TOY_PAPER))
        self.output_dir = pathlib.Path(self.create_tempdir().full_path)

    def reproduce(self):
        studies = papers.find("toy_2026")
        with campaign.Campaign(studies, "quick", self.output_dir) as work:
            work.run()

    def printed(self):
        out = io.StringIO()
        console = rich.console.Console(file=out, width=80)
        terminal.print_claims(self.output_dir, papers.studies(), console=console)
        return [" ".join(line.split()) for line in out.getvalue().splitlines()]

    def test_they_are_listed(self):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            display.list_studies(papers.studies(), cost.ONE_CORE)
        self.assertContainsSubset([_FIGURE, _TABLE], out.getvalue().split())
        self.assertEqual(papers.keys()[-1], "toy_2026")

    def test_from_training_to_every_report(self):
        self.reproduce()
        figure, table = (
            folder.Folder(self.output_dir, name) for name in (_FIGURE, _TABLE)
        )
        self.assertIsNone(figure.read_table())
        self.assertIsNone(table.read_figure())
        self.assertFalse((table.path / "figure.png").exists())
        (claim,) = table.read_claims()
        self.assertEqual(figure.read_claims(), [claim])
        shown = table.read_table()
        self.assertEqual(list(shown), ["batch size", "paper", "here"])
        here = [f"{value:.4g}" for value in shown["here"]]
        lines = self.printed()
        self.assertContainsSubset([f"10 0.9 {here[0]}", f"30 {here[1]}"], lines)
        text = page.write(self.output_dir, papers.studies()).read_text()
        self.assertEqual(text.count("<img"), 1)
        self.assertIn(f'<a href="{_TABLE}/table.csv">', text)
        for first, *rest in (("10", "0.9", here[0]), ("30", "", here[1])):
            cells = "".join(f"<td>{cell}</td>" for cell in rest)
            self.assertIn(f'<tr><th scope="row">{first}</th>{cells}</tr>', text)
        self.assertNotIn("Neither figure nor table", text)
        finished = markdown.contents.read(self.output_dir, papers.studies())[0]
        self.assertIn(f"| 10 | 0.9 | {here[0]} |", markdown.sections(finished))

    def test_a_damaged_table_is_not_shown_and_is_remade(self):
        self.reproduce()
        path = self.output_dir / _TABLE / "table.csv"
        whole = path.read_bytes()
        path.write_bytes(whole.replace(b"0.9", b"0.8"))
        self.assertNotIn("batch size paper here", self.printed())
        text = page.write(self.output_dir, papers.studies()).read_text()
        self.assertIn("Neither figure nor table is there", text)
        remake.remake(self.output_dir, papers.studies())
        self.assertEqual(path.read_bytes(), whole)
        self.assertIn("batch size paper here", self.printed())


class RegisterTest(absltest.TestCase):
    def test_two_studies_of_one_name_are_refused(self):
        with mock.patch.dict(registry._STUDIES):
            added = made_up.a_study("made_up/fig1")
            papers.register(added)
            papers.register(added)
            with self.assertRaisesRegex(errors.UserError, "^name='made_up/fig1'"):
                papers.register(made_up.a_study("made_up/fig1", title="another"))

    def test_a_name_has_two_parts(self):
        for name in ("fig1", "a/b/c", "a//b", "a/", "/b"):
            with self.assertRaisesRegex(errors.UserError, "PAPERKEY/STUDY"):
                papers.register(made_up.a_study(name))


if __name__ == "__main__":
    absltest.main()
