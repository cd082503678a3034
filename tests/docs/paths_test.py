"""The files that the documents name exist, and so do the places that they link to."""

import pathlib
import re

from absl.testing import absltest, parameterized

_ROOT = pathlib.Path(__file__).parents[2]
_FILES = {
    path.relative_to(_ROOT).as_posix()
    for path in (*_ROOT.glob("*.py"), *_ROOT.glob("[!.]*/**/*.py"))
}


_DOCUMENTS = [
    path.relative_to(_ROOT).as_posix()
    for path in (*_ROOT.glob("*.md"), *_ROOT.glob("docs/**/*.md"))
]


def _anchor(heading):
    """GitHub's anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


class PathsTest(parameterized.TestCase):
    @parameterized.parameters("README.md", "BUILD_NOTES.md")
    def test_named_files_exist(self, document):
        text = (_ROOT / document).read_text()
        for named in re.findall(r"`([\w/]+\.py)`", text):
            found = [path for path in _FILES if f"/{path}".endswith(f"/{named}")]
            self.assertNotEmpty(found, f"{document}: {named}")

    @parameterized.parameters(_DOCUMENTS)
    def test_links_lead_somewhere(self, document):
        text = (_ROOT / document).read_text()
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        anchors = {_anchor(re.sub("[`*]", "", heading)) for heading in headings}
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if target.startswith("#"):
                self.assertIn(target[1:], anchors, document)
            elif not target.startswith("http"):
                path = (_ROOT / document).parent / target.partition("#")[0]
                self.assertTrue(path.exists(), f"{document}: {target}")


if __name__ == "__main__":
    absltest.main()
