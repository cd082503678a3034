"""The pages build without a warning: `make docs`."""

import importlib.util
import os
import pathlib
import subprocess
import sys

from absl.testing import absltest

_ROOT = pathlib.Path(__file__).parents[2]
_NEEDED = "sphinx", "furo", "myst_parser", "latex2mathml", "sphinx_copybutton"
_LACKING = [name for name in _NEEDED if importlib.util.find_spec(name) is None]


@absltest.skipIf(_LACKING, f"the extra docs is not installed: {', '.join(_LACKING)}")
class BuildTest(absltest.TestCase):
    def test_pages_build_without_a_warning(self):
        folder = self.create_tempdir().full_path
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"]
        result = subprocess.run(
            [*command, "docs", folder],
            cwd=_ROOT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        for source in (_ROOT / "docs").glob("**/*.md"):
            page = source.relative_to(_ROOT / "docs").with_suffix(".html")
            self.assertTrue((pathlib.Path(folder) / page).is_file(), page)


if __name__ == "__main__":
    absltest.main()
