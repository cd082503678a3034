"""Tests of the verdicts, and of how surely they stand."""

import dataclasses
import json
import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.studies import claims, estimates

_INF, _NAN = math.inf, math.nan


def _known(value, lower, upper):
    """Returns an estimate with a known interval, whatever seeds are drawn."""

    def procedure(chosen, confidence):
        return estimates.Ends(
            *(np.full(len(chosen), x, float) for x in (value, lower, upper))
        )

    return estimates.Estimate(5, procedure, "made up")


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
        claim = claims.above("c", "q", _known(*interval), bound=1.0)
        self.assertEqual((claim.verdict, claim.predicted), (verdict, "> 1"))
        value, low, high = interval
        claim = claims.below("c", "q", _known(-value, -high, -low), bound=-1.0)
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
        claim = claims.between("c", "q", _known(*interval), (0.0, 1.0))
        self.assertEqual((claim.verdict, claim.predicted), (verdict, "0 to 1"))
        self.assertEqual(bool(claim.reason), verdict == "undecided")

    @parameterized.parameters(
        ((1.1, 0.9, 1.2), "holds", ""),
        ((1.0, 0.1, 1.9), "undecided", "does not exclude 0.5"),
        ((1.0, 0.0, 2.0), "undecided", "does not exclude 0 and 0.5 and 2"),
        ((1.2, 0.9, 1.5), "undecided", "excludes the alternatives"),
        ((0.6, 0.5, 0.75), "fails", ""),
        ((2.0, 1.5, 2.5), "fails", ""),
        ((1.0, -_INF, _INF), "undecided", "does not exclude 0 and 0.5 and 2"),
        ((_NAN, -_INF, _INF), "undecided", "nothing to measure"),
    )
    def test_scales_as(self, interval, verdict, reason):
        claim = claims.scales_as(
            "c", "q", _known(*interval), 1, (0.75, 1.25), (0, 0.5, 2)
        )
        self.assertEqual(claim.verdict, verdict)
        self.assertEqual(claim.predicted, "1: 0.75 to 1.25 (not 0, 0.5, 2)")
        self.assertIn(reason, claim.reason)

    def test_an_alternative_may_lie_at_the_end_of_the_band(self):
        for lower, verdict in ((0.5, "undecided"), (0.51, "holds")):
            claim = claims.scales_as(
                "c", "q", _known(1, lower, 1.2), 1, (0.5, 1.5), (0.5, 1.5)
            )
            self.assertEqual(claim.verdict, verdict)

    @parameterized.parameters(((1.5, 2.0), (0, 2)), ((0.75, 1.25), (0, 1.2)))
    def test_a_band_parts_the_prediction_from_the_alternatives(self, band, others):
        with self.assertRaisesRegex(ValueError, "band"):
            claims.scales_as("c", "q", _known(1, 0.9, 1.1), 1, band, others)


class SurenessTest(parameterized.TestCase):
    @parameterized.parameters((0.9, "holds"), (-0.6, "fails"), (0.4, "undecided"))
    def test_is_the_share_of_draws_with_the_same_verdict(self, mean, verdict):
        samples = np.random.default_rng(1).normal(size=9)
        samples += mean - samples.mean()
        found = estimates.mean(samples)
        claim = claims.above("c", "q", found)
        drawn = found.resampled()
        expected = {
            "holds": np.mean(drawn.lower > 0),
            "fails": np.mean(drawn.upper <= 0),
            "undecided": np.mean((drawn.lower <= 0) & (drawn.upper > 0)),
        }
        self.assertEqual(claim.verdict, verdict)
        self.assertAlmostEqual(claim.sureness, expected[verdict], places=12)
        self.assertBetween(claim.sureness, 0.2, 0.99)

    def test_grows_with_the_distance_from_the_bound(self):
        samples = np.random.default_rng(0).normal(size=10)
        sure = [
            claims.above("c", "q", estimates.mean(samples + shift)).sureness
            for shift in (1.2, 1.6, 5.0)
        ]
        self.assertEqual(sure, sorted(sure))
        self.assertGreater(sure[-1], 0.999)

    @parameterized.parameters(
        ("holds", 0.949, True),
        ("fails", 0.5, True),
        ("holds", 0.95, False),
        ("holds", None, False),
        ("undecided", 0.5, False),
    )
    def test_decided_claims_below_the_aim_are_unsure(self, verdict, sureness, unsure):
        claim = claims.above("c", "q", _known(1, 0.5, 2))
        made = dataclasses.replace(claim, verdict=verdict, sureness=sureness)
        self.assertEqual(made.is_unsure, unsure)

    def test_one_seed_has_none(self):
        claim = claims.above("c", "q", estimates.mean([1.0]))
        self.assertIsNone(claim.sureness)
        self.assertIsNone(claims.above("c", "q", estimates.mean([])).sureness)

    def test_p_value_is_that_of_the_t_test(self):
        from scipy import stats

        samples = np.random.default_rng(2).normal(1.0, 0.5, size=8)
        found = estimates.mean(samples)
        for judge, bound, verdict in (
            (claims.above, 0.3, "holds"),
            (claims.above, 1.7, "fails"),
            (claims.below, 1.7, "holds"),
            (claims.below, 0.3, "fails"),
        ):
            claim = judge("c", "q", found, bound=bound)
            expected = stats.ttest_1samp(samples, bound).pvalue
            self.assertLess(expected, 0.05)
            self.assertEqual(claim.verdict, verdict)
            self.assertAlmostEqual(claim.p_value / expected, 1, delta=2e-3)

    def test_undecided_claims_have_none(self):
        claim = claims.above("c", "q", estimates.mean([-1.0, 1.1]))
        self.assertIsNone(claim.p_value)


