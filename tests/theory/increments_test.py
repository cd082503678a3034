"""Tests of `bsgen.theory.increments` against every order of a few examples."""

import itertools

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import errors, theory
from bsgen.data import sampling

_STREAMS = 2000


def _gradients(train_size, rng):
    return rng.normal(size=(train_size, 2)) + rng.normal(size=2)


def _all_batches(of_examples, batch_size, num_epochs):
    """The gradients [streams, batches, P] of every stream of `num_epochs` epochs."""
    orders = list(itertools.permutations(range(len(of_examples))))
    streams = np.array(list(itertools.product(orders, repeat=num_epochs)))
    places = streams.reshape(len(streams), -1)
    count = places.shape[1] // batch_size
    batches = places[:, : count * batch_size].reshape(len(streams), count, batch_size)
    return of_examples[batches].mean(axis=2)


class IncrementCovarianceTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng()

    # One epoch; two with a batch in both; three.
    @parameterized.parameters((6, 2, 1), (6, 1, 1), (4, 3, 2), (5, 4, 2), (3, 2, 3))
    def test_every_order_of_a_few_examples(self, train_size, batch_size, num_epochs):
        of_examples = _gradients(train_size, self.rng)
        moves = _all_batches(of_examples, batch_size, num_epochs)
        moves = moves - of_examples.mean(axis=0)
        covariance = np.cov(of_examples.T)
        for step, later in itertools.product(range(moves.shape[1]), repeat=2):
            if later < step:
                continue
            found = moves[:, step].T @ moves[:, later] / len(moves)
            share = theory.increment_covariance(
                batch_size, train_size, later - step, step
            )
            np.testing.assert_allclose(found, share * covariance, atol=1e-12)

    def test_the_covariance_that_the_paper_gives_is_another_one(self):
        of_examples = _gradients(6, self.rng)
        moves = _all_batches(of_examples, 2, 1) - of_examples.mean(axis=0)
        squared = np.sum(of_examples.mean(axis=0) ** 2)
        trace = np.trace(np.cov(of_examples.T))
        found = np.mean(np.sum(moves[:, 0] * moves[:, 1], axis=1))
        paper = theory.paper_increment_covariance(2, 6, 1, squared, trace)
        np.testing.assert_allclose(paper, squared / 5)
        # Its terms of an example with itself are the difference.
        second_moment = np.sum(of_examples**2)
        np.testing.assert_allclose(found, paper - second_moment / (6 * 5), atol=1e-12)

    def test_the_papers_variance(self):
        of_examples = _gradients(50, self.rng)
        squared = np.sum(of_examples.mean(axis=0) ** 2)
        trace = np.trace(np.cov(of_examples.T))
        found = theory.paper_increment_covariance(4, 50, [0, 3], squared, trace)
        alone = (1 / 4 - 1 / 49) * np.mean(np.sum(of_examples**2, axis=1))
        np.testing.assert_allclose(found, [alone + squared / 49, squared / 49])

    @parameterized.parameters(2, 3, 5, 10, 30)
    def test_correlation_within_an_epoch(self, batches):
        share = theory.increment_covariance(7, 7 * batches, [0, 1, batches - 1])
        expected = -1 / (batches - 1)
        np.testing.assert_allclose(share[1:] / share[0], [expected] * 2)

    @parameterized.parameters("shuffle", "independent")
    def test_batches_as_they_are_drawn(self, kind):
        # 15 of 20 examples: batches 1 and 2 of each stream span two epochs.
        of_examples = _gradients(20, np.random.default_rng(0))
        covariance = np.trace(np.cov(of_examples.T))
        draw = sampling.batches if kind == "shuffle" else sampling.independent_batches
        batches = np.stack([draw(seed, 0, 4, 15, 20) for seed in range(_STREAMS)])
        moves = of_examples[batches].mean(axis=2) - of_examples.mean(axis=0)
        for step, later in itertools.combinations_with_replacement(range(4), 2):
            products = np.sum(moves[:, step] * moves[:, later], axis=1)
            error = products.std() / np.sqrt(len(products))
            share = theory.increment_covariance(15, 20, later - step, step, kind)
            # Ten comparisons within five errors: one of 200,000 random sets misses,
            # which these are not.
            self.assertLess(abs(products.mean() - share * covariance), 5 * error)

    def test_broadcasts(self):
        found = theory.increment_covariance(2, 10, [[0], [1], [5]], [0, 4])
        within, alone = -1 / 10, 1 / 2 - 1 / 10
        expected = [[alone, alone], [within, 0.0], [0.0, 0.0]]
        np.testing.assert_allclose(found, expected, atol=1e-15)

    @parameterized.parameters(
        ((0, 10, 1), "^batch_size=0"),
        ((11, 10, 1), "^batch_size=11"),
        ((2, 1, 1), "^train_size=1"),
        ((2, 10, -1), "^lag=-1"),
        ((2, 10, 1, -1), "^step=-1"),
        ((2, 10, 1, 0, "chance"), "^sampling='chance'"),
    )
    def test_rejects(self, arguments, message):
        with self.assertRaisesRegex(errors.UserError, message):
            theory.increment_covariance(*arguments)

    @parameterized.parameters(
        ((2, 1, 1, 1, 1), "^train_size=1"),
        ((11, 10, 1, 1, 1), "^batch_size=11"),
        ((2, 10, 1, -1, 1), "^squared_gradient=-1"),
        ((2, 10, 1, 1, -1), "^trace=-1"),
    )
    def test_the_papers_rejects(self, arguments, message):
        with self.assertRaisesRegex(errors.UserError, message):
            theory.paper_increment_covariance(*arguments)


if __name__ == "__main__":
    absltest.main()
