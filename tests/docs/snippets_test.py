"""The Python in README.md and in the pages runs as it stands."""

import functools
import os
import pathlib
import re
from unittest import mock

import tensorflow as tf
from absl.testing import parameterized

import bsgen
from bsgen import tuning

_ROOT = pathlib.Path(__file__).parents[2]
# What docs/ADDING.md shows are files, which a test of its own puts in place.
_DOCUMENTS = [
    path.relative_to(_ROOT).as_posix()
    for path in [_ROOT / "README.md", *sorted(_ROOT.glob("docs/**/*.md"))]
    if "```python\n" in path.read_text() and path.name != "ADDING.md"
]


def _blocks(document):
    text = (_ROOT / document).read_text()
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


class SnippetsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(_DOCUMENTS)
    def test_python_runs(self, document):
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.create_tempdir())  # They write results.
        names: dict = {}  # A page may go on where the block before ended.
        # What more repeats of a setting would show is nothing to a test.
        once = functools.partial(bsgen.tune_batch_size, num_repeats=1)
        for module in (bsgen, tuning):
            patch = mock.patch.object(module, "tune_batch_size", once)
            self.enter_context(patch)
        for block in _blocks(document):
            exec(compile(block, document, "exec"), names)

    def test_readme_has_python(self):
        self.assertIn("README.md", _DOCUMENTS)

    def test_quoted_batch_size_is_what_the_formula_gives(self):
        lines = [
            line
            for document in _DOCUMENTS
            for block in _blocks(document)
            for line in re.findall(r"theory\.optimal_batch_size\(.*", block)
        ]
        self.assertNotEmpty(lines)
        names: dict = {}
        exec("from bsgen import theory", names)
        scale = "theory.noise_scale(1.0, 32, 1000, 0.9)"
        for line in lines:
            call, quoted = line.split("  # ")
            found = eval(call.replace("(g,", f"({scale},"), names)
            self.assertAllClose(found, float(quoted))


if __name__ == "__main__":
    tf.test.main()
