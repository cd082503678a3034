import dataclasses

import pandas as pd
from absl.testing import absltest, parameterized

from bsgen.reports import cells
from bsgen.studies import claims

_CLAIM = claims.Claim("c", "q", "> 0", 0.5, (0.1, 0.9), "holds", "n")


class CellsTest(parameterized.TestCase):
    @parameterized.parameters(
        (0.123456, (0.1, 0.2), "0.123 [0.1, 0.2]"),
        (1.0, (None, 2.0), "1 [-∞, 2]"),
        (-1.0, (-2.0, None), "-1 [-2, ∞]"),
        (0.0, (0.0, 0.0), "0 [0, 0]"),
        (None, (None, None), "nothing to measure"),
    )
    def test_measured(self, value, interval, expected):
        claim = dataclasses.replace(_CLAIM, measured=value, interval=interval)
        found = cells.measured(claim)
        self.assertEqual(found, expected)

    @parameterized.parameters(
        (None, ""),
        (1.0, "> 99.9 %"),
        (0.999, "99 %"),
        (0.95, "95 %"),
        (0.949, "94 %"),
        (0.29, "29 %"),  # 100 * 0.29 is a little less than 29
    )
    def test_sureness(self, share, expected):
        claim = dataclasses.replace(_CLAIM, sureness=share)
        self.assertEqual(cells.sureness(claim), expected)

    @parameterized.parameters(
        (None, ""), (0.0009, "< 0.001"), (0.001, "0.001"), (0.04567, "0.046")
    )
    def test_p_value(self, value, expected):
        claim = dataclasses.replace(_CLAIM, p_value=value)
        self.assertEqual(cells.p_value(claim), expected)

    @parameterized.parameters(
        (0.97, 0.02, "sureness 97 %, p = 0.02"),
        (1.0, 1e-9, "sureness > 99.9 %, p < 0.001"),
        (None, 0.02, "p = 0.02"),
        (None, None, ""),
    )
    def test_strength(self, share, value, expected):
        claim = dataclasses.replace(_CLAIM, sureness=share, p_value=value)
        self.assertEqual(cells.strength(claim), expected)

    def test_a_table(self):
        table = pd.DataFrame({"a": ["x", None], "b": [1 / 3, None], "c": [12345, 0]})
        rows = [["x", "0.3333", "12345"], ["", "", "0"]]
        self.assertEqual(cells.of_table(table), (["a", "b", "c"], rows))


if __name__ == "__main__":
    absltest.main()
