"""Tests of phase 2's rule: how often it stops where nothing falls, and how early."""

import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.tuning.procedures import (
    comparison,
    outcomes,
    phases,
    replay,
    search_state,
    settings,
)

_RULES = comparison.Rules(baseline_score=0.1)
_START = settings.Setting(8, 1.0, 0.9)
_REPEATS = tuple(range(5, 10))


def grow(start, candidate, looks):
    """Runs phase 2 from 8 examples to 40, of at most 41, on [5] scores of both.

    Returns:
      The end, the decisions, and how many of the candidate's repeats were asked for.
    """
    state = search_state.SearchState(41, _RULES)
    steps = phases.grow_batch(state, _START, 5, 2, _REPEATS, looks)
    scores = {_START: start, _START.scaled(40): candidate}
    results = {
        setting: outcomes.Outcome(dict(zip(_REPEATS, map(float, values), strict=True)))
        for setting, values in scores.items()
    }
    _, grown = replay.replay(steps, results)
    asked = [one for one in state.trace if one.setting.batch_size == 40]
    return grown, state.decisions, max(len(one.scores) for one in asked)


class GrowBatchTest(parameterized.TestCase):
    @parameterized.parameters(((),), ((1, 3),), ((2, 3, 4),))
    def test_no_more_false_stops_than_the_level_whatever_the_looks(self, looks):
        # Start and candidate are equally good. The level at each look, not over all of
        # them, would stop 0.08 (two looks) or 0.11 (four) of these.
        trials, stops = 2000, 0
        rng = np.random.default_rng(len(looks))
        for _ in range(trials):
            grown, _, _ = grow(*rng.normal(0.8, 0.01, size=(2, 5)), looks)
            stops += grown.fallen is not None
        deviation = math.sqrt(trials * 0.05 * 0.95)
        self.assertLess(stops, trials * 0.05 + 3 * deviation)
        self.assertGreater(stops, trials * 0.02)

    @parameterized.parameters(((), 5), ((1, 3), 3), ((2,), 2))
    def test_a_plain_fall_is_seen_at_the_first_look(self, looks, expected):
        start = 0.8 + 0.001 * np.array([1, -1, 2, 0, 1])
        candidate = 0.6 + 0.001 * np.array([0, 1, 1, 1, -1])
        grown, decisions, asked = grow(start, candidate, looks)
        self.assertEqual((grown.setting, asked), (_START, expected))
        self.assertLen(grown.start.scores, 5)
        self.assertIn("begun to fall", decisions[-1].text)

    def test_one_repeat_shows_only_that_it_does_not_train(self):
        start = np.full(5, 0.8)
        for score, expected in ((0.1, 1), (0.3, 3)):
            candidate = score + 0.01 * np.arange(5) * (score > 0.1)
            grown, _, asked = grow(start, candidate, (1, 3))
            self.assertEqual(asked, expected)
            self.assertEqual(grown.fallen.setting.batch_size, 40)

    @parameterized.parameters(((), True), ((1, 3), True), ((2, 3), False))
    def test_one_repeat_is_no_test_to_share_the_level_with(self, looks, expected):
        # t = 2.95 of 5 pairs has p = 0.021: below 0.05 / 2, not below 0.05 / 3. Of the
        # first three t = 2.1, of the first two 1.04, which show nothing.
        losses = 0.02 * (1 + 0.96 * np.array([1, -1, 0.5, -0.5, 0]))
        grown, _, asked = grow(np.full(5, 0.8), 0.8 - losses, looks)
        self.assertEqual((grown.fallen is not None, asked), (expected, 5))

    def test_is_never_accepted_early(self):
        scores = 0.8 + 0.001 * np.arange(5)
        grown, decisions, asked = grow(scores, scores[::-1], (1, 3))
        self.assertIsNone(grown.fallen)
        self.assertEqual((grown.setting.batch_size, asked), (40, 5))
        self.assertIn("it is accepted", decisions[0].text)


if __name__ == "__main__":
    absltest.main()
