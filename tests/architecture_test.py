"""The rules of the house, checked from the code's own imports.

Rooms stand in columns; a room imports only from columns further left than its own.
"""

import ast
import pathlib
import subprocess
import sys

from absl.testing import absltest, parameterized

_ROOT = pathlib.Path(__file__).parents[1]
_COLUMNS = (
    ("bsgen.errors",),
    ("bsgen.files", "bsgen.progress_bar", "bsgen.interrupts", "bsgen.statistics"),
    ("bsgen.config",),
    ("bsgen.theory",),
    ("bsgen.data", "bsgen.layers", "bsgen.optimizers", "bsgen.figures"),
    ("bsgen.models", "bsgen.measures", "bsgen.measured_results"),
    ("bsgen.named_measures",),
    ("bsgen.training",),
    ("bsgen.tuning",),
    ("bsgen.studies",),
    # None of these knows another.
    (
        "bsgen.papers",
        "bsgen.reports",
        "bsgen.sweeps",
        "bsgen.callbacks",
        "bsgen.advice",
    ),
    ("bsgen",),  # the front door names the rooms
    ("launch",),
    ("benchmarks",),
)
_COLUMN = {room: index for index, rooms in enumerate(_COLUMNS) for room in rooms}
_OURS = ("bsgen", "launch", "benchmarks", "tests")
_WITHOUT_TENSORFLOW = (
    "bsgen.config",
    "bsgen.theory",
    "bsgen.named_measures",
    "bsgen.training.cost",
    "bsgen.training.run_folder",
    "bsgen.files",
    "bsgen.figures",
    "bsgen.tuning.procedures.appendix_d",
    "bsgen.tuning.procedures.guided",
    "bsgen.tuning.procedures.recommend",
    "bsgen.tuning.keras_tuner_adapter.process_role",
    "bsgen.studies",
    "bsgen.sweeps",
    "bsgen.papers",
    "bsgen.reports",
)
# Imports each of some modules in a process of its own, forked from one that has loaded
# what most of them share: a Python for each would take most of a second.
_IMPORT_EACH = """
import importlib, os, sys
import matplotlib.figure, numpy, pandas, scipy.stats
for module in sys.argv[1:]:
    if not os.fork():
        importlib.import_module(module)
        loaded = sorted({"tensorflow", "keras"} & {*sys.modules})
        print(module, "loads", loaded, flush=True)
        os._exit(0)
    os.wait()
"""
_KERAS_TUNER = pathlib.Path("bsgen/tuning/keras_tuner_adapter")
_MAX_LINES = {"bsgen": 300, "launch": 300, "benchmarks": 300, "tests": 350}
# Refuses all that a pickle names but what CIFAR's files need, and calls none of it.
_RESTRICTED_PICKLE = pathlib.Path("bsgen/data/importers/restricted_pickle.py")


def source_files(*folders):
    found = [path for folder in folders for path in (_ROOT / folder).rglob("*.py")]
    return sorted(path.relative_to(_ROOT) for path in found)


def module_name(path):
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def room_of(module):
    """`bsgen.theory` for `bsgen.theory.noise_scale`; `launch` for `launch.train`."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "bsgen" else parts[0]


def imported_modules(tree, package):
    """Every module, or name in a module, that an import statement names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imports_of(path):
    tree = ast.parse((_ROOT / path).read_text())
    return set(imported_modules(tree, ".".join(path.parent.parts)))


def forbidden(importer, imported):
    """Whether the rules refuse that one module imports another, both by dotted name."""
    source, target = room_of(importer), room_of(imported)
    if source == target or imported.split(".")[0] not in _OURS:
        return False
    if source not in _COLUMN or target not in _COLUMN:
        return True
    return _COLUMN[target] >= _COLUMN[source]


