"""Tests of figure 2: its runs, both networks, its claims and picture."""

import collections
import functools
from unittest import mock

import numpy as np
from absl.testing import absltest

from bsgen.papers.smith_elsen_de_2020 import (
    budget_presets,
    grids,
    unlimited_epochs,
)
from tests.papers.smith_elsen_de_2020 import budget_outcomes
from tests.studies import made_up

_NAME = "smith_elsen_de_2020/fig2"
_EPOCHS = (4, 32, 256)
_RATES = grids.powers_of_two(-6, 1)


@functools.lru_cache
def _runs():
    """Returns fewer runs than there are at quick scale, of the same form."""
    fewer = dict.fromkeys(budget_presets.NETWORKS, {"quick": _RATES})
    with (
        mock.patch.dict(budget_presets.EPOCHS, quick=_EPOCHS),
        mock.patch.dict(budget_presets.RATES, fewer),
    ):
        return made_up.runs(_NAME, "quick", 6)


def _is_normalized(run):
    return run.model.normalization != "none"


def _results(exponents=(0.0, -0.6), noise=0.0003):
    """Made-up runs whose optimal rates are 2^-1 for both at the smallest budget.

    Args:
      exponents: of the budget, by which they change: for accuracy and loss. Without
        normalisation they are exchanged.
      noise: as of `budget_outcomes.results`.
    """

    def rate(run, epochs, number):
        own = exponents if _is_normalized(run) else exponents[::-1]
        return 0.5 * (epochs / _EPOCHS[0]) ** own[number]

    def accuracy(run, epochs):
        distance = budget_outcomes.octaves(run, rate(run, epochs, 0))
        return 0.95 - 0.4 / epochs - 0.004 * distance**2

    def loss(run, epochs):
        distance = budget_outcomes.octaves(run, rate(run, epochs, 1))
        return np.exp(0.1 * distance**2) / epochs

    return budget_outcomes.results(_runs(), accuracy, loss, noise)


class RunsTest(absltest.TestCase):
    def test_l2_without_normalization(self):
        """SkipInit has none on gains and biases; `reduced` was trained otherwise."""
        for scale, expected in (("paper", "kernels"), ("reduced", "all")):
            found = {
                (run.model.normalization == "none", run.sgd.l2_parameters)
                for run in unlimited_epochs.runs(scale, 1)
            }
            self.assertEqual(found, {(True, expected), (False, "all")})

    def test_quick(self):
        counts = collections.Counter(
            (_is_normalized(run), run.num_steps, run.sgd.learning_rate)
            for run in made_up.runs(_NAME, "quick", 2)
        )
        self.assertEqual(set(counts.values()), {2})
        steps = {run.num_steps for run in made_up.runs(_NAME, "quick", 1)}
        self.assertEqual(
            steps, {25 * epochs for epochs in budget_presets.EPOCHS["quick"]}
        )
        for run in made_up.runs(_NAME, "quick", 1):
            self.assertEqual(run.sgd.schedule.decay, 2.0)
            self.assertEqual((run.batch_size, run.sgd.momentum), (8, 0.9))

    def test_paper(self):
        with mock.patch.dict(budget_presets.EPOCHS, paper=(50, 6400)):
            runs = made_up.runs(_NAME, "paper", None)
        self.assertEqual({run.batch_size for run in runs}, {64})
        self.assertEqual({run.num_steps for run in runs}, {39_062, 5_000_000})
        self.assertEqual({run.model.name for run in runs}, {"wrn_16_4"})
        self.assertEqual({run.sgd.l2 for run in runs}, {5e-4})
        ghosts = {run.model.ghost_batch_size for run in runs if _is_normalized(run)}
        self.assertEqual(ghosts, {64})
        self.assertEqual({run.seed for run in runs}, set(range(15)))

    def test_a_range_of_two_orders_of_magnitude(self):
        for epochs in budget_presets.EPOCHS.values():
            self.assertEqual(epochs[-1], 128 * epochs[0])


class ClaimsTest(absltest.TestCase):
    def test_as_in_the_paper_with_normalization_and_the_opposite_without(self):
        judged = made_up.judged(_NAME, _results())
        verdicts = made_up.verdicts(judged)
        self.assertEqual(verdicts[:6], 6 * ["holds"])
        self.assertEqual(verdicts[6:9], 3 * ["holds"])
        self.assertEqual(verdicts[9:], 3 * ["fails"])
        self.assertTrue(judged[0].claim.startswith("With normalization: "))
        self.assertTrue(judged[6].claim.startswith("Without normalization: "))

    def test_equal_rates(self):
        verdicts = made_up.verdicts(made_up.judged(_NAME, _results((0.0, 0.0))))
        self.assertEqual(verdicts[3:6], ["holds", "fails", "undecided"])

    def test_one_network_alone(self):
        results = _results()
        runs = results.runs
        lone = results._replace(runs=runs[runs["normalization"].isna()])
        (found,) = unlimited_epochs.analyse(lone)
        self.assertEqual(found.label, "with normalization")
        self.assertLen(made_up.judged(_NAME, lone), 6)
        self.assertLen(made_up.figure(_NAME, lone).axes, 4)


class FigureTest(absltest.TestCase):
    def test_optima_and_their_rates(self):
        results = _results()
        found = unlimited_epochs.analyse(results)
        accuracy, loss, *rates = made_up.figure(_NAME, results).axes
        for axes, part in ((accuracy, "test"), (loss, "train")):
            for container, each in zip(axes.containers, found, strict=True):
                sweeps = getattr(each, part).sweeps.values()
                drawn = container.lines[0].get_ydata().astype(float)
                means = [sweep.optimum["mean"] for sweep in sweeps]
                np.testing.assert_allclose(drawn, means)
        for axes, each in zip(rates, found, strict=True):
            for container, tuned in zip(axes.containers, each[1:], strict=True):
                expected = [rate.interval().value for rate in tuned.rates()]
                drawn = container.lines[0].get_ydata().astype(float)
                np.testing.assert_allclose(drawn, expected)


if __name__ == "__main__":
    absltest.main()
