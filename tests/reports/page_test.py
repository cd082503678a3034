import base64
import dataclasses
import html.parser
import io
import pathlib

import numpy as np
import pandas as pd
from absl.testing import absltest
from PIL import Image as image

from bsgen import papers
from bsgen.reports import cells, contents, page, remake, verdicts
from bsgen.studies import claims, shown
from tests.reports import recorded

FIGURE1, FIGURE4 = "smith_le_2017/fig1", "smith_le_2017/fig4"
STATIONARY_LOSS = "jastrzebski_2018/theory"


class Parsed(html.parser.HTMLParser):
    """Text, attributes by (tag, name), and the tags left open."""

    VOID = {"meta", "img", "br", "input"}
    SILENT = ["style"], ["script"]
    DRAWN = {"rect", "path", "circle"}  # which close themselves

    def __init__(self, path):
        super().__init__()
        self.words, self.attributes, self.open = [], {}, []
        self.feed(path.read_text())
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            self.attributes.setdefault((tag, name), []).append(value)
        if tag not in self.VOID | self.DRAWN:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.DRAWN:
            return
        if self.open.pop() != tag:
            raise ValueError(f"{tag} closes another tag")

    def handle_data(self, data):
        if self.open[-1:] not in self.SILENT and "svg" not in self.open:
            self.words.append(data)


class PageTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.output_dir = pathlib.Path(self.create_tempdir().full_path)
        recorded.write(self.output_dir, FIGURE1, FIGURE4)
        remake.remake(self.output_dir, papers.studies())

    def parsed(self):
        path = page.write(self.output_dir, papers.studies())
        self.assertEqual(path, self.output_dir / "report.html")
        return Parsed(path)

    def test_every_claim_with_its_numbers_and_verdict(self):
        found = self.parsed()
        self.assertEmpty(found.open)
        finished, _ = contents.read(self.output_dir, papers.studies())
        self.assertLen(finished, 2)
        for entry in finished:
            self.assertIn(f": {entry.study.title}", found.text)
            for claim in entry.judged:
                kind = "" if claim.kind == claims.PAPER else f"{claim.kind} "
                left_open = claim.verdict == claims.UNDECIDED
                why = f"Why undecided: {claim.reason}" if left_open else ""
                sure = f"How sure {cells.strength(claim)}"
                numbers = f"Predicted {claim.predicted} Measured"
                words = (
                    *(claim.verdict, f"{kind}{claim.claim}", why, claim.quantity),
                    *(claim.note, numbers, cells.measured(claim)),
                    "" if left_open else sure,
                )
                self.assertIn(" ".join(" ".join(words).split()), found.text)
        every = [claim for entry in finished for claim in entry.judged]
        self.assertLen(found.attributes["svg", "aria-label"], len(every))
        self.assertIn(f"{claims.summary(every)}.", found.text)

    def test_how_a_study_was_made(self):
        text = self.parsed().text
        self.assertIn("33 of 3 seeds, 1 diverged, 16 s of training", text)
        self.assertIn("3 seeds, 1 of 33 runs diverged.", text)
        self.assertIn("Hardware Trained on a card. Command", text)
        command = f"launch.reproduce --figure={FIGURE4} --scale=quick --seeds=3"
        self.assertIn(f"Command python -m {command} Raw data", text)
        unknown = "hardware that was not recorded (198 runs)"
        self.assertIn(f"Trained on {unknown} and a card (33 runs).", text)
        self.assertIn("from 231 runs (1 min of training", text)

    def test_symbols_are_explained_where_they_appear(self):
        text = self.parsed().text
        first, second = text.split(f": {papers.find(FIGURE4)[0].title}")[-2:]
        self.assertIn("lambda strength of the L2 penalty", first)
        self.assertNotIn("lambda strength", second)
        self.assertIn("B batch size: how many examples", second)

    def test_kinds_reasons_and_what_is_left_of_many_verdicts(self):
        entry = contents.read(self.output_dir, papers.studies())[0][0]
        first, second, third = (
            dataclasses.replace(claim, kind=claims.PAPER) for claim in entry.judged[:3]
        )
        fails = {"verdict": claims.FAILS, "sureness": 0.9, "p_value": 0.04}
        judged = [
            dataclasses.replace(first, kind=claims.CHECK),
            claims.left_open(second, "not tested at this scale"),
            dataclasses.replace(third, **fails),
        ]
        seen = shown.Shown(table=pd.DataFrame({"here": [1]}))
        entry.folder.write_results(entry.results, judged, seen)
        (self.output_dir / FIGURE4 / "claims.json").unlink()
        found = self.parsed()
        self.assertIn("0 hold, 1 fail, 1 undecided.", found.text)
        self.assertIn("Smith & Le (2017) 0 1 1 1 0", found.text)
        self.assertIn("claims: 1 check (1 hold).", found.text)
        for word, text in verdicts.LEGEND:
            self.assertIn(f"{word} {text}", found.text)
        named = f"{third.claim} ( {FIGURE1} : sureness 90 %, p = 0.04)"
        self.assertIn(f"below 95 %: {named} Of 2 claims of the papers, 1 ", found.text)
        self.assertIn(f"do not: {named}", found.text)
        self.assertIn("Why undecided: not tested at this scale", found.text)
        self.assertIn("How sure sureness 90 %, p = 0.04; below the aim", found.text)
        self.assertIn(f"holds check {first.claim} {first.quantity}", found.text)

    def test_nothing_is_loaded_from_elsewhere(self):
        found = self.parsed()
        text = (self.output_dir / "report.html").read_text()
        for source in self.images(found):
            text = text.replace(source, "")
        for absent in ("http:", "https:", "<link", "@import", "url(", "fetch(", "src="):
            self.assertNotIn(absent, text.replace('src=""', ""))
        for target in found.attributes["a", "href"]:
            if not target.startswith("#"):
                self.assertTrue((self.output_dir / target).is_file(), target)

    def test_every_link_inside_leads_somewhere(self):
        found = self.parsed()
        names = [
            n for (_, key), ids in found.attributes.items() if key == "id" for n in ids
        ]
        self.assertLen(set(names), len(names))
        anchors = [t[1:] for t in found.attributes["a", "href"] if t[0] == "#"]
        self.assertContainsSubset(anchors, [*names, "all"])
        self.assertContainsSubset(found.attributes["section", "aria-labelledby"], names)
        self.assertContainsSubset(found.attributes["section", "id"][:2], anchors)

    def images(self, found):
        return found.attributes["img", "src"]

    def test_pictures_are_the_recorded_ones(self):
        found = self.parsed()
        texts = found.attributes["img", "alt"]
        for name, source, text in zip(
            (FIGURE1, FIGURE4), self.images(found), texts, strict=True
        ):
            kind, content = source.split(",")
            self.assertEqual(kind, "data:image/webp;base64")
            content = base64.b64decode(content, validate=True)
            drawn = (self.output_dir / name / "figure.png").read_bytes()
            self.assertLess(len(content), 0.5 * len(drawn))
            ours, theirs = (
                np.asarray(image.open(io.BytesIO(file)).convert("RGB"), float)
                for file in (content, drawn)
            )
            self.assertEqual(ours.shape, theirs.shape)
            self.assertLess(np.abs(ours - theirs).mean(), 1)  # of 255
            self.assertIn("(a) ", text)
            self.assertIn("accuracy", text)

    def test_words_are_escaped(self):
        finished, _ = contents.read(self.output_dir, papers.studies())
        entry = finished[0]
        nasty = "<script>alert(1)</script> & more"
        judged = [dataclasses.replace(entry.judged[0], claim=nasty)]
        seen = shown.Shown(table=pd.DataFrame({nasty: [nasty], "here": [0.123456]}))
        entry.folder.write_results(entry.results, judged, seen)
        found = self.parsed()
        self.assertEqual(found.text.count(nasty), 3)
        self.assertEqual(
            (self.output_dir / "report.html").read_text().count("<script"), 1
        )
        self.assertIn("0.1235", found.text)
        self.assertNotIn("Neither figure nor table", found.text)

    def test_unfinished_studies_and_missing_figures_are_said(self):
        (self.output_dir / FIGURE1 / "claims.json").unlink()
        (self.output_dir / FIGURE4 / "figure.png").unlink()
        found = self.parsed()
        self.assertIn("not finished: 198 of 198 runs", found.text)
        self.assertIn("Neither figure nor table is there", found.text)
        self.assertNotIn(("img", "src"), found.attributes)

    def test_measurements_are_counted_and_linked(self):
        before = self.parsed().attributes[("a", "href")]
        self.assertNotIn("measurements.jsonl", before)
        recorded.write(self.output_dir, STATIONARY_LOSS)
        remake.remake(self.output_dir, papers.studies())
        found = self.parsed()
        (entry,) = [
            entry
            for entry in contents.read(self.output_dir, papers.studies())[0]
            if entry.study.name == STATIONARY_LOSS
        ]
        count = entry.results.measurements["key"].nunique()
        self.assertIn(f"Measurements {count}, {0.5 * count:.0f} s", found.text)
        links = found.attributes[("a", "href")]
        self.assertIn("measurements.jsonl", links)
        self.assertIn(f"{STATIONARY_LOSS}/measurements.csv", links)


if __name__ == "__main__":
    absltest.main()
