"""What `import bsgen` offers, and how quickly."""

import ast
import importlib
import inspect
import pathlib
import subprocess
import sys

from absl.testing import absltest, parameterized

import bsgen

_ROOT = pathlib.Path(__file__).parents[1]
# Processor time, of which NumPy's import takes 0.07 s on two cores of an AMD EPYC, so
# 0.2 s: neither other work on the machine counts, nor its speed.
_MOST_IMPORTS_OF_NUMPY = 3


def _fresh(code):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=_ROOT, capture_output=True, text=True
    ).stdout


class PublicNamesTest(parameterized.TestCase):
    @parameterized.parameters(*bsgen.__all__)
    def test_every_name_is_found_and_explains_itself(self, name):
        found = getattr(bsgen, name)
        self.assertNotEmpty(inspect.getdoc(found))
        if inspect.ismodule(found):
            self.assertIs(found, importlib.import_module(f"bsgen.{name}"))

    def test_names_are_seen_by_dir_and_by_type_checkers(self):
        self.assertContainsSubset(bsgen.__all__, dir(bsgen))
        tree = ast.parse((_ROOT / "bsgen" / "__init__.py").read_text())
        (block,) = (node for node in tree.body if isinstance(node, ast.If))
        self.assertEqual(ast.unparse(block.test), "TYPE_CHECKING")
        names = [alias.name for node in block.body for alias in node.names]
        self.assertCountEqual(names, bsgen.__all__)
        self.assertTrue((_ROOT / "bsgen" / "py.typed").exists())

    def test_an_unknown_name(self):
        with self.assertRaisesRegex(AttributeError, "'bsgen' has no attribute 'them'"):
            bsgen.them  # noqa: B018

    def test_import_is_quick_and_loads_no_room(self):
        code = (
            "import sys, time; started = time.process_time();"
            "import bsgen; imported = time.process_time();"
            "print(*(name for name in sys.modules if name.startswith('bsgen.')));"
            "print('numpy' in sys.modules);"
            "begun = time.process_time(); import numpy; ended = time.process_time();"
            "print((imported - started) / (ended - begun))"
        )
        for _ in range(3):  # the quickest counts
            rooms, has_numpy, imports = _fresh(code).splitlines()
            self.assertEqual((rooms, has_numpy), ("", "False"))
            if float(imports) < _MOST_IMPORTS_OF_NUMPY:
                return
        self.fail(f"as slow as {imports} imports of NumPy")

    def test_theory_needs_no_further_import(self):
        code = "import bsgen; print(bsgen.theory.noise_scale(0.1, 10, 1000));"
        code += "print('x', *({'tensorflow', 'keras'} & {*__import__('sys').modules}))"
        # eps N / B, of the noise scale eps N / (B (1 - m)) without momentum
        self.assertEqual(_fresh(code), "10.0\nx\n")


if __name__ == "__main__":
    absltest.main()
