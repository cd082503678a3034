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
            "0.874 ± 0.002; the next larger batch (800) loses 0.012 ± 0.004; it gains "
            "0.001 ± 0.003 against phase 1's best (batch size 128) and takes 0.2 of "
            "its updates; the search took 1000 steps over 2000 examples",
        )

    @parameterized.parameters(
        ("untrained", 0.3, "the next larger batch (800) does not train in every"),
        ("out_of_memory", None, "the next larger batch (800) does not fit in memory"),
        ("failed", None, "the next larger batch (800) failed"),
        ("completed", -0.004, "the next larger batch (800) gains 0.004 (one repeat)"),
    )
    def test_words_of_the_next_larger(self, status, loss, expected):
        larger = tuning.NextLarger(_BEST.next_larger.setting, status, loss, None)
        words = dataclasses.replace(_BEST, next_larger=larger).words()
        self.assertIn(f"; {expected}", words)

    def test_json(self):
        found = json.loads(json.dumps(_BEST.to_dict(), allow_nan=False))
        self.assertEqual(found["next_larger"]["setting"]["batch_size"], 800)
        self.assertEqual(found["words"], _BEST.words())


if __name__ == "__main__":
    absltest.main()
