import numpy as np
from absl.testing import absltest

from tests.papers.smith_le_2017 import made_up_noise
from tests.studies import made_up

NAME = "smith_le_2017/noise"


def geometric_mean(results, replacement, num_steps, size):
    rows = results.measurements
    rows = rows[
        (rows["replacement"] == replacement)
        & (rows["num_steps"] == num_steps)
        & (rows["batch_size"] == size)
    ]
    return np.exp(np.log(1e6 * rows["trace"] / rows["example_trace"]).mean())


class NoiseTest(absltest.TestCase):
    def setUp(self):
        super().setUp()
        self.results = made_up_noise.results(num_seeds=3)
        self.left, self.right = made_up.figure(NAME, self.results).axes

    def points(self, axes, label):
        (found,) = [c for c in axes.containers if c.get_label() == label]
        return np.array(found.lines[0].get_data(), float)

    def test_points_are_geometric_means_in_units_of_f(self):
        for replacement in (False, True):
            for steps in (0, 100):
                kind = "with" if replacement else "without"
                label = f"{kind} replacement, step {steps}"
                sizes, shares = self.points(self.left, label)
                wanted = made_up_noise.BATCH_SIZES[: None if replacement else -1]
                np.testing.assert_array_equal(sizes, wanted)
                expected = [
                    geometric_mean(self.results, replacement, steps, size)
                    for size in wanted
                ]
                np.testing.assert_allclose(shares, expected)
                places, ratios = self.points(self.right, label)
                np.testing.assert_allclose(places, wanted, rtol=0.1)
                law = 1e6 / np.array(wanted) - (0 if replacement else 1000)
                np.testing.assert_allclose(ratios, expected / law)

    def test_lines_are_the_laws(self):
        lines = {line.get_label(): line for line in self.left.lines}
        for label, law in (
            ("$N(N/B - 1)$, eq. 15", lambda b: 1000 * (1000 / b - 1)),
            ("$N^2/B$", lambda b: 1e6 / b),
            ("$N^2/\\sqrt{B}$", lambda b: 1e6 / np.sqrt(b)),
        ):
            sizes, values = lines[label].get_data()
            self.assertEqual(min(sizes), 1)
            self.assertBetween(max(sizes), 999, 1000)
            np.testing.assert_allclose(values, law(np.asarray(sizes)))


if __name__ == "__main__":
    absltest.main()
