from absl.testing import absltest, parameterized

from bsgen.reports import verdicts
from bsgen.studies import claims


def claim(verdict="holds", measured=1.0, interval=(0.0, 2.0)):
    return claims.Claim("c", "q", "> 0", measured, interval, verdict, "n")


class VerdictsTest(parameterized.TestCase):
    def test_summary_counts_each_verdict(self):
        judged = [claim(v) for v in ("holds", "fails", "holds", "undecided")]
        self.assertEqual(verdicts.summary(judged), "2 hold, 1 fail, 1 undecided")
        self.assertEqual(verdicts.summary([]), "0 hold, 0 fail, 0 undecided")

    @parameterized.parameters(
        (0.123456, (0.1, 0.2), "0.123 [0.1, 0.2]"),
        (1.0, (None, 2.0), "1 [-∞, 2]"),
        (-1.0, (-2.0, None), "-1 [-2, ∞]"),
        (0.0, (0.0, 0.0), "0 [0, 0]"),
        (None, (None, None), "nothing to measure"),
    )
    def test_measured(self, value, interval, expected):
        found = verdicts.measured(claim(measured=value, interval=interval))
        self.assertEqual(found, expected)


if __name__ == "__main__":
    absltest.main()
