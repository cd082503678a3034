"""Tests of the guard against files of newer versions."""

import pathlib

from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.files import format_version


class FormatVersionTest(parameterized.TestCase):
    @parameterized.parameters({"version": 2}, {"version": 0}, {}, {"version": "9"})
    def test_what_can_be_read_passes(self, **values):
        format_version.refuse_newer(pathlib.Path("a/b.json"), values, newest=2)

    def test_a_newer_version_is_refused(self):
        reason = r"^output_dir='a': b.json was written by a newer version of bsgen "
        reason += r"\(format 3, this one reads 2\); upgrade bsgen or choose another"
        with self.assertRaisesRegex(errors.UserError, reason):
            format_version.refuse_newer(pathlib.Path("a/b.json"), {"version": 3}, 2)


if __name__ == "__main__":
    absltest.main()
