"""Tests that a search is a pure function of its results."""

import dataclasses
import json
import random

from absl.testing import absltest, parameterized

from bsgen import tuning
from tests.tuning import surface as surfaces

_SURFACE = surfaces.Surface(max_memory=100, run_sd=0.003, memory_limit=2000)
_NUMBERS = {"train_size": _SURFACE.train_size, "baseline_score": _SURFACE.baseline}
_PROCEDURES = (
    tuning.AppendixD(**_NUMBERS, batch_sizes=(16, 32, 64, 128, 256, 4096)),
    tuning.AppendixD(
        **_NUMBERS,
        batch_sizes=(64, 256),
        num_repeats=2,
        own=tuning.AsCompiled(32, "Adam"),
    ),
    tuning.Guided(
        **_NUMBERS, noise_scale=30.0, noise_scale_error=3.0, critical_learning_rate=4.0
    ),
)


class ReplayTest(parameterized.TestCase):
    @parameterized.parameters(*_PROCEDURES)
    def test_any_order_of_arrival_gives_the_same_search(self, procedure):
        expected, _ = surfaces.finish(procedure, _SURFACE)
        self.assertIsNotNone(expected.recommendation)
        for seed in range(10):
            rng = random.Random(seed)

            def choose(review, rng=rng):
                # Some of what is wanted, and of these some of the repeats, shuffled.
                chosen = rng.sample(review.wanted, rng.randint(1, len(review.wanted)))
                return [
                    dataclasses.replace(
                        one,
                        repeats=tuple(
                            rng.sample(one.repeats, rng.randint(1, len(one.repeats)))
                        ),
                    )
                    for one in chosen
                ]

            review, results = surfaces.finish(procedure, _SURFACE, choose=choose)
            self.assertEqual(review, expected)
            shuffled = rng.sample(list(results.items()), len(results))
            self.assertEqual(procedure.review(dict(shuffled)), expected)

    @parameterized.parameters(*_PROCEDURES)
    def test_decisions_grow_and_are_never_revised(self, procedure):
        before = ()

        def choose(review):
            nonlocal before
            self.assertEqual(review.decisions[: len(before)], before)
            self.assertIsNone(review.recommendation)
            before = review.decisions
            return review.wanted[:1]

        review, _ = surfaces.finish(procedure, _SURFACE, choose=choose)
        self.assertEqual(review.decisions[: len(before)], before)
        self.assertGreater(len(before), 2)

    @parameterized.parameters(*_PROCEDURES)
    def test_nothing_is_run_twice(self, procedure):
        seen = set()

        def choose(review):
            runs = [
                (request.setting, repeat)
                for request in review.wanted
                for repeat in request.repeats
            ]
            self.assertNoCommonElements(seen, runs)
            self.assertLen({*runs}, len(runs))
            seen.update(runs)
            return review.wanted

        review, _ = surfaces.finish(procedure, _SURFACE, choose=choose)
        fitting = [run for run in seen if run[0].batch_size <= _SURFACE.memory_limit]
        self.assertLen(fitting, review.recommendation.num_runs)

    @parameterized.parameters(*_PROCEDURES)
    def test_other_results_do_not_matter(self, procedure):
        expected, results = surfaces.finish(procedure, _SURFACE)
        results[tuning.Setting(3, 0.7, 0.5)] = tuning.Outcome({0: 1.0})
        review = procedure.review(results)
        self.assertEqual(review.decisions, expected.decisions)
        self.assertEqual(review.recommendation.setting, expected.recommendation.setting)

    @parameterized.parameters(*_PROCEDURES)
    def test_decisions_are_json(self, procedure):
        review, _ = surfaces.finish(procedure, _SURFACE)
        for decision in review.decisions:
            text = json.dumps(dataclasses.asdict(decision), allow_nan=False)
            self.assertEqual(json.loads(text), dataclasses.asdict(decision))
            self.assertNotIn("\n", decision.text)


if __name__ == "__main__":
    absltest.main()
