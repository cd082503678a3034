"""Tests of the text from a Markov process, whose best perplexity is known."""

import math

import numpy as np
from absl.testing import absltest

from bsgen.data.datasets import markov_text

_OPENINGS, _WORDS = markov_text.NUM_OPENINGS, markov_text.NUM_WORDS
_TOKENS = _OPENINGS + _WORDS


def _counts(tokens):
    """How often each token follows, [openings, token before, token]."""
    counts = np.zeros((_OPENINGS, _TOKENS, _TOKENS))
    opening = None
    for before, after in zip(tokens, tokens[1:], strict=False):
        opening = before if before < _OPENINGS else opening
        counts[opening, before, after] += 1
    return counts


class MarkovTextTest(absltest.TestCase):
    def test_the_best_perplexity_is_that_of_the_chain(self):
        # By brute force: the entropy of the next token in each state of the chain on
        # (opening, token before), weighted by the stationary distribution.
        random = np.random.default_rng()
        ranks = [rank**-1.5 for rank in range(1, _WORDS + 1)]
        of_words = np.array(ranks) / sum(ranks)
        chain = np.zeros((_OPENINGS * _TOKENS,) * 2)
        entropies = []
        for opening in range(_OPENINGS):
            for before in range(_TOKENS):
                row = chain[opening * _TOKENS + before]
                words = opening * _TOKENS + _OPENINGS + random.permutation(_WORDS)
                row[words] = 0.9 * of_words
                row[[each * _TOKENS + each for each in range(_OPENINGS)]] = 0.1 / 3
                positive = row[row > 0]
                entropies.append(-np.sum(positive * np.log(positive)))
        np.testing.assert_allclose(chain.sum(axis=1), 1)
        stationary = np.linalg.matrix_power(chain, 200)[0]
        expected = math.exp(stationary @ entropies)
        self.assertAlmostEqual(markov_text.best_perplexity(), expected, places=9)

    def test_a_long_text_has_that_perplexity(self):
        # A model that counts what follows each state; n tokens have a standard error of
        # s / sqrt(n), with s of order 1 nat, and the counts fit 45 x 14 numbers to
        # them, which is 45 x 14 / (2 n) too low.
        size = 100_000
        tokens = markov_text.draw(size, 3)
        counts = _counts(tokens)
        totals = counts.sum(axis=2, keepdims=True)
        seen = counts > 0
        shares = np.divide(counts, totals, where=totals > 0, out=np.zeros_like(counts))
        entropy = -np.sum(counts[seen] * np.log(shares[seen])) / (size - 1)
        best = math.log(markov_text.best_perplexity())
        self.assertAlmostEqual(entropy + 45 * 14 / (2 * size), best, delta=0.02)

    def test_the_opening_decides_the_rules(self):
        # The most frequent word after a token has more than a third of the words'
        # probability, if one knows the opening; without it less is known.
        counts = _counts(markov_text.draw(30_000, 5))
        tops = counts[:, :, _OPENINGS:].argmax(axis=2)
        self.assertGreater((tops[0] != tops[1]).mean(), 0.5)
        shares = counts[:, :, :_OPENINGS].sum() / counts.sum()
        self.assertAlmostEqual(shares, 0.1, delta=5 * math.sqrt(0.09 / 30_000))

    def test_the_pool(self):
        pool = markov_text.load()
        entry = markov_text.MARKOV_TEXT
        self.assertEqual(pool.inputs.shape[1:], entry.input_shape)
        self.assertLen(pool.train_pool, entry.train_size)
        self.assertLen(pool.test_pool, entry.test_size)
        self.assertTrue(pool.in_order)
        # One text: each part goes on where the one before it ends.
        cut = markov_text.WINDOW * 800 + 1
        tokens = markov_text.draw(cut + 5 * 3200 + 2, 0)
        np.testing.assert_array_equal(pool.inputs[:800].ravel(), tokens[: cut - 1])
        np.testing.assert_array_equal(pool.labels[800], tokens[cut + 1 : cut + 6])
        self.assertLess(pool.labels.max(), entry.num_classes)
        self.assertLess(tokens[0], _OPENINGS)


if __name__ == "__main__":
    absltest.main()