class KindTest(absltest.TestCase):
    def test_only_the_claims_of_papers_are_counted(self):
        paper = claims.above("c", "q", _known(1, 0.5, 2))
        check = claims.above("c", "q", _known(1, 0.5, 2), kind=claims.CHECK)
        repeated = claims.repeats(paper, "a_paper/fig1")
        self.assertEqual(repeated.kind, claims.REPEAT)
        self.assertIn("a_paper/fig1", repeated.note)
        self.assertEqual(
            claims.summary([paper, check, repeated]), "1 hold, 0 fail, 0 undecided"
        )

    def test_other_kinds_are_counted_apart(self):
        holds = claims.above("c", "q", _known(1, 0.5, 2))
        fails = claims.below("c", "q", _known(1, 0.5, 2))
        check = dataclasses.replace(holds, kind=claims.CHECK)
        repeats = [claims.repeats(claim, "a_paper/fig1") for claim in (holds, fails)]
        for judged, besides, counts in (
            ([], "", ""),
            ([holds, fails, holds], "", "2 hold, 1 fail"),
            ([check], "1 check (1 hold)", "1 check (1 hold)"),
            (
                [fails, check, check, *repeats],
                "2 checks (2 hold) and 2 repeats (1 hold, 1 fail)",
                "1 fail, besides 2 checks (2 hold) and 2 repeats (1 hold, 1 fail)",
            ),
        ):
            self.assertEqual(claims.besides(judged), besides)
            self.assertEqual(claims.counts(judged), counts)

    def test_every_judgement_keeps_its_kind(self):
        known = _known(1, 0.9, 1.1)
        for kind in (claims.PAPER, claims.CHECK, claims.REPEAT):
            for claim in (
                claims.above("c", "q", known, kind=kind),
                claims.below("c", "q", known, kind=kind),
                claims.between("c", "q", known, (0, 2), kind=kind),
                claims.scales_as("c", "q", known, 1, (0.8, 1.2), (0,), kind=kind),
            ):
                self.assertEqual(claim.kind, kind)

    def test_left_open(self):
        claim = claims.above("c", "q", _known(1, 0.5, 2))
        found = claims.left_open(claim, "not tested at this scale")
        self.assertEqual(
            (found.verdict, found.reason, found.sureness, found.p_value),
            ("undecided", "not tested at this scale", None, None),
        )
        self.assertEqual(found.measured, 1)


class JsonTest(parameterized.TestCase):
    def test_to_dict(self):
        claim = claims.above(
            "A claim", "accuracy", estimates.mean([0.25]), "a note", bound=0.5
        )
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
                "note": "95 % t interval over 1 seeds; a note",
                "kind": "paper",
                "reason": "too few seeds for an interval: 1",
                "sureness": None,
                "p_value": None,
            },
        )
        self.assertEqual(claims.from_dict(values), claim)

    @parameterized.parameters(
        ("verdict", "maybe"), ("kind", "rumour"), ("sureness", "1"), ("reason", None)
    )
    def test_impossible_values_are_refused(self, field, value):
        values = claims.above("c", "q", _known(1, 0.5, 2)).to_dict()
        with self.assertRaises(ValueError):
            claims.from_dict({**values, field: value})
        del values["quantity"]
        with self.assertRaises(ValueError):
            claims.from_dict(values)

    def test_older_versions_said_less(self):
        claim = claims.above("c", "q", _known(1, 0.5, 2), kind=claims.CHECK)
        values = claim.to_dict()
        for name in ("kind", "reason", "sureness", "p_value"):
            del values[name]
        made = {"kind": claims.PAPER, "sureness": None, "p_value": None}
        expected = dataclasses.replace(claim, **made)
        self.assertEqual(claims.from_dict(values), expected)


if __name__ == "__main__":
    absltest.main()
