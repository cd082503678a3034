"""Tests of the page in a browser: widths, colours, keys, filters, no script."""

import pathlib
import tempfile
import unittest
import urllib.parse

from absl.testing import absltest, parameterized

from bsgen import papers
from bsgen.reports import page, remake
from tests.reports import browser, recorded

FIGURE3, FIGURE4 = "smith_le_2017/fig3", "smith_le_2017/fig4"
FIRST, SECOND = "smith_le_2017-fig3", "smith_le_2017-fig4"
_SHOWN = "[...document.querySelectorAll('{}')].filter(e => e.checkVisibility()).length"
# The least contrast of a text with what is behind it, and that text; sRGB of WCAG 2.
_CONTRAST = """(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const channels = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  let worst = [99, ""];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const own = node.parentElement;
    if (!node.data.trim() || !own.checkVisibility()) continue;
    let behind = own;
    while (behind && channels(getComputedStyle(behind).backgroundColor)[3] < 255) {
      behind = behind.parentElement;
    }
    const style = getComputedStyle(own), svg = own.tagName === "text";
    const pair = [svg ? style.fill : style.color,
      getComputedStyle(behind ?? document.documentElement).backgroundColor]
      .map((color) => light(channels(color))).sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < worst[0]) worst = [ratio, node.data.trim()];
  }
  return worst;
})()"""


