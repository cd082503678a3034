"""Tests that the results in Markdown say what a folder's records do."""

import dataclasses
import pathlib
import re

import pandas as pd
from absl.testing import absltest
from matplotlib import figure as mpl_figure

from bsgen import errors, papers
from bsgen.files import sealed_json
from bsgen.reports import markdown, paper_page, study_tables, tallies, verdicts
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
        caption="What is drawn.",
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
_BY_PAPER = f"""\
{_TOTALS}
| paper | key | hold | fail | undecided | besides |
| --- | --- | --- | --- | --- | --- |
| [made_up]({{}}/made_up.md) | `made_up` | 2 | 1 |  | 1 check (1 undecided) |"""
_HARDWARE = "Trained and measured on EPYC (1 run and 1 measurement) and H200 (1 run).\n"
_CAVEATS = """\
The sureness of 1 of the 3 decided claims of the papers is below 95 %:

- `made_up/fig1`: c (sureness 90 %, p = 0.03)

Of 3 claims of the papers, 3 are decided, each at an error probability of 5 %. \
With Holm's correction over all 3, which keeps the chance of even one wrong verdict \
at 5 %, all of them stay decided.
"""
_BY_STUDY = """\
| study | what it shows | hold | fail | undecided | besides |
| --- | --- | --- | --- | --- | --- |
| {figure} | A figure | 1 | 1 |  |  |
| {table} | A table | 1 |  |  | 1 check (1 undecided) |

## What fails, and what stays undecided

| study | claim | verdict | why |
| --- | --- | --- | --- |
| {figure} | c | fails | 0.512 [-∞, ∞], predicted > 0 |
| {table} | check: d | undecided | too few seeds |
"""
_SETTINGS = (
    "Quick scale: digits, N = 100, 10 steps, learning rate 0.1, momentum 0, 2 seeds. "
    "Trained on EPYC (1 run) and H200 (1 run).\n",
    "Quick scale: 1 measurements. Measured on EPYC.\n",
)
_OF_FIGURE = """\
| claim | verdict | measured [95 % interval] | predicted | sureness | p |
| --- | --- | --- | --- | --- | --- |
| a \\| b | holds | 0.512 [0.4, ∞] | > 0 | > 99.9 % | < 0.001 |
| c | fails | 0.512 [-∞, ∞] | > 0 | 90 %, below the aim | 0.03 |
"""
_OF_TABLE = """\
| network | paper | here |
| --- | --- | --- |
| \\|f1\\| | 0.5 | 0.1235 |
| c1 |  | 2 |

| claim | verdict | measured [95 % interval] | predicted | sureness | p |
| --- | --- | --- | --- | --- | --- |
| a \\| b | holds | 0.512 [0.4, ∞] | > 0 | > 99.9 % | < 0.001 |
| check: d | undecided | 0.512 [0.4, ∞] | > 0 |  |  |
"""
_KEYS = _BY_STUDY.format(figure="`made_up/fig1`", table="`made_up/table1`")
_LINKS = _BY_STUDY.format(
    figure="[Figure 1](#figure-1-a-figure)", table="[Table 1](#table-1-a-table)"
)
_SECTIONS = f"""\
{_TOTALS}
{_HARDWARE}
{_KEYS}
{_CAVEATS}
## `made_up/fig1`: A figure

{_SETTINGS[0].replace("Quick", "Reduced")}
![A figure](images/made_up_fig1_reduced.png)

{_OF_FIGURE}
## `made_up/table1`: A table

{_SETTINGS[1].replace("Quick", "Reduced")}
{_OF_TABLE}"""
_PAGE = f"""\
{_LINKS}
## Figure 1: A figure

`made_up/fig1`. {_SETTINGS[0]}{{}}
{_OF_FIGURE}
## Table 1: A table

`made_up/table1`. {_SETTINGS[1]}
{_OF_TABLE}"""


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
        written = f"\n{_BY_PAPER.format('docs/results')}\n\n"
        expected = by_hand.format(markdown.BEGIN, written, markdown.END)
        self.assertEqual(readme.read_text(), expected)
        found = (self.project / "docs" / "RESULTS.md").read_text()
        self.assertIn(f"\n\n{_BY_PAPER.format('results')}\n\n{_HARDWARE}\n", found)
        self.assertEndsWith(found, f"\n\n{_CAVEATS}")
        for word, meaning in verdicts.LEGEND:
            self.assertIn(f"\n- **{word}.** {meaning}\n", found)
        page = (self.project / "docs" / "results" / "made_up.md").read_text()
        self.assertIn(f" -->\n\n# made_up\n\n{_TOTALS}\n", page)
        self.assertEndsWith(page, f"\n\n{_PAGE.format('')}")
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
        page = (self.project / "docs" / "results" / "made_up.md").read_text()
        shown = "\n![A figure](../images/made_up_fig1_quick.png)\n\n*What is drawn.*\n"
        self.assertEndsWith(page, f"\n\n{_PAGE.format(shown)}")

    def test_a_page_links_pictures_of_other_scales(self):
        (self.project / "README.md").write_text(f"{markdown.BEGIN}\n{markdown.END}\n")
        images = self.project / "docs" / "images"
        images.mkdir(parents=True)
        for name in ("fig1_reduced", "fig1_fashion_mnist", "fig11_reduced"):
            (images / f"made_up_{name}.png").write_bytes(b"")
        self.write()
        page = (self.project / "docs" / "results" / "made_up.md").read_text()
        linked = "\nThe figure on other data: "
        linked += "[fashion mnist](../images/made_up_fig1_fashion_mnist.png), "
        linked += "[reduced](../images/made_up_fig1_reduced.png).\n"
        self.assertEndsWith(page, f"\n\n{_PAGE.format(linked)}")

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
        reduced = (docs / "REDUCED_SCALE.md").read_text()
        self.assertEqual(reduced, f"{markdown.BEGIN}\n\n{_SECTIONS}\n{markdown.END}\n")

    def test_without_a_place_for_it_nothing_is_written(self):
        for text in (None, "Results.", f"{markdown.END}\n{markdown.BEGIN}\n"):
            if text is not None:
                (self.project / "README.md").write_text(text)
            with self.assertRaisesRegex(errors.UserError, "^markdown='.*': .*markers"):
                self.write()
            self.assertFalse((self.project / "docs").exists())


