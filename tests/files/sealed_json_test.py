import json
import math
import pathlib

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors
from bsgen.files import sealed_json

_VALUES = {
    "scores": [0.1 + 0.2, 1e300, -5.0],
    "name": "é",
    "none": None,
    "deep": {"a": 1},
}


class SealedJsonTest(parameterized.TestCase):
    @parameterized.parameters(None, 1)
    def test_brings_back_what_was_written(self, indent):
        text = sealed_json.dumps(_VALUES, indent)
        self.assertEqual(sealed_json.loads(text), _VALUES)
        self.assertEqual(sealed_json.loads(text.encode()), _VALUES)
        self.assertEqual({*json.loads(text)}, {*_VALUES, "sha256"})
        again = json.dumps(json.loads(text), indent=3)
        self.assertEqual(sealed_json.loads(again), _VALUES)

    def test_takes_what_json_changes_as_it_will_be_read(self):
        text = sealed_json.dumps({"rates": (1.0, math.inf), "by_number": {0: "a"}})
        expected = {"rates": [1.0, math.inf], "by_number": {"0": "a"}}
        self.assertEqual(sealed_json.loads(text), expected)

    def test_no_flipped_bit_passes_as_another_value(self):
        content = sealed_json.dumps(_VALUES).encode()
        generator = np.random.default_rng(0)
        num_noticed = 0
        for place in generator.choice(8 * len(content), 500, replace=False):
            damaged = bytearray(content)
            damaged[place // 8] ^= 1 << place % 8
            try:
                # A flip outside of the values, such as in a space, may do no harm.
                self.assertEqual(sealed_json.loads(bytes(damaged), _VALUES), _VALUES)
            except sealed_json.Damaged:
                num_noticed += 1
        self.assertGreater(num_noticed, 450)

    @parameterized.parameters(
        (b"", "it is empty"),
        (b"{", "it is not JSON"),
        (b"\xff\x00", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[1, 2]", "it is not a JSON object"),
        (b'{"scores": 1, "sha256": "0"}', "check sum does not match"),
        (b'{"scores": 1, "sha256": null}', "check sum does not match"),
        (b'{"scores": 1, "sha257": "0"}', "check sum is missing"),
    )
    def test_damage_is_named(self, content, message):
        with self.assertRaisesRegex(sealed_json.Damaged, message):
            sealed_json.loads(content, _VALUES)

    def test_takes_what_earlier_versions_wrote(self):
        self.assertEqual(sealed_json.loads('{"name": "x"}', _VALUES), {"name": "x"})
        self.assertEqual(sealed_json.loads('{"other": 1}'), {"other": 1})

    def test_unsealing_says_whether_there_was_a_check_sum(self):
        sealed = sealed_json.parse(sealed_json.dumps(_VALUES))
        self.assertTrue(sealed_json.unseal(sealed))
        self.assertEqual(sealed, _VALUES)
        self.assertFalse(sealed_json.unseal({}))

    @parameterized.named_parameters(
        ("record", sealed_json.write, None), ("state", sealed_json.write_state, -1e999)
    )
    def test_writes_and_reads_a_file(self, write, infinity):
        path = pathlib.Path(self.create_tempdir().full_path) / "new" / "a.json"
        self.assertIsNone(sealed_json.read(path))
        written = write(path, {"version": 2, "rates": (0.1, -math.inf)})
        self.assertEqual(written, {"version": 2, "rates": [0.1, infinity]})
        self.assertEqual(sealed_json.read(path, (), newest=2), written)
        self.assertIsNone(sealed_json.read(path / "below a file"))
        with self.assertRaisesRegex(sealed_json.Damaged, "cannot be read .Is a dir"):
            sealed_json.read(path.parent)

    def test_a_file_of_a_newer_version_may_be_sealed_in_another_way(self):
        path = pathlib.Path(self.create_tempdir().full_path) / "a.json"
        path.write_text('{"version": 3, "sha256": "made in another way"}')
        with self.assertRaisesRegex(
            errors.UserError, "^output_dir=.*a.json was written by a newer.*format 3"
        ):
            sealed_json.read(path, None, newest=2)
        with self.assertRaisesRegex(sealed_json.Damaged, "does not match"):
            sealed_json.read(path, None, newest=3)

    @parameterized.parameters("{}", '{"other": 1}')
    def test_a_file_without_a_check_sum_is_damaged_where_one_is_due(self, text):
        path = pathlib.Path(self.create_tempdir().full_path) / "a.json"
        path.write_text(text)
        with self.assertRaisesRegex(sealed_json.Damaged, "check sum is missing"):
            sealed_json.read(path, unsealed=())


if __name__ == "__main__":
    absltest.main()
