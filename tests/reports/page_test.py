import base64
import dataclasses
import html.parser
import pathlib
import struct
import zlib

import pandas as pd
from absl.testing import absltest

from bsgen import papers
from bsgen.reports import cells, contents, page, remake, verdicts
from bsgen.studies import claims, shown
from tests.reports import recorded

FIGURE1, FIGURE4 = "smith_le_2017/fig1", "smith_le_2017/fig4"
STATIONARY_LOSS = "jastrzebski_2018/theory"


class Parsed(html.parser.HTMLParser):
    """Text, attributes by (tag, name), and the tags left open."""

    VOID = {"meta", "img", "br"}

    def __init__(self, path):
        super().__init__()
        self.words, self.attributes, self.open = [], {}, []
        self.feed(path.read_text())
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            self.attributes.setdefault((tag, name), []).append(value)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open.pop() != tag:
            raise ValueError(f"{tag} closes another tag")

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)


def check_png(content):
    """Checks the sums of all chunks; returns their names."""
    names, place = [], 8
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        name_and_data = content[place + 4 : place + 8 + length]
        (total,) = struct.unpack(">I", content[place + 8 + length :][:4])
        if zlib.crc32(name_and_data) != total:
            raise ValueError("damaged chunk")
        names.append(name_and_data[:4])
        place += 12 + length
    return names


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
            self.assertIn(entry.study.title, found.text)
            for claim in entry.judged:
                words = (claim.claim, claim.quantity, claim.note, claim.predicted)
                how = f"sureness {cells.sureness(claim)} p"
                if claim.verdict == claims.UNDECIDED:
                    how = claim.reason
                row = (*words, cells.measured(claim), claim.verdict, how)
                self.assertIn(" ".join(" ".join(row).split()), found.text)
        self.assertIn("33 runs, 1 diverged, 16 s", found.text)
        self.assertIn("1 of 33 runs diverged", found.text)
        unknown = "hardware that was not recorded (198 runs)"
        self.assertIn(f"Trained on {unknown} and a card (33 runs).", found.text)
        self.assertIn("3 seeds, 1 of 33 runs diverged. Trained on a card.", found.text)
        every = [claim for entry in finished for claim in entry.judged]
        self.assertIn(claims.summary(every), found.text)

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
        self.assertIn(
            "0 hold, 1 fail, 1 undecided Counted apart are checks", found.text
        )
        self.assertIn("claims: 1 check (1 hold).", found.text)
        for word, text in verdicts.LEGEND:
            self.assertIn(f"{word} {text}", found.text)
        top = found.text.split("What fails, and what stays undecided")[1]
        why = f"{FIGURE1} fails {cells.measured(third)}, predicted {third.predicted}"
        self.assertIn(f"{third.claim} {why} {second.claim} {FIGURE1} undecided", top)
        self.assertIn("undecided not tested at this scale The sureness of 1 of", top)
        named = f"{third.claim} ( {FIGURE1} : sureness 90 %, p = 0.04)"
        self.assertIn(f"below 95 %: {named} Of 2 claims of the papers, 1 are", top)
        self.assertIn(f"do not: {named}", top)
        self.assertIn("fails sureness 90 %, below the aim p = 0.04 check", top)
        self.assertIn(f"check {first.claim} {first.quantity}", top)

    def test_nothing_is_loaded_from_elsewhere(self):
        found = self.parsed()
        text = (self.output_dir / "report.html").read_text()
        for image in self.images(found):
            text = text.replace(image, "")
        for absent in ("http:", "https:", "//", "<script", "<link", "@import", "url("):
            self.assertNotIn(absent, text)
        for target in found.attributes["a", "href"]:
            if not target.startswith("#"):
                self.assertTrue((self.output_dir / target).is_file(), target)
        anchors = [t[1:] for t in found.attributes["a", "href"] if t[0] == "#"]
        sections = found.attributes["section", "id"]
        self.assertEqual(anchors[: len(sections)], sections)  # the table of contents
        self.assertContainsSubset(anchors, sections)

    def images(self, found):
        return found.attributes["img", "src"]

    def test_pictures_are_the_recorded_ones(self):
        images = self.images(self.parsed())
        for name, image in zip((FIGURE1, FIGURE4), images, strict=True):
            kind, content = image.split(",")
            self.assertEqual(kind, "data:image/png;base64")
            content = base64.b64decode(content, validate=True)
            recorded_bytes = (self.output_dir / name / "figure.png").read_bytes()
            self.assertEqual(content, recorded_bytes)
            self.assertEqual(check_png(content)[-1], b"IEND")

    def test_words_are_escaped(self):
        finished, _ = contents.read(self.output_dir, papers.studies())
        entry = finished[0]
        nasty = "<script>alert(1)</script> & more"
        judged = [dataclasses.replace(entry.judged[0], claim=nasty)]
        seen = shown.Shown(table=pd.DataFrame({nasty: [nasty], "here": [0.123456]}))
        entry.folder.write_results(entry.results, judged, seen)
        found = self.parsed()
        self.assertEqual(found.text.count(nasty), 3)
        self.assertIn("0.1235", found.text)
        self.assertNotIn("Neither figure nor table", found.text)
        self.assertNotIn("<script", (self.output_dir / "report.html").read_text())

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
        self.assertIn(f"{count} measurements, {0.5 * count:.0f} s.", found.text)
        links = found.attributes[("a", "href")]
        self.assertIn("measurements.jsonl", links)
        self.assertIn(f"{STATIONARY_LOSS}/measurements.csv", links)


if __name__ == "__main__":
    absltest.main()
