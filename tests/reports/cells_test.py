import pandas as pd
from absl.testing import absltest, parameterized

from bsgen.reports import cells
from bsgen.studies import claims


class CellsTest(parameterized.TestCase):
    @parameterized.parameters(
        (0.123456, (0.1, 0.2), "0.123 [0.1, 0.2]"),
        (1.0, (None, 2.0), "1 [-∞, 2]"),
        (-1.0, (-2.0, None), "-1 [-2, ∞]"),
        (0.0, (0.0, 0.0), "0 [0, 0]"),
        (None, (None, None), "nothing to measure"),
    )
    def test_measured(self, value, interval, expected):
        claim = claims.Claim("c", "q", "> 0", value, interval, "holds", "n")
        found = cells.measured(claim)
        self.assertEqual(found, expected)

    def test_a_table(self):
        table = pd.DataFrame({"a": ["x", None], "b": [1 / 3, None], "c": [12345, 0]})
        rows = [["x", "0.3333", "12345"], ["", "", "0"]]
        self.assertEqual(cells.of_table(table), (["a", "b", "c"], rows))


if __name__ == "__main__":
    absltest.main()
