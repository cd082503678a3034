"""The texts of an optimum: digits that are sure, powers of two, edges, no optimum."""

import math

from absl.testing import absltest, parameterized

from bsgen.studies import best_runs, optimum_words
from tests.studies import rate_sweeps


class OptimumWordsTest(parameterized.TestCase):
    @parameterized.parameters(
        (0.95205, 0.00703, "0.952 ± 0.007"),
        (0.95205, 0.0149, "0.952 ± 0.015"),
        (0.95205, 0.0096, "0.952 ± 0.010"),
        (0.95205, 0.0098, "0.952 ± 0.010"),
        (0.0017163, 0.00035, "0.0017 ± 0.0003"),
        (123.4, 25.0, "123 ± 25"),
        (1.23e-9, 4e-10, "1.23e-09 ± 4e-10"),
        (0.5, 0.0, "0.5 ± 0"),
        (2.5, math.inf, "2.5"),
        (math.inf, math.inf, "∞"),
        (math.nan, math.nan, ""),
    )
    def test_a_mean_has_the_digits_that_its_deviation_leaves(self, mean, std, text):
        self.assertEqual(optimum_words.with_deviation(mean, std), text)

    @parameterized.parameters(
        ((0.25, 0.125, 0.5), "2⁻² (2⁻³–2⁻¹)"),
        ((1.0, 1.0, 1024.0), "2⁰ (2⁰–2¹⁰)"),
        ((2.0**-4 / (1 - 0.9) * 0.1, 0.03, 0.1), "2⁻⁴ (0.03–0.1)"),
        ((5.6, math.nan, math.nan), "5.6"),
        ((2**0.5, 2**-2.5, 2.0), "1.41 (0.177–2¹)"),
    )
    def test_rates(self, rates, text):
        self.assertEqual(optimum_words.rate_in_words(*rates), text)

    def test_a_row(self):
        """Of five runs at each rate the best four count; 1 and 2 are as good."""
        selection = best_runs.Selection(4, 5)
        accuracies = {0.5: 0.1, 1.0: 0.9, 2.0: 0.8999, 4.0: 0.5}
        table = {
            rate: [mean + 0.01 * seed for seed in range(-1, 4)]
            for rate, mean in accuracies.items()
        }
        runs = rate_sweeps.runs(table)
        row = optimum_words.row(best_runs.sweep(runs, selection), "accuracy")
        heads = ["accuracy", "all runs", "rate (error bar)", "moves"]
        self.assertEqual(list(row), heads)
        # (0, 0.01, 0.02, 0.03): mean 0.015, std sqrt(0.0005 / 3) = 0.0129.
        self.assertEqual(row["accuracy"], "0.915 ± 0.013")
        self.assertEqual(row["all runs"], "0.91")
        self.assertEqual(row["rate (error bar)"], "2⁰ (2⁰–2¹)")
        runs = runs[runs["effective_learning_rate"] >= 1]
        row = optimum_words.row(best_runs.sweep(runs, selection), "accuracy")
        self.assertEqual(row["rate (error bar)"], "2⁰ (2⁰–2¹) <")

    def test_too_few_runs_have_no_optimum(self):
        runs = rate_sweeps.runs({1.0: [0.5, 0.6]}).assign(status="failed")
        found = best_runs.sweep(runs, best_runs.Selection(1, 2))
        cells = optimum_words.row(found, "accuracy")
        self.assertEqual(list(cells.values()), ["too few runs", "", "", ""])


if __name__ == "__main__":
    absltest.main()
