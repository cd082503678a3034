"""Tests of successive halving: by hand, beside a slow twin, and on a noisy surface."""

import dataclasses
import itertools
import math
import random

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors, tuning
from bsgen.tuning.procedures import outcomes
from tests.tuning import surface as surfaces

_ROOT = math.sqrt(10)
# The peak is at batch size 100 for learning rate 1 and momentum 0.9.
_SURFACE = surfaces.Surface(best_rate=1.0)
_NUM_SEARCHES = 100


class Shares(surfaces.Surface):
    """A surface on which prefixes score as whole runs do, but lower."""

    def outcome(self, request):
        if not isinstance(request.setting, tuning.Prefix):
            return super().outcome(request)
        share = request.setting.share
        whole = dataclasses.replace(request, setting=request.setting.whole)
        found = super().outcome(whole)
        scores = {i: score - 0.1 * (1 - share) for i, score in found.scores.items()}
        steps, examples = round(share * found.num_steps), round(share * 10**6)
        return dataclasses.replace(
            found, scores=scores, num_steps=steps, num_examples=examples
        )


def halving(**values):
    known = {
        "train_size": _SURFACE.train_size,
        "baseline_score": _SURFACE.baseline,
        "first_batch_size": 100,
        "first_learning_rate": 1.0,
        "num_epochs": 10,
    }
    return tuning.Halving(**{**known, **values})


def finish(surface=None, choose=None, **values):
    surface = surface or Shares(**dataclasses.asdict(_SURFACE))
    return surfaces.finish(halving(**values), surface, choose=choose)


class ExactTest(parameterized.TestCase):
    def test_a_start_at_the_peak_by_hand(self):
        procedure = halving(num_kept=(2, 1))
        first = procedure.review({}).wanted
        # Larger batch, lower rate, smaller batch, higher rate; one repeat of each.
        around = [(100, 1.0), (200, 1.0), (100, 0.32), (50, 1.0), (100, 3.2)]
        expected = [tuning.Prefix(size, rate, 0.9, 0.05) for size, rate in around]
        self.assertEqual([one.setting for one in first], expected)
        self.assertEqual({one.repeats for one in first}, {(0,)})
        review, results = finish(num_kept=(2, 1))
        counts = {one: len(found.scores) for one, found in results.items()}
        # Noise is an octave too high at 50 and, by eq. 15's N / B - 1, a little more
        # than one too low at 200; the lower rate is 1.7 octaves off, the higher one
        # diverges. So 50 goes on with the best.
        longer = {tuning.Prefix(size, 1.0, 0.9, 0.35): 1 for size in (100, 50)}
        whole = {tuning.Setting(100, 1.0, 0.9): 10}
        self.assertEqual(counts, {**dict.fromkeys(expected, 1), **longer, **whole})
        best = review.recommendation
        self.assertEqual(best.setting, tuning.Setting(100, 1.0, 0.9))
        self.assertEqual((best.num_runs, best.num_repeats), (17, 10))
        self.assertIsNone(best.next_larger)

    @parameterized.parameters(1, 10, 1000, 10_000)
    def test_a_start_elsewhere_is_left(self, first_batch_size):
        # Where both neighbours in batch size, an octave away, are no better, the noise
        # is at most half an octave off.
        review, _ = finish(first_batch_size=first_batch_size)
        self.assert_near_peak(review)

    def assert_near_peak(self, review):
        score = _SURFACE.score(review.recommendation.setting)
        self.assertGreater(score, _SURFACE.peak - 0.51**2 * _SURFACE.curvature)

    def test_where_runs_diverge_the_rate_falls(self):
        values = {**dataclasses.asdict(_SURFACE), "max_rate": 0.05, "best_rate": 1e12}
        review, results = finish(Shares(**values))
        self.assertLessEqual(review.recommendation.setting.learning_rate, 0.05)
        self.assert_near_peak(review)
        self.assertLess(len(results), 60)

    def test_nothing_trains(self):
        # All diverge; all stay at the baseline.
        for values in ({"max_rate": 0.0}, {"best_noise": 1e-12}):
            review, _ = finish(Shares(**{**dataclasses.asdict(_SURFACE), **values}))
            self.assertTrue(review.is_finished)
            self.assertIsNone(review.recommendation)
            self.assertIn("nothing can be recommended", review.decisions[-1].text)

    def test_memory_is_a_limit(self):
        for size in (100, 1000):
            values = {**dataclasses.asdict(_SURFACE), "memory_limit": 150}
            review, results = finish(Shares(**values), first_batch_size=size)
            self.assertLessEqual(review.recommendation.setting.batch_size, 150)
            self.assert_near_peak(review)
            too_large = [one for one in results if one.batch_size > 150]
            # From 1000: it and its neighbours, and 500 and 250 with theirs at most.
            self.assertBetween(len(too_large), 1, 11)
        review, _ = finish(Shares(memory_limit=0))
        self.assertTrue(review.is_finished)
        self.assertIsNone(review.recommendation)

    def test_a_first_share_takes_a_step(self):
        review, results = finish(num_epochs=0.02, first_batch_size=1000)
        largest = max(one.batch_size for one in results)
        self.assertEqual(largest, 100)  # of 100,000 examples, 0.05 of 0.02 epochs
        self.assertTrue(
            any("no batch above 100" in one.text for one in review.decisions)
        )

    @parameterized.parameters(
        ({"first_batch_size": 0}, "first_batch_size=0"),
        ({"first_learning_rate": 0}, "first_learning_rate=0"),
        ({"shares": ()}, r"shares=\(\)"),
        ({"shares": (0.5, 0.2)}, "shares=.*: give rising numbers"),
        ({"shares": (0.0, 0.2)}, "shares="),
        ({"shares": (0.5, 1.0)}, "shares=1.0"),
        ({"num_kept": (3,)}, "num_kept=.*: give one number for each of 2 shares"),
        ({"num_kept": (3, 0)}, "num_kept=0"),
        ({"factor": 1}, "factor=1"),
        ({"rate_factor": 1}, "rate_factor=1"),
        ({"num_lower_rates": -1}, "num_lower_rates=-1"),
        ({"num_epochs": 1e-5}, "num_epochs=1e-05: .* shorter than a step"),
        ({"min_batch_size": 10**6}, "min_batch_size=1000000: give at most 100000"),
    )
    def test_refuses(self, values, message):
        with self.assertRaisesRegex(errors.UserError, message) as caught:
            halving(**values)
        self.assertNotIn("\n", str(caught.exception))