class ProjectTest(absltest.TestCase):
    """README.md, docs/RESULTS.md and docs/results/ as they stand."""

    def test_readme_and_index_count_the_verdicts_of_the_pages(self):
        docs = _ROOT / "docs"
        index, readme = (docs / "RESULTS.md").read_text(), _readme_part()
        pages = sorted((docs / paper_page.FOLDER).glob("*.md"))
        everything = []
        for page in pages:
            text, judged = page.read_text(), []
            for section in re.split(r"\n## ", text):
                if not (named := re.search(r"(?m)^`(.*?)`\. ", section)):
                    continue  # of no study
                self.assertIn(named[1], papers.names())
                found = _verdicts(section)
                title = section.partition("\n")[0].partition(": ")[2]
                row = " | ".join([title, *study_tables.counts(found)])
                self.assertIn(f" | {row} |\n", text)
                judged += found
            self.assertIn(f"\n**{claims.summary(judged)}**, from", text)
            row = " | ".join([f"`{page.stem}`", *study_tables.counts(judged)])
            for summary in (index, readme):
                self.assertIn(f" | {row} |\n", summary)
            everything += judged
        for summary in (index, readme):
            self.assertIn(f"\n**{claims.summary(everything)}**, from", summary)


def _readme_part():
    """What is written into README.md."""
    _, _, rest = (_ROOT / "README.md").read_text().partition(markdown.BEGIN)
    return rest.partition(markdown.END)[0]


def _verdicts(section):
    """The claims of a study's section, of which kind and verdict are as written."""
    judged = []
    for line in re.findall(r"(?m)^\| (.*) \|$", section):
        cells = line.split(" | ")
        if cells[1] in tallies.VERDICTS:
            kind = re.match("(?:(check|repeat): )?", cells[0])[1] or "paper"
            judged.append(dataclasses.replace(_HOLDS, kind=kind, verdict=cells[1]))
    return judged


if __name__ == "__main__":
    absltest.main()
