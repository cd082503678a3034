"""What the rule of thumb shows: settings as they end, its result from the file."""

import contextlib
import io
import pathlib

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.files import sealed_json
from bsgen.tuning.procedures import outcomes, settings
from launch import boundary_display

_SETTING = settings.Setting(64, 0.2, 0.9)


def _tried(scores, status="completed", lower_is_better=False):
    outcome = outcomes.Outcome(dict(enumerate(scores)), status)
    return boundary_display.tried(_SETTING, outcome, lower_is_better)


class BoundaryDisplayTest(parameterized.TestCase):
    @parameterized.parameters(
        ((0.5, 0.75), "completed", False, "0.625 ± 0.12"),
        ((0.5,), "completed", False, "0.5"),
        ((-2.5, -3.5), "completed", True, "3 ± 0.5"),
        ((0.5, 0.0), "diverged", False, "diverged"),
        ((), "failed", False, "failed"),
    )
    def test_what_a_setting_has_reached(self, scores, status, lower, words):
        self.assertEqual(
            boundary_display.in_words(_tried(scores, status, lower)), words
        )

    def test_the_result_is_told_again_from_its_file(self):
        folder = pathlib.Path(self.create_tempdir().full_path)
        self.assertIsNone(boundary_display.read(folder))
        tried = [_tried((0.5, 0.75)), {**_tried((0.25,)), "batch_size": 8}]
        found = {"words": "train [so]", "metric": "test_accuracy", "tried": tried}
        path = folder / boundary_display.RESULT
        sealed_json.write(path, found)
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            boundary_display.print_result(boundary_display.read(folder), folder)
        lines = text.getvalue().splitlines()
        cells = [line.split() for line in lines]
        self.assertEqual(cells[3], ["8", "0.2", "1", "0.25"])
        self.assertEqual(cells[4], ["64", "0.2", "2", "0.625", "±", "0.12"])
        self.assertEqual(lines[-2:], ["train [so]", f"result: {path}"])
        path.write_text(path.read_text().replace("0.75", "0.85"))
        with self.assertRaisesRegex(errors.UserError, "is damaged .*check sum"):
            boundary_display.read(folder)
        sealed_json.write(path, {"words": "train so"})
        with self.assertRaisesRegex(errors.UserError, "lacks an entry"):
            boundary_display.read(folder)

    def test_a_bar_starts_anew_for_each_setting(self):
        text = io.StringIO()
        with contextlib.redirect_stdout(text), boundary_display.BoundaryBar() as bar:
            for _ in range(2):
                bar.began(_SETTING, 3.0)
                bar.advance(1.0)
                (task,) = bar._bar.tasks
                np.testing.assert_allclose((task.completed, task.total), (1.0, 3.0))
                self.assertEqual(task.description, _SETTING.words())
        self.assertEmpty(text.getvalue().strip())  # no terminal, no bar


if __name__ == "__main__":
    absltest.main()
