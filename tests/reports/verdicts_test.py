from absl.testing import absltest, parameterized

from bsgen.reports import verdicts
from bsgen.studies import claims


class VerdictsTest(parameterized.TestCase):
    @parameterized.parameters(
        (0.123456, (0.1, 0.2), "0.123 [0.1, 0.2]"),
        (1.0, (None, 2.0), "1 [-∞, 2]"),
        (-1.0, (-2.0, None), "-1 [-2, ∞]"),
        (0.0, (0.0, 0.0), "0 [0, 0]"),
        (None, (None, None), "nothing to measure"),
    )
    def test_measured(self, value, interval, expected):
        claim = claims.Claim("c", "q", "> 0", value, interval, "holds", "n")
        found = verdicts.measured(claim)
        self.assertEqual(found, expected)


if __name__ == "__main__":
    absltest.main()