@unittest.skipUnless(browser.PROGRAM, "no Chromium here")
class PageBrowserTest(parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = cls.enterClassContext(tempfile.TemporaryDirectory())
        profile = cls.enterClassContext(
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        )
        recorded.write(made, FIGURE3, FIGURE4)
        remake.remake(made, papers.studies())
        cls.path = page.write(pathlib.Path(made), papers.studies())
        cls.browser = cls.enterClassContext(browser.Browser(profile))

    def open(self, fragment="", width=1280, **look):
        self.browser.call(
            "Page.navigate", url="about:blank"
        )  # or only the hash changes
        self.browser.look(width, **look)
        self.browser.open(self.path, fragment)

    def shown(self, selector):
        return self.browser.run(_SHOWN.format(selector))

    def count(self):
        return self.browser.run("document.querySelector('output').textContent")

    def hash(self):
        return self.browser.run("location.hash.slice(1)")

    def focused(self):
        return self.browser.run("document.activeElement.id")

    @parameterized.product(width=(1280, 390), dark=(False, True))
    def test_fits_and_can_be_read(self, width, dark):
        self.open(width=width, dark=dark)
        self.browser.run(
            "document.querySelectorAll('details').forEach(d => d.open = 1)"
        )
        wide = self.browser.run("document.documentElement.scrollWidth")
        self.assertLessEqual(wide, width)
        ratio, text = self.browser.run(_CONTRAST)
        self.assertGreaterEqual(ratio, 4.5, text)  # WCAG 2.2, AA
        ground = self.browser.run("getComputedStyle(document.body).backgroundColor")
        self.assertEqual(ground, "rgb(23, 24, 26)" if dark else "rgb(250, 250, 248)")

    def test_nothing_is_loaded_and_nothing_fails(self):
        self.open()
        self.browser.run("document.querySelectorAll('img').forEach(i => i.decode())")
        asked = [
            event["params"]["request"]["url"][:5]
            for event in self.browser.events
            if event["method"] == "Network.requestWillBeSent"
        ]
        self.assertContainsSubset(set(asked), {"file:", "data:"})
        self.assertEqual(asked.count("file:"), 1)
        failed = [event["method"] for event in self.browser.events]
        self.assertNotIn("Runtime.exceptionThrown", failed)
        sizes = "[...document.images].map(i => i.naturalWidth)"
        self.assertEqual(self.browser.run(sizes), [1350, 1350])

    def test_without_a_script_everything_is_there(self):
        self.open(script=False)
        number = self.browser.run("document.querySelectorAll('.claim').length")
        self.assertEqual(self.shown(".claim"), number)
        self.assertEqual(self.shown("#filter"), 0)
        self.assertEqual(self.shown("nav a"), 2)

    def test_filters_by_keys_are_said_and_kept_in_the_address(self):
        self.open()
        whole = self.shown(".claim")
        self.assertEqual(self.count(), f"{whole} of {whole} claims, 2 studies")
        self.browser.press("u")
        some = self.browser.run("document.querySelectorAll('.claim.undecided').length")
        self.assertBetween(some, 1, whole - 1)
        self.assertEqual(
            (self.shown(".claim"), self.hash()), (some, "verdict=undecided")
        )
        self.assertStartsWith(self.count(), f"{some} of {whole} claims")
        self.browser.press("c")
        self.assertEqual(self.shown("figure"), 0)
        sent = self.hash()
        self.assertEqual(sent, "verdict=undecided&brief=yes")
        self.browser.press("u", "c")
        self.assertEqual((self.shown(".claim"), self.hash()), (whole, ""))
        self.open(f"#{sent}")
        self.assertEqual((self.shown(".claim"), self.shown("figure")), (some, 0))
        self.browser.press("a")
        self.assertEqual(self.shown(".claim"), whole)

    def test_numbers_of_the_table_filter(self):
        self.open()
        links = "document.querySelectorAll('.tally td a')"
        for number in range(self.browser.run(f"{links}.length")):
            self.browser.run(f"{links}[{number}].click()")
            wanted = int(self.browser.run(f"{links}[{number}].textContent"))
            self.browser.run("new Promise(done => setTimeout(done))")
            self.assertEqual(self.shown(".claim"), wanted)
        self.assertEqual(self.shown(".tally td a[aria-current]"), 1)

    def test_search_takes_keys_until_it_is_left(self):
        self.open()
        self.browser.press("/", *"full", "j")
        self.assertEqual(self.hash(), "text=fullj")
        self.assertEqual(self.shown(".claim"), 0)
        self.assertEqual(self.shown("#nothing"), 1)
        self.browser.press("Escape", "a", "/", *"peak", "Escape")
        words = "document.querySelector('input[type=search]').value"
        self.assertEqual(self.browser.run(words), "peak")
        hidden = "[...document.querySelectorAll('.claim:not([hidden])')]"
        texts = self.browser.run(
            f"{hidden}.map(e => e.textContent + e.closest('.study').id)"
        )
        title = papers.find(FIGURE4)[0].title.lower()
        for text in texts:
            self.assertTrue("peak" in text.lower() or "peak" in title, text)

    def test_jumps_go_from_claim_to_claim_and_study_to_study(self):
        self.open()
        self.browser.press("j")
        self.assertEqual(self.focused(), f"{FIRST}-1")
        self.browser.press("j", "j", "k")
        self.assertEqual((self.focused(), self.hash()), (f"{FIRST}-2", f"{FIRST}-2"))
        top = "document.activeElement.getBoundingClientRect().top"
        self.assertBetween(self.browser.run(top), 0, 800)
        self.browser.press("n")
        self.assertEqual((self.focused(), self.hash()), (f"{SECOND}-title", SECOND))
        self.browser.press("k")
        self.assertStartsWith(self.focused(), f"{FIRST}-")
        self.browser.press("n", "p")
        self.assertEqual(self.focused(), f"{FIRST}-title")
        self.browser.press("j", "Tab")  # the keys are no trap
        self.assertNotEqual(self.focused(), f"{FIRST}-1")

    def test_the_contents_follow(self):
        self.open(f"#{FIRST}")
        current = "document.querySelector('nav [aria-current]')?.hash"
        self.assertTrue(self.browser.becomes(current, f"#{FIRST}"))
        self.browser.press("n")  # from what the address names, not to it
        self.assertEqual(self.focused(), f"{SECOND}-title")
        self.assertTrue(self.browser.becomes(current, f"#{SECOND}"))
        top = "document.activeElement.getBoundingClientRect().top"
        self.assertTrue(self.browser.becomes(f"60 < {top} && {top} < 160", True))

    def test_an_address_opens_its_claim_even_if_it_is_filtered(self):
        self.open(f"#{SECOND}-2")
        self.assertEqual(self.focused(), f"{SECOND}-2")
        verdict = self.browser.run(
            f"document.getElementById('{SECOND}-2').closest('li').dataset.verdict"
        )
        other = "fails" if verdict != "fails" else "holds"
        asked = urllib.parse.urlencode({"verdict": other, "at": f"{SECOND}-2"})
        self.open(f"#{asked}")
        self.assertEqual((self.focused(), self.hash()), (f"{SECOND}-2", f"{SECOND}-2"))

    def test_keys_can_be_turned_off(self):
        self.open()
        self.browser.press("?")
        self.assertEqual(self.shown(".keys dl"), 1)
        self.browser.run("document.getElementById('keys-on').click()")
        self.browser.press("j")
        self.assertEqual(self.hash(), "")
        self.open()
        self.assertFalse(self.browser.run("document.getElementById('keys-on').checked"))
        self.browser.run("document.getElementById('keys-on').click()")
        self.browser.press("j")
        self.assertEqual(self.hash(), f"{FIRST}-1")


if __name__ == "__main__":
    absltest.main()