class ImportDirectionsTest(parameterized.TestCase):
    def test_nothing_imports_to_its_right(self):
        wrong = [
            f"{path} imports {imported}"
            for path in source_files("bsgen", "launch", "benchmarks")
            for imported in sorted(imports_of(path))
            if forbidden(module_name(path), imported)
        ]
        self.assertEmpty(wrong)

    @parameterized.parameters(
        ("bsgen.theory.noise_scale", "bsgen.errors.UserError", False),
        ("bsgen.config", "bsgen.errors", False),
        ("bsgen.reports.page", "bsgen.studies", False),
        ("bsgen.training.ensemble.stacked_program", "numpy.linalg", False),
        ("bsgen.reports.page", "bsgen.papers", True),
        ("bsgen.papers.smith_le_2017.gap", "bsgen.reports.page", True),
        ("bsgen.errors", "bsgen.config", True),
        ("bsgen.layers.skip_init", "bsgen.optimizers", True),
        ("bsgen.models.dense", "bsgen.training", True),
        ("bsgen.training.ensemble.stacked_program", "launch.train", True),
        ("bsgen.training.ensemble.stacked_program", "tests.references", True),
        ("bsgen.a_room_without_column", "bsgen.errors", True),
        ("bsgen", "bsgen.config", False),
        ("bsgen", "launch.train", True),
        ("bsgen.theory.noise_scale", "bsgen", True),
    )
    def test_the_check_itself(self, importer, imported, expected):
        self.assertEqual(forbidden(importer, imported), expected)

    def test_imports_are_seen_wherever_they_stand(self):
        text = "import a.b\nfrom c import d, e\ndef f():\n  from . import g\n"
        text += "  from ..h import i"
        seen = set(imported_modules(ast.parse(text), "bsgen.room"))
        self.assertEqual(seen, {"a.b", "c.d", "c.e", "bsgen.room.g", "bsgen.h.i"})

    def test_every_room_has_a_column(self):
        rooms = {room_of(module_name(path)) for path in source_files("bsgen", "launch")}
        self.assertEmpty(rooms - set(_COLUMN))

    def test_launchers_do_not_import_each_other(self):
        launchers = [
            path
            for path in source_files("launch")
            if '__name__ == "__main__"' in (_ROOT / path).read_text()
        ]
        self.assertNotEmpty(launchers)
        names = tuple(map(module_name, launchers))
        for path in launchers:
            for imported in imports_of(path):
                self.assertFalse(imported.startswith(names), f"{path}: {imported}")

    def test_flags_are_only_in_launch(self):
        for path in source_files("bsgen"):
            for imported in imports_of(path):
                self.assertFalse(
                    imported.startswith(("absl.flags", "absl.app", "argparse")),
                    f"{path} imports {imported}",
                )

    def test_launch_finds_itself_under_both_of_its_names(self):
        for path in source_files("launch"):
            text = (_ROOT / path).read_text()
            self.assertNotRegex(text, r"(?m)^ *(from|import) launch", path)

    def test_one_folder_adapts_keras_tuner(self):
        for path in source_files("bsgen", "launch", "benchmarks"):
            if path.parent != _KERAS_TUNER:
                tops = {imported.split(".")[0] for imported in imports_of(path)}
                self.assertNotIn("keras_tuner", tops, path)

    def test_tuning_procedures_import_nothing_else_of_tuning(self):
        for path in source_files("bsgen/tuning/procedures"):
            for imported in imports_of(path):
                if room_of(imported) == "bsgen.tuning":
                    self.assertStartsWith(imported, "bsgen.tuning.procedures", path)

    def test_no_tensorflow_at_any_depth_before_launchers_answer(self):
        launchers = [module_name(path) for path in source_files("launch")]
        modules = [*_WITHOUT_TENSORFLOW, *launchers]
        done = subprocess.run(
            [sys.executable, "-c", _IMPORT_EACH, *modules],
            cwd=_ROOT,
            capture_output=True,
            text=True,
        )
        expected = [f"{module} loads []" for module in modules]
        self.assertEqual(done.stdout.splitlines(), expected, done.stderr)


class HabitsTest(parameterized.TestCase):
    def test_no_assert_in_the_library(self):
        for path in source_files("bsgen", "launch"):
            for node in ast.walk(ast.parse((_ROOT / path).read_text())):
                self.assertNotIsInstance(node, ast.Assert, f"{path}: an assert")

    @parameterized.parameters(*_MAX_LINES.items())
    def test_files_are_short(self, folder, most):
        for path in source_files(folder):
            num_lines = len((_ROOT / path).read_text().splitlines())
            self.assertLessEqual(num_lines, most, path)

    def test_files_are_named_after_a_thing(self):
        for path in source_files("bsgen", "launch", "benchmarks", "tests"):
            parts = {*path.parent.parts, path.stem}
            self.assertNoCommonElements(parts, {"utils", "common", "helpers", "misc"})

    def test_nothing_is_unpickled(self):
        for path in source_files("bsgen", "launch", "benchmarks"):
            tops = {imported.split(".")[0] for imported in imports_of(path)}
            picklers = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve"}
            if path == _RESTRICTED_PICKLE:
                picklers.remove("pickle")
            self.assertNoCommonElements(tops, picklers, path)
            for node in ast.walk(ast.parse((_ROOT / path).read_text())):
                if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                    self.assertEqual(ast.unparse(node.value), "False", path)
                if isinstance(node, ast.Attribute):
                    self.assertNotEqual(node.attr, "read_pickle", path)


if __name__ == "__main__":
    absltest.main()
