"""Tests of a recommendation's words and JSON."""

import dataclasses
import json

from absl.testing import absltest, parameterized

from bsgen import tuning

_BEST = tuning.Recommendation(
    setting=tuning.Setting(640, 1.0, 0.98),
    score=0.8741,
    standard_error=0.0021,
    num_repeats=5,
    next_larger=tuning.NextLarger(
        tuning.Setting(800, 1.0, 0.98), "completed", 0.0121, 0.0042
    ),
    start=tuning.Setting(128, 1.0, 0.9),
    loss=-0.0005,
    loss_standard_error=0.0031,
    update_factor=5.0,
    num_steps=1000,
    num_examples=2000,
    seconds=1.5,
    num_runs=12,
)


class RecommendationTest(parameterized.TestCase):
    def test_words(self):
        self.assertEqual(
            _BEST.words(),
            "batch size 640, learning rate 1.0, momentum 0.98: validation accuracy "
            "0.874 ± 0.002; the next larger batch (800) is 0.012 ± 0.004 worse; it is "
            "0.001 ± 0.003 better than phase 1's best (batch size 128), with 20% of "
            "the updates; the search took 1000 steps over 2000 examples",
        )

    @parameterized.parameters(
        ("untrained", None, "the next larger batch (800) does not train in every"),
        ("out_of_memory", None, "the next larger batch (800) does not fit in memory"),
        ("failed", None, "the next larger batch (800) failed"),
        ("completed", -0.004, "the next larger batch (800) is 0.004 (one repeat) bett"),
    )
    def test_words_of_the_next_larger(self, status, loss, expected):
        larger = tuning.NextLarger(_BEST.next_larger.setting, status, loss, None)
        words = dataclasses.replace(_BEST, next_larger=larger).words()
        self.assertIn(f"; {expected}", words)

    @parameterized.parameters(
        (5.0, "20% of the updates"),
        (0.5, "twice the updates"),
        (0.75, "1.3 times the updates"),
    )
    def test_words_of_updates(self, factor, expected):
        words = dataclasses.replace(_BEST, update_factor=factor).words()
        self.assertIn(f"(batch size 128), with {expected}; ", words)

    def test_phase_1s_best_is_named_once(self):
        larger = dataclasses.replace(_BEST.next_larger, setting=_BEST.start)
        words = dataclasses.replace(_BEST, next_larger=larger).words()
        self.assertNotIn("the next larger batch", words)
        self.assertIn("better than phase 1's best (batch size 128)", words)

    def test_words_of_a_metric_of_which_less_is_better(self):
        # Scores are the metric with its sign reversed: -0.47 is an error of 0.47.
        found = dataclasses.replace(
            _BEST, score=-0.4712, metric="validation mae", lower_is_better=True
        )
        self.assertIn("validation mae (lower is better) 0.471 ± 0.002;", found.words())
        self.assertNotIn("minus", found.words())

    def test_words_of_the_users_own_optimizer(self):
        own = tuning.AsCompiled(32, "Adam")
        worse = tuning.Baseline(own, "completed", 0.8641, 0.003, 0.01, 0.002)
        self.assertIn(
            "accuracy 0.874 ± 0.002; your own Adam at batch size 32 reaches "
            "0.864 ± 0.003, 0.010 ± 0.002 worse; the next",
            dataclasses.replace(_BEST, baseline=worse).words(),
        )
        better = tuning.Baseline(own, "completed", 0.9, 0.003, -0.026, 0.002, True)
        self.assertStartsWith(
            dataclasses.replace(_BEST, baseline=better).words(),
            "your own Adam at batch size 32 is better: it reaches 0.900 ± 0.003, "
            "0.026 ± 0.002 better than the best setting found; batch size 640, ",
        )
        untrained = tuning.Baseline(own, "untrained")
        self.assertIn(
            "; your own Adam at batch size 32 does not train in every repeat; ",
            dataclasses.replace(_BEST, baseline=untrained).words(),
        )

    def test_json(self):
        found = json.loads(json.dumps(_BEST.to_dict(), allow_nan=False))
        self.assertEqual(found["next_larger"]["setting"]["batch_size"], 800)
        self.assertEqual(found["words"], _BEST.words())


if __name__ == "__main__":
    absltest.main()
