"""Tests of phase 1's race: who gets all repeats, and how often the best is lost."""

import math

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.tuning.procedures import (
    comparison,
    outcomes,
    replay,
    scan,
    search_state,
    settings,
)

_RULES = comparison.Rules(baseline_score=0.1)


def run(scores, num_repeats=5):
    """Scans batch sizes 1, 2, ... with [num_sizes, num_repeats] scores; None is OOM.

    Returns:
      What was measured.
    """
    wanted = [settings.Setting(k + 1, 1.0, 0.9) for k in range(len(scores))]
    results = {}
    for one, values in zip(wanted, scores, strict=True):
        found = outcomes.Outcome({}, "out_of_memory")
        if values is not None:
            found = outcomes.Outcome(dict(enumerate(map(float, values))))
        results[one] = found
    steps = scan.scan(
        search_state.SearchState(100, _RULES), wanted, tuple(range(num_repeats))
    )
    return replay.replay(steps, results)[1]


class ScanTest(parameterized.TestCase):
    def test_what_cannot_be_the_best_gets_half_of_the_repeats(self):
        noise = 0.001 * np.array([0, 1, -1, 2, 0])
        measured = run(
            [0.9 + 10 * noise, 0.7 - noise, 0.902 + noise[::-1], 0.05 + noise]
        )
        self.assertEqual([len(one.scores) for one in measured], [5, 3, 5, 3])

    @parameterized.parameters((1, 1), (2, 2), (3, 3), (4, 2), (7, 4))
    def test_few_repeats_are_no_race(self, num_repeats, expected):
        far = run([np.full(num_repeats, 0.9), np.full(num_repeats, 0.5)], num_repeats)
        self.assertEqual([len(one.scores) for one in far], [num_repeats, expected])

    def test_who_was_out_comes_back_when_the_best_fails(self):
        late = [0.9, 0.9, 0.9, 0.9, 0.0]  # diverges in its last repeat
        measured = run([late, [0.8] * 5, [0.7] * 5])
        self.assertEqual([len(one.scores) for one in measured], [5, 5, 3])
        self.assertEqual(_RULES.best(measured).setting.batch_size, 2)

    def test_what_does_not_fit_is_left_out(self):
        measured = run([[0.8] * 5, [0.9] * 5, None, None])
        self.assertEqual([one.setting.batch_size for one in measured], [1, 2])

    def test_the_best_is_seldom_lost(self):
        # The last size is better than the others by the tolerance: it is out after
        # three repeats only if a test at the level over four says that it cannot be.
        trials, lost = 1000, 0
        rng = np.random.default_rng(7)
        for _ in range(trials):
            scores = rng.normal(0.8, 0.01, size=(5, 5))
            scores[-1] += _RULES.tolerance
            lost += len(run(scores)[-1].scores) < 5
        bound = trials * _RULES.level
        self.assertLess(lost, bound + 3 * math.sqrt(bound))


if __name__ == "__main__":
    absltest.main()
