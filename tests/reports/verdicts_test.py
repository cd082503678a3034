"""Tests of what is said of the verdicts of all studies together."""

import dataclasses
import pathlib

import pandas as pd
from absl.testing import absltest, parameterized

from bsgen.reports import contents, verdicts
from bsgen.studies import claims, folder, study
from tests.studies import made_up


def _claim(name, verdict, p_value=None, **more):
    made = claims.Claim(name, "q", "> 0", 0.5, (0.1, 0.9), verdict, "n")
    return dataclasses.replace(made, p_value=p_value, **more)


def _finished(name, *judged):
    results = study.Results(pd.DataFrame(), pd.DataFrame())
    place = folder.Folder(pathlib.Path("unused"), name)
    return contents.Finished(made_up.a_study(name), place, {}, results, [*judged])


FIRST = _finished(
    "made_up/fig1",
    _claim("a", "holds", 0.001),
    _claim("b", "undecided", reason="too few seeds"),
    _claim("c", "holds", 1e-9, kind="check"),
    _claim("d", "fails", 0.02),
)
SECOND = _finished(
    "made_up/fig2",
    _claim("e", "fails", 0.01, kind="repeat"),
    _claim("f", "undecided", kind="check"),
    _claim("g", "holds", 0.012),
)


class VerdictsTest(parameterized.TestCase):
    def test_what_fails_comes_before_what_is_undecided(self):
        found = verdicts.unsettled([FIRST, SECOND])
        self.assertEqual(
            [(each.study[-4:], each.claim.claim) for each in found],
            [("fig1", "d"), ("fig2", "e"), ("fig1", "b"), ("fig2", "f")],
        )

    def test_why(self):
        judged = [*FIRST.judged, *SECOND.judged]
        why = {claim.claim: verdicts.why(claim) for claim in judged}
        self.assertEqual(why["b"], "too few seeds")
        self.assertEqual(why["d"], "0.5 [0.1, 0.9], predicted > 0")
        self.assertIn("older version", why["f"])

    def test_other_kinds_are_counted_apart(self):
        found = verdicts.besides([FIRST, SECOND])
        self.assertIn("2 checks (1 hold, 1 undecided) and 1 repeat (1 fail).", found)
        self.assertEqual(verdicts.besides([_finished("a", FIRST.judged[0])]), "")

    def test_claims_of_papers_come_first(self):
        judged = [*SECOND.judged, *FIRST.judged]
        found = [claim.claim for claim in verdicts.grouped(judged)]
        self.assertEqual(found, ["g", "a", "b", "d", "f", "c", "e"])

    def test_multiplicity_by_hand(self):
        """Of 4 claims of papers 0.001 < 0.05/4, 0.012 < 0.05/3, 0.02 < 0.05/2."""
        ((words, lost),) = verdicts.caveats([FIRST, SECOND])
        self.assertStartsWith(words, "Of 4 claims of the papers, 3 are decided,")
        self.assertIn("correction over all 4, ", words)
        self.assertEndsWith(words, "all of them stay decided.")
        self.assertEmpty(lost)
        # With 0.018 > 0.05/3 in the place of 0.012, both of the larger ones are lost.
        larger = dataclasses.replace(SECOND.judged[-1], p_value=0.018)
        second = _finished("made_up/fig2", larger)
        ((words, lost),) = verdicts.caveats([FIRST, second])
        self.assertEndsWith(words, "1 stay decided; these do not:")
        names = [(each.study, each.claim.claim) for each in lost]
        self.assertEqual(names, [("made_up/fig1", "d"), ("made_up/fig2", "g")])

    def test_verdicts_below_the_aim_are_named(self):
        judged = [
            _claim("a", "holds", sureness=0.949),
            _claim("b", "holds", sureness=0.95),
            _claim("c", "undecided", sureness=0.4),
            _claim("d", "holds", sureness=0.4, kind="check"),
        ]
        ((words, unsure),) = verdicts.caveats([_finished("made_up/fig1", *judged)])
        expected = (
            "The sureness of 1 of the 2 decided claims of the papers is below 95 %:"
        )
        self.assertEqual(words, expected)
        self.assertEqual([each.claim.claim for each in unsure], ["a"])

    def test_nothing_to_say(self):
        older = _finished("made_up/fig1", _claim("a", "holds"))
        self.assertEmpty(verdicts.caveats([older]))
        self.assertEmpty(verdicts.caveats([]))


if __name__ == "__main__":
    absltest.main()
