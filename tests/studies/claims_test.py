"""Tests of the verdicts."""

import json
import math

from absl.testing import absltest, parameterized

from bsgen import statistics
from bsgen.studies import claims

_INF, _NAN = math.inf, math.nan


class VerdictTest(parameterized.TestCase):
    @parameterized.parameters(
        ((2.0, 1.1, 3.0), "holds"),
        ((2.0, 1.0, 3.0), "undecided"),  # the bound itself is not above
        ((2.0, 0.5, 3.0), "undecided"),
        ((0.5, 0.0, 1.5), "undecided"),
        ((0.5, 0.0, 1.0), "fails"),
        ((0.5, 0.0, 0.9), "fails"),
        ((1.0, 1.0, 1.0), "fails"),
        ((2.0, 2.0, 2.0), "holds"),
        ((2.0, -_INF, _INF), "undecided"),
        ((_NAN, _NAN, _NAN), "undecided"),
    )
    def test_above_1_and_mirrored_below(self, interval, verdict):
        measured = statistics.Interval(*interval)
        claim = claims.above("c", "q", measured, "n", bound=1.0)
        self.assertEqual((claim.verdict, claim.predicted), (verdict, "> 1"))
        value, low, high = interval
        mirrored = statistics.Interval(-value, -high, -low)
        claim = claims.below("c", "q", mirrored, "n", bound=-1.0)
        self.assertEqual((claim.verdict, claim.predicted), (verdict, "< -1"))

    @parameterized.parameters(
        ((0.5, 0.1, 0.9), "holds"),
        ((0.5, 0.0, 0.9), "undecided"),
        ((0.5, -0.1, 1.1), "undecided"),
        ((1.5, 0.9, 2.0), "undecided"),
        ((1.5, 1.0, 2.0), "fails"),
        ((-0.5, -1.0, -0.1), "fails"),
        ((0.5, -_INF, _INF), "undecided"),
        ((_NAN, _NAN, _NAN), "undecided"),
    )
    def test_between_0_and_1(self, interval, verdict):
        measured = statistics.Interval(*interval)
        claim = claims.between("c", "q", measured, (0.0, 1.0), "n")
        self.assertEqual((claim.verdict, claim.predicted), (verdict, "0 to 1"))

    @parameterized.parameters(
        ((1.1, 0.9, 1.3), "holds"),
        ((1.0, 0.1, 1.9), "holds"),
        ((1.0, 0.0, 1.9), "undecided"),
        ((1.5, 0.5, 2.0), "undecided"),
        ((0.7, 0.5, 0.9), "fails"),
        ((2.0, 1.5, 2.5), "fails"),
        ((1.0, -_INF, _INF), "undecided"),
        ((_NAN, -_INF, _INF), "undecided"),
        ((_NAN, _NAN, _NAN), "undecided"),
    )
    def test_equals_1_and_neither_0_nor_2(self, interval, verdict):
        measured = statistics.Interval(*interval)
        claim = claims.equals("c", "q", measured, 1, (0, 2), "n")
        self.assertEqual((claim.verdict, claim.predicted), (verdict, "1 (not 0, 2)"))

    def test_json(self):
        measured = statistics.Interval(0.25, -_INF, _INF)
        claim = claims.above("A claim", "accuracy", measured, "a note", bound=0.5)
        values = json.loads(json.dumps(claim.to_dict(), allow_nan=False))
        self.assertEqual(
            values,
            {
                "claim": "A claim",
                "quantity": "accuracy",
                "predicted": "> 0.5",
                "measured": 0.25,
                "interval": [None, None],
                "verdict": "undecided",
                "note": "a note",
            },
        )


if __name__ == "__main__":
    absltest.main()
