"""Tests of JSON that every program can read."""

import json
import math

from absl.testing import absltest

from bsgen.files import strict_json


class StrictJsonTest(absltest.TestCase):
    def test_numbers_that_are_not_finite_become_null(self):
        values = {"a": [1.0, math.nan], "b": (math.inf, {"c": -math.inf}), "d": "é"}
        content = strict_json.to_bytes(values)

        def refuse(constant):
            raise AssertionError(f"{constant} is not JSON")

        found = json.loads(content, parse_constant=refuse)
        expected = {"a": [1.0, None], "b": [None, {"c": None}], "d": "é"}
        self.assertEqual(found, expected)
        self.assertIn("é", content.decode())
        self.assertEndsWith(content.decode(), "}\n")


if __name__ == "__main__":
    absltest.main()