class Table:
    """Random scores of settings on a grid, another for each share and repeat."""

    def __init__(self, generator):
        self._seed = int(generator.integers(2**31))

    def score(self, size, rate, share, repeat):
        key = self._seed, size, round(1e6 * rate), round(100 * share), repeat
        return float(np.float32(np.random.default_rng(key).uniform(0.2, 0.9)))

    def outcome(self, request):
        one, share = request.setting, getattr(request.setting, "share", 1.0)
        place = one.batch_size, one.learning_rate, share
        return outcomes.Outcome({i: self.score(*place, i) for i in request.repeats})


def twin(table, sizes, rates, start, kept):
    """What is trained, and for which shares, in the words of the definition."""
    trained, at = set(), start
    while True:
        for i, j in itertools.product(range(len(sizes)), range(len(rates))):
            if abs(i - at[0]) + abs(j - at[1]) <= 1:
                trained.add((sizes[i], rates[j], 0.05))
        size, rate, _ = max(trained, key=lambda one: table.score(*one, 0))
        if at == (sizes.index(size), rates.index(rate)):
            break
        at = sizes.index(size), rates.index(rate)
    stage = trained
    for number, share in zip(kept, (0.35, 1.0), strict=True):
        ranked = sorted(stage, key=lambda one: -table.score(*one, 0))
        stage = {(*one[:2], share) for one in ranked[:number]}
        trained = trained | stage
    return trained


class RandomTest(parameterized.TestCase):
    def test_trains_what_a_slow_twin_does(self):
        generator = np.random.default_rng()
        rates = [float(f"{_ROOT**k:.2g}") for k in (-2, -1, 0, 1)]
        numbers = {"num_lower_rates": 2, "num_higher_rates": 1}
        numbers |= {"min_batch_size": 25, "max_batch_size": 400}
        for _ in range(20):
            table = Table(generator)
            kept = tuple(int(x) for x in sorted(generator.integers(1, 8, 2))[::-1])
            _, results = finish(table, num_kept=kept, **numbers)
            found = {
                (one.batch_size, one.learning_rate, getattr(one, "share", 1.0))
                for one in results
            }
            expected = twin(table, [25, 50, 100, 200, 400], rates, (2, 2), kept)
            self.assertEqual(found, expected)

    def test_the_order_of_trials_and_a_stop_after_each_change_nothing(self):
        values = {**dataclasses.asdict(_SURFACE), "run_sd": 0.01}
        shuffled = random.Random()
        whole, results = finish(Shares(**values), first_batch_size=700)
        again, others = finish(
            Shares(**values),
            # One request at a time, whichever: each review starts from results alone.
            choose=lambda review: [shuffled.choice(review.wanted)],
            first_batch_size=700,
        )
        self.assertEqual(
            dict(sorted(map(_named, results.items()))),
            dict(sorted(map(_named, others.items()))),
        )
        self.assertEqual(whole.decisions, again.decisions)
        self.assertEqual(whole.recommendation, again.recommendation)

    def test_ends_near_the_peak_on_a_noisy_surface(self):
        # Of two settings in the last race the worse one is recommended only if it is
        # ahead over the five repeats that decide at least, whose difference has the
        # error sd sqrt(2 / 5). A setting that loses x is so with at most
        # Q(x / (sd sqrt(2 / 5))), here below 0.001 against each of three rivals for
        # x = 3.1 errors, if one of the best is among the four. It is missing only if
        # eight of the prefixes, or then four, are ahead of it by luck of one repeat
        # each: all eight neighbours lose at least 0.01, two errors of such a
        # difference.
        sd = 0.005 / math.sqrt(2)
        bound = 3.1 * sd * math.sqrt(2 / 5)
        missed = 0
        for seed in range(_NUM_SEARCHES):
            values = {**dataclasses.asdict(_SURFACE), "run_sd": sd, "search_seed": seed}
            surface = Shares(**values)
            # The start is off by a factor of 4 either way.
            review, _ = finish(surface, first_batch_size=25 if seed % 2 else 400)
            setting = review.recommendation.setting
            best = surface.score(tuning.Setting(100, 1.0, 0.9))
            missed += best - surface.score(setting) > bound
        # Five in a hundred, and three standard errors of such a count.
        self.assertLess(missed, 5 + 3 * math.sqrt(5 * 0.95))


def _named(pair):
    return pair[0].words(), pair[1]


if __name__ == "__main__":
    absltest.main()
