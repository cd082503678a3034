"""Tests of the verdicts on the noise of batches, on made-up measurements."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.smith_le_2017 import noise
from bsgen.studies import claims
from tests.papers.smith_le_2017 import made_up_noise
from tests.studies import made_up

NAME = "smith_le_2017/noise"

(
    _SLOPE,
    _SIZE,
    _EVERYWHERE,
    _GRADIENT,
    _RANDOM,
    _FULL,
    _REPLACED_SLOPE,
    _REPLACED_SIZE,
    _SECOND_MOMENT,
) = range(9)


def judge(**options):
    return made_up.judged(NAME, made_up_noise.results(**options))


def root_law(size, train_size, replacement):
    return made_up_noise.exact(1, train_size, replacement) / np.sqrt(size)


def no_law(size, train_size, replacement):
    return 1.0


def scaled_law(size, train_size, replacement):
    return 1.2 * made_up_noise.exact(size, train_size, replacement)


def always_replaced(size, train_size, replacement):
    return made_up_noise.exact(size, train_size, True)


def bent_law(size, train_size, replacement):
    """Of the right size on the whole, but not anywhere."""
    sign = 1 if np.log2(size) % 2 else -1
    return made_up_noise.exact(size, train_size, replacement) * np.exp(0.1 * sign)


class JudgeTest(parameterized.TestCase):
    def test_the_exact_law(self):
        judged = judge(num_seeds=8)
        self.assertEqual(made_up.verdicts(judged), ["holds"] * 9)
        of_paper = [claim for claim in judged if claim.kind == claims.PAPER]
        self.assertEqual(of_paper, [judged[_SECOND_MOMENT]])
        self.assertEqual({claim.kind for claim in judged[:-1]}, {claims.CHECK})

    @parameterized.parameters(root_law, no_law)
    def test_other_powers_fail(self, law):
        verdicts = made_up.verdicts(judge(law=law))
        for claim in (
            _SLOPE,
            _SIZE,
            _EVERYWHERE,
            _GRADIENT,
            _RANDOM,
            _FULL,
            _REPLACED_SLOPE,
            _REPLACED_SIZE,
        ):
            self.assertEqual(verdicts[claim], "fails", claim)

    def test_another_size_leaves_the_slopes(self):
        verdicts = made_up.verdicts(judge(law=scaled_law, num_seeds=8))
        failing = {_SIZE, _EVERYWHERE, _GRADIENT, _RANDOM, _REPLACED_SIZE}
        for claim, verdict in enumerate(verdicts):
            self.assertEqual(verdict, "fails" if claim in failing else "holds", claim)

    def test_draws_that_are_always_replaced(self):
        verdicts = made_up.verdicts(judge(law=always_replaced))
        for claim in (_SLOPE, _EVERYWHERE, _FULL):
            self.assertEqual(verdicts[claim], "fails", claim)
        for claim in (_REPLACED_SLOPE, _REPLACED_SIZE):
            self.assertEqual(verdicts[claim], "holds", claim)

    def test_a_mean_may_hide_what_the_batch_sizes_show(self):
        verdicts = made_up.verdicts(judge(law=bent_law))
        self.assertEqual(verdicts[_SIZE], "holds")
        self.assertEqual(verdicts[_EVERYWHERE], "fails")

    def test_a_large_gradient_tells_the_second_moment_from_f(self):
        verdicts = made_up.verdicts(judge(squared_gradient=3.0))
        self.assertEqual(verdicts[_REPLACED_SIZE], "holds")
        self.assertEqual(verdicts[_SECOND_MOMENT], "fails")

    @parameterized.parameters(
        ("gradient_variance", _GRADIENT), ("random_variance", _RANDOM)
    )
    def test_each_direction_counts(self, column, claim):
        results = made_up_noise.results()
        changed = made_up_noise.changed(results, **{column: 1.3})
        before = made_up.verdicts(made_up.judged(NAME, results))
        after = made_up.verdicts(made_up.judged(NAME, changed))
        self.assertEqual((before[claim], after[claim]), ("holds", "fails"))
        before[claim] = after[claim]
        self.assertEqual(after, before)

    def test_one_seed_decides_nothing(self):
        verdicts = made_up.verdicts(judge(num_seeds=1))
        self.assertEqual(set(verdicts), {"undecided"})

    def test_numbers(self):
        judged = judge(error=0.0)
        self.assertAlmostEqual(judged[_SLOPE].measured, 1.0, places=9)
        self.assertAlmostEqual(judged[_REPLACED_SLOPE].measured, -1.0, places=9)
        self.assertAlmostEqual(judged[_SIZE].measured, 1.0, places=9)
        self.assertAlmostEqual(judged[_REPLACED_SIZE].measured, 0.999, places=9)
        # 0.1 / (3 (1 - 1/N) + 0.1)
        self.assertAlmostEqual(judged[_SECOND_MOMENT].measured, 0.1 / 3.097, places=9)
        self.assertEqual(judged[_SLOPE].predicted, "1: 0.95 to 1.05 (not 0, 0.5, 2)")


class WithPredictionsTest(absltest.TestCase):
    def test_columns(self):
        table = noise.analyse(made_up_noise.results())
        for _, row in table.iterrows():
            size = row["batch_size"]
            expected = 1e6 / size if row["replacement"] else 1000 * (1000 / size - 1)
            self.assertAlmostEqual(row["predicted"], expected, places=6)
            share = 1e6 * row["trace"] / row["example_trace"]
            np.testing.assert_allclose(row["trace_share"], share)
            if expected:
                np.testing.assert_allclose(row["trace_ratio"], share / expected)
            else:
                self.assertTrue(np.isnan(row["trace_ratio"]))


if __name__ == "__main__":
    absltest.main()
