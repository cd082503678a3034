"""Tests of the climb: where it goes, who runs how often, and how often it errs."""

import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.tuning.procedures import (
    climb,
    comparison,
    outcomes,
    replay,
    search_state,
    settings,
)

_RULES = comparison.Rules(baseline_score=0.1)
_REPEATS = tuple(range(10, 15))


def run(score, num_places, start, rules=_RULES, **options):
    """Runs a climb; `score(place, index)` of a place's repeat of that index.

    None is a batch that does not fit in memory.

    Returns:
      The end, and how many repeats each place got, by rising place.
    """
    candidates = [settings.Setting(2**k, 1.0, 0.9) for k in range(num_places)]
    results = {}
    while True:
        state = search_state.SearchState(2**num_places, rules)
        wanted, top = replay.replay(
            climb.climb(state, candidates, start, _REPEATS, **options), results
        )
        if not wanted:
            counts = [len(results[one].scores) for one in candidates if one in results]
            return top, counts
        for one in wanted:
            place = candidates.index(one.setting)
            scores = {i: score(place, _REPEATS.index(i)) for i in one.repeats}
            fits = None not in scores.values()
            found = outcomes.Outcome(*([scores] if fits else [{}, "out_of_memory"]))
            if one.setting in results:
                found = results[one.setting].merged(found)
            results[one.setting] = found


class CourseTest(parameterized.TestCase):
    def test_looks_up_first(self):
        top, counts = run(lambda k, _: 0.5 + 0.1 * k, 4, start=1)
        self.assertEqual(top.best.setting.batch_size, 8)
        # Below the start nothing was measured; only the last two got a second repeat.
        self.assertEqual(counts, [1, 2, 2])

    def test_goes_down(self):
        top, counts = run(lambda k, _: 0.9 - 0.1 * k, 5, start=3)
        self.assertEqual(top.best.setting.batch_size, 1)
        self.assertEqual(counts, [2, 2, 1, 1, 1])

    def test_differences_below_the_tolerance_are_not_sought(self):
        # By turns 0.009 apart, where 0.01 matters; then 0.002.
        noise = [0.0, 0.004, 0.0, 0.004, 0.0]

        def score(place, index):
            return 0.9 + (noise[index] if place == 1 else 0.0)

        self.assertEqual(run(score, 3, 1)[1], [3, 3, 3])
        fine = comparison.Rules(0.1, tolerance=0.001)
        self.assertEqual(run(score, 3, 1, fine)[1], [5, 5, 5])

    def test_what_does_not_train_gets_no_more_repeats(self):
        def score(place, index):
            noise = np.random.default_rng((place, index)).normal(scale=0.02)
            return 0.1 if place != 1 and index == 1 else 0.9 + noise

        self.assertEqual(run(score, 3, 1)[1], [2, 2, 2])

    def test_while_nothing_trains_it_goes_up(self):
        top, counts = run(lambda k, _: 0.9 if k == 4 else 0.1, 5, start=0)
        self.assertEqual(top.best.setting.batch_size, 16)
        self.assertEqual(counts, [1, 1, 1, 1, 1])  # no neighbour is left
        top, _ = run(lambda k, _: 0.1, 3, start=1)
        self.assertIsNone(top.best)

    def test_who_was_settled_comes_back_when_the_best_fails(self):
        # Its last repeat, of those that make the best complete, does not train.
        def score(place, index):
            return [0.8, 0.9, 0.7][place] if (place, index) != (1, 4) else 0.1

        top, counts = run(score, 3, 1)
        self.assertEqual((top.best.setting.batch_size, counts), (2, [2, 2, 2]))
        top, counts = run(score, 3, 1, complete=True)
        self.assertEqual((top.best.setting.batch_size, counts), (1, [5, 5, 5]))

    def test_where_no_batch_fits_it_goes_down(self):
        for num_fitting, expected in ((2, [2, 2, 0, 0, 0]), (0, [0] * 5)):
            top, counts = run(
                lambda k, _, n=num_fitting: 0.5 + 0.1 * k if k < n else None, 5, start=4
            )
            self.assertEqual(counts, expected)
            best = None if top.best is None else top.best.setting.batch_size
            self.assertEqual(best, {2: 2, 0: None}[num_fitting])

    def test_the_memory_is_the_top_of_the_lattice(self):
        top, counts = run(lambda k, _: 0.5 + 0.1 * k if k < 3 else None, 5, start=1)
        # The last that fits is the best: its only neighbour is the one below.
        self.assertEqual((top.best.setting.batch_size, counts), (4, [2, 2, 0]))
        # Where nothing trains, there is nothing above either.
        top, counts = run(lambda k, _: 0.1 if k < 3 else None, 6, start=1)
        self.assertIsNone(top.best)
        self.assertEqual(counts, [1, 1, 0, 0])

    def test_what_no_longer_fits_is_not_the_best(self):
        # Place 2 trains before the smaller place 1 has run out of memory.
        top, _ = run(lambda k, _: [0.7, None, 0.9, 0.8][k], 4, start=2)
        self.assertEqual(top.best.setting.batch_size, 1)

    def test_the_best_gets_all_repeats_if_asked_to(self):
        top, counts = run(lambda k, _: 0.9 - abs(k - 1) / 9, 3, 1, complete=True)
        self.assertEqual((len(top.best.scores), counts), (5, [2, 5, 2]))


class ErrorsTest(parameterized.TestCase):
    @parameterized.parameters(0.03, 0.1)
    def test_seldom_ends_early_beside_what_is_better_by_the_tolerance(self, sd):
        # Both neighbours are better by the tolerance. To end before all repeats are
        # there, the worse one must have the highest mean, and both neighbours must be
        # settled: a t beyond the level's in some of three looks. Ending as soon as two
        # repeats agree would err in a fifth of all climbs at the first spread.
        trials, ended = 200, 0
        rng = np.random.default_rng(7)
        for _ in range(trials):
            scores = rng.normal(0.8, sd, size=(3, 5))
            scores[[0, 2]] += _RULES.tolerance
            top, counts = run(lambda k, i, s=scores: s[k][i], 3, start=1)
            ended += top.best.setting.batch_size == 2 and counts[1] < 5
        bound = trials * _RULES.level
        self.assertLess(ended, bound + 3 * math.sqrt(bound))


if __name__ == "__main__":
    absltest.main()
