"""Tests of the benchmark of what the callbacks cost."""

from absl.testing import absltest

from benchmarks import callbacks as benchmark
from bsgen import callbacks


class CallbacksTest(absltest.TestCase):
    def test_ratios_are_taken_within_each_round(self):
        rows = benchmark.rows({"none": [1.0, 4.0, 2.0], "Noise": [1.1, 4.4, 2.6]})
        self.assertEqual(rows[0], ["none", "2.00", "1.00-4.00", "1.000", "1.000-1.000"])
        self.assertEqual(rows[1][1:], ["2.60", "1.10-4.40", "1.100", "1.100-1.300"])

    def test_a_turn_measures(self):
        made = []

        def make():
            made.append(callbacks.GradientNoiseScale(interval=1))
            return made[-1]

        fit = benchmark.Fit("convolutional", make, steps=2)
        self.assertGreater(fit.milliseconds(), 0.0)
        self.assertEqual(made[0].steps.tolist(), [1, 2, 3])


if __name__ == "__main__":
    absltest.main()
