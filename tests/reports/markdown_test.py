"""Tests that the results in Markdown say what a folder's records do."""

import dataclasses
import pathlib
import re

import pandas as pd
from absl.testing import absltest
from matplotlib import figure as mpl_figure

from bsgen import errors, papers
from bsgen.files import sealed_json
from bsgen.reports import markdown, verdicts
from bsgen.studies import claims, folder, outcome, shown, study
from tests.studies import made_up

_ROOT = pathlib.Path(__file__).parents[2]
_HOLDS = claims.Claim("a | b", "q", "> 0", 0.51234, (0.4, None), "holds", "n")
_HOLDS = dataclasses.replace(_HOLDS, sureness=1.0, p_value=0.0004)
_FAILS = dataclasses.replace(_HOLDS, claim="c", interval=(None, None), verdict="fails")
_FAILS = dataclasses.replace(_FAILS, sureness=0.9, p_value=0.03)
_CHECK = dataclasses.replace(_HOLDS, claim="d", kind="check", verdict="undecided")
_CHECK = dataclasses.replace(
    _CHECK, reason="too few seeds", sureness=None, p_value=None
)
_TABLE = pd.DataFrame(
    {"network": ["|f1|", "c1"], "paper": [0.5, None], "here": [0.123456, 2.0]}
)
_STUDIES = (
    made_up.a_study(
        "made_up/fig1",
        title="A figure",
        judge=lambda _: [_HOLDS, _FAILS],
        show=lambda _: shown.Shown(mpl_figure.Figure(figsize=(1, 1))),
    ),
    made_up.a_study(
        "made_up/table1",
        title="A table",
        judge=lambda _: [_CHECK, _HOLDS],
        show=lambda _: shown.Shown(table=_TABLE),
    ),
)
_TOTALS = """\
**2 hold, 1 fail, 0 undecided**, from 2 runs and 1 measurements \
(3 min of training and measuring, added over processes). Counted apart are \
checks of the implementation and repeats of other studies' claims: \
1 check (1 undecided).
"""
_SUMMARY = f"""\
{_TOTALS}
| paper | key | hold | fail | undecided | besides |
| --- | --- | --- | --- | --- | --- |
| made_up | `made_up` | 2 | 1 |  | 1 check (1 undecided) |"""
_RESULTS = f"""\
{_TOTALS}
Trained and measured on EPYC (1 run and 1 measurement) and H200 (1 run).

| study | what it shows | hold | fail | undecided | besides |
| --- | --- | --- | --- | --- | --- |
| `made_up/fig1` | A figure | 1 | 1 |  |  |
| `made_up/table1` | A table | 1 |  |  | 1 check (1 undecided) |

## What fails, and what stays undecided

| study | claim | verdict | why |
| --- | --- | --- | --- |
| `made_up/fig1` | c | fails | 0.512 [-∞, ∞], predicted > 0 |
| `made_up/table1` | check: d | undecided | too few seeds |

The sureness of 1 of the 3 decided claims of the papers is below 95 %:

- `made_up/fig1`: c (sureness 90 %, p = 0.03)

Of 3 claims of the papers, 3 are decided, each at an error probability of 5 %. \
With Holm's correction over all 3, which keeps the chance of even one wrong verdict \
at 5 %, all of them stay decided.

## `made_up/fig1`: A figure

Quick scale: digits, N = 100, 10 steps, learning rate 0.1, momentum 0, 2 seeds. \
Trained on EPYC (1 run) and H200 (1 run).

| claim | predicted | measured [95 % interval] | verdict | sureness | p |
| --- | --- | --- | --- | --- | --- |
| a \\| b | > 0 | 0.512 [0.4, ∞] | holds | > 99.9 % | < 0.001 |
| c | > 0 | 0.512 [-∞, ∞] | fails | 90 %, below the aim | 0.03 |

## `made_up/table1`: A table

Quick scale: 1 measurements. Measured on EPYC.

| network | paper | here |
| --- | --- | --- |
| \\|f1\\| | 0.5 | 0.1235 |
| c1 |  | 2 |

| claim | predicted | measured [95 % interval] | verdict | sureness | p |
| --- | --- | --- | --- | --- | --- |
| a \\| b | > 0 | 0.512 [0.4, ∞] | holds | > 99.9 % | < 0.001 |
| check: d | > 0 | 0.512 [0.4, ∞] | undecided |  |  |
"""


def _write(output_dir):
    """Leaves both studies, which share no records with anything."""
    runs = pd.DataFrame({"key": ["a", "b"], "seed": [0, 1], "seconds": [60.0, 70.0]})
    runs = runs.assign(hardware=["EPYC", "H200"])
    runs = runs.assign(dataset="digits", train_size=100, num_steps=10, momentum=0)
    runs = runs.assign(learning_rate=0.1, optimizer="momentum", status="completed")
    measured = pd.DataFrame({"key": ["m", "m"], "seconds": [50.0, 50.0]})
    measured = measured.assign(hardware="EPYC")
    nothing = pd.DataFrame()
    for made, results in zip(
        _STUDIES,
        (
            study.Results(runs, nothing),
            study.Results(nothing, nothing, measured),
        ),
        strict=True,
    ):
        place = folder.Folder(pathlib.Path(output_dir), made.name)
        place.claim_for("quick", [])
        values = place.read_config()
        keys = ["a", "b"] if len(results.runs) else []
        rows = [] if keys else ["m"]
        values = {**values, "runs": keys, "measurements": rows}
        sealed_json.write(place.path / "config.json", values)
        outcome.write(output_dir, made, results)


class MarkdownTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.project = pathlib.Path(self.create_tempdir().full_path)
        self.output_dir = self.project / "results"
        _write(self.output_dir)

    def write(self):
        markdown.write(self.output_dir, _STUDIES, self.project)

    def test_every_word_comes_from_the_folder(self):
        readme = self.project / "README.md"
        by_hand = "Before.\n\n{}\n{}{}\n\nAfter.\n"
        old = "| typed | by hand |\n"
        readme.write_text(by_hand.format(markdown.BEGIN, old, markdown.END))
        self.write()
        written = f"\n{_SUMMARY}\n\n"
        expected = by_hand.format(markdown.BEGIN, written, markdown.END)
        self.assertEqual(readme.read_text(), expected)
        found = (self.project / "docs" / "RESULTS.md").read_text()
        self.assertEqual(found[found.index("**2 hold") :], _RESULTS)
        for word, meaning in verdicts.LEGEND:
            self.assertIn(f"\n- **{word}.** {meaning}\n", found)
        self.write()
        self.assertEqual(readme.read_text(), expected)

    def test_a_quick_picture_in_the_documentation_is_made_again(self):
        readme = self.project / "README.md"
        readme.write_text(f"{markdown.BEGIN}\n{markdown.END}\n")
        self.write()
        images = self.project / "docs" / "images"
        self.assertFalse(images.exists())
        images.mkdir()
        (images / "made_up_fig1_quick.png").write_bytes(b"old")
        (images / "made_up_fig2_quick.png").write_bytes(b"of no study there")
        self.write()
        picture = (images / "made_up_fig1_quick.png").read_bytes()
        self.assertStartsWith(picture, b"\x89PNG")
        self.assertLen(list(images.iterdir()), 2)

    def test_nothing_is_written_without_results(self):
        readme = self.project / "README.md"
        readme.write_text(f"{markdown.BEGIN}\nold\n{markdown.END}\n")
        before = readme.read_text()
        for made in _STUDIES:
            (self.output_dir / made.name / "claims.json").unlink()
        with self.assertRaisesRegex(errors.UserError, "^markdown='.*has results"):
            self.write()
        self.assertEqual(readme.read_text(), before)

    def test_scales_that_belong_into_different_files_are_not_mixed(self):
        place = folder.Folder(self.output_dir, _STUDIES[0].name)
        values = {**place.read_config(), "scale": "paper"}
        sealed_json.write(place.path / "config.json", values)
        with self.assertRaisesRegex(
            errors.UserError, "^markdown='.*scales paper, quick"
        ):
            self.write()

    def test_each_scale_has_its_file(self):
        docs = self.project / "docs"
        docs.mkdir()
        for scales, name in (
            (("reduced", "reduced"), "REDUCED_SCALE.md"),
            (("paper", "released"), "PAPER_SCALE.md"),
        ):
            (docs / name).write_text(f"{markdown.BEGIN}\n{markdown.END}\n")
            for made, scale in zip(_STUDIES, scales, strict=True):
                place = folder.Folder(self.output_dir, made.name)
                values = {**place.read_config(), "scale": scale}
                sealed_json.write(place.path / "config.json", values)
            written = markdown.write(self.output_dir, _STUDIES, self.project)
            self.assertEqual(written, [f"docs/{name}"])
            self.assertIn("| c1 |  | 2 |", (docs / name).read_text())

    def test_without_a_place_for_it_nothing_is_written(self):
        for text in (None, "Results.", f"{markdown.END}\n{markdown.BEGIN}\n"):
            if text is not None:
                (self.project / "README.md").write_text(text)
            with self.assertRaisesRegex(errors.UserError, "^markdown='.*': .*markers"):
                self.write()
            self.assertFalse((self.project / "docs").exists())


class ProjectTest(absltest.TestCase):
    """README.md and docs/RESULTS.md as they stand."""

    def test_the_readme_counts_the_verdicts_of_the_results(self):
        text = (_ROOT / "docs" / "RESULTS.md").read_text()
        totals = re.search(r"(?m)^\*\*\d.*$", text)[0]
        by_study, by_paper = [], {}
        for section in re.split(r"\n## ", text):
            if not (heading := re.match(r"(`.*`): (.*)", section)):
                continue  # of no study
            judged = []
            for line in re.findall(r"(?m)^\| (.*) \|$", section):
                cells = line.split(" | ")
                if len(cells) != len(markdown.CLAIM_HEADINGS):
                    continue
                kind = re.match("(?:(check|repeat): )?", cells[0])[1] or "paper"
                judged.append(dataclasses.replace(_HOLDS, kind=kind, verdict=cells[3]))
            by_study.append([*heading.groups(), *markdown._counts(judged)])
            paper = heading[1].strip("`").split("/")[0]
            by_paper.setdefault(paper, []).extend(judged)
        self.assertContainsSubset(
            [row[0].strip("`") for row in by_study], papers.names()
        )
        rows = markdown._table(markdown.SUMMARY_HEADINGS, by_study).splitlines()
        self.assertContainsSubset(rows, text.splitlines())
        readme = (_ROOT / "README.md").read_text()
        _, _, rest = readme.partition(markdown.BEGIN)
        found, _, _ = rest.partition(markdown.END)
        self.assertStartsWith(found, f"\n\n{totals}\n\n")
        for paper, judged in by_paper.items():
            counts = " | ".join(markdown._counts(judged))
            self.assertIn(f"| `{paper}` | {counts} |\n", found)


if __name__ == "__main__":
    absltest.main()
