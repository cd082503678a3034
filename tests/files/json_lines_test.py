"""Tests of files of JSON lines; those of damage are in `training/records_test.py`."""

import math
import pathlib

from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.files import json_lines


class JsonLinesTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.path = pathlib.Path(self.create_tempdir().full_path) / "new" / "a.jsonl"
        self.lines = json_lines.JsonLines(self.path, "remove that line")

    def test_reads_what_append_returned(self):
        self.assertEmpty(self.lines.read(dict))
        written = self.lines.append([{"a": math.nan, "b": (1, 2)}, {"a": 3}], dict)
        self.assertEqual(written, [{"a": None, "b": [1, 2]}, {"a": 3}])
        self.assertEqual(self.lines.read(dict), written)

    def test_replaces_all_at_once(self):
        self.lines.append([{"a": 1}, {"a": 2}], dict)
        self.lines.replace([{"a": 3}])
        self.assertEqual(self.lines.read(dict), [{"a": 3}])

    @parameterized.parameters(b'{"torn', b"\0\0\0", b'{"a": 1, "sha256": "0"}')
    def test_a_torn_last_line_is_skipped_and_cut_off(self, torn):
        self.lines.append([{"a": 1}], dict)
        whole = self.path.read_bytes()
        self.path.write_bytes(whole + torn)
        self.assertEqual(self.lines.read(dict), [{"a": 1}])
        self.assertEqual(self.path.read_bytes(), whole + torn)  # reading writes nothing
        self.lines.append([{"a": 2}], dict)
        self.assertEqual(self.lines.read(dict), [{"a": 1}, {"a": 2}])
        self.assertNotIn(torn, self.path.read_bytes())

    def test_refuses_a_newer_version_and_other_damage(self):
        self.path.parent.mkdir()
        self.path.write_text('{"version": 2}\n')
        with self.assertRaisesRegex(errors.UserError, "newer version.*format 2"):
            self.lines.read(dict)
        self.path.write_text('{"a"\n{}\n')
        with self.assertRaisesRegex(
            errors.UserError, "a.jsonl, line 1: it is not JSON; remove that line"
        ):
            self.lines.read(dict)


if __name__ == "__main__":
    absltest.main()
