"""Axes: their line of text, their file, and what is no axis."""

import json

from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.sweeps import axes


class AxesTest(parameterized.TestCase):
    @parameterized.parameters(
        ("learning_rate=0.1,0.3,1", "learning_rate", (0.1, 0.3, 1)),
        ("batch_size=16..128*2", "batch_size", (16, 32, 64, 128)),
        ("batch_size=16..100*2,512", "batch_size", (16, 32, 64, 512)),
        # 0.1 * 3 * 3 is 0.9000000000000001 in floating point.
        ("l2=0,0.1..0.9*3", "l2", (0, 0.1, 0.3, 0.9)),
        ("l2=1e-300..1e300*1e300", "l2", (1e-300, 1, 1e300)),
        ("ghost_batch_size=null,16", "ghost_batch_size", (None, 16)),
        ("nesterov=true,false", "nesterov", (True, False)),
        ("hidden_units=128x128,512", "hidden_units", ((128, 128), 512)),
        (
            "schedule=constant;stepwise boundaries=3,6 factors=0.1,0.01",
            "schedule",
            ("constant", "stepwise boundaries=3,6 factors=0.1,0.01"),
        ),
    )
    def test_a_line_of_text(self, text, name, values):
        self.assertEqual(axes.parse(text), axes.Axis(name, values))
        again = ";".join(map(axes.label, values))
        self.assertEqual(axes.parse(f"{name}={again}").values, values)

    def test_a_file(self):
        values = {"batch_size": "16..64*2", "hidden_units": [[8, 8], [16]]}
        path = self.create_tempfile(content=json.dumps(values)).full_path
        expected = [
            axes.Axis("batch_size", (16, 32, 64)),
            axes.Axis("hidden_units", ((8, 8), (16,))),
        ]
        self.assertEqual(axes.read(path), expected)

    @parameterized.parameters(
        ("momentum", "write FIELD=VALUE"),
        ("=1,2", "write FIELD=VALUE"),
        ("momentum=", "two values or more"),
        ("momentum=0.9", "two values or more"),
        ("momentum=0.9,0.5,0.90", "value 0.9 twice"),
        ("momentum=1..2", "FIRST..LAST"),
        ("momentum=2..1*2", "FIRST..LAST"),
        ("momentum=1..2*1", "FIRST..LAST"),
        ("momentum=1..2*1e999", "FIRST..LAST"),
        ("momentum=0.1..1e300*1.0001", "more than 1,000 values"),
        ("momentum=" + ",".join(map(str, range(1001))), "at most 1,000"),
        ("momentum=" + "9" * 5000, "two values or more"),
    )
    def test_mistakes(self, text, message):
        with self.assertRaisesRegex(errors.UserError, message):
            axes.parse(text)

    @parameterized.parameters(
        ("[1, 2]", "not a JSON object"),
        ("{", "not JSON"),
        ('{"l2": 1}', "no list of values"),
        ('{"l2": [{"a": 1}, 2]}', "no list of values"),
    )
    def test_files_that_hold_no_axes(self, content, message):
        path = self.create_tempfile(content=content).full_path
        with self.assertRaisesRegex(errors.UserError, message):
            axes.read(path)

    def test_a_file_that_is_not_there(self):
        with self.assertRaisesRegex(errors.UserError, "cannot be read"):
            axes.read("no/such/file")


if __name__ == "__main__":
    absltest.main()
