"""Tests of a range of epoch budgets: optima of known truth, and every claim."""

import dataclasses
import functools
import math

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

from bsgen import config
from bsgen.papers.smith_elsen_de_2020 import epoch_budget_claims as judge
from bsgen.papers.smith_elsen_de_2020 import epoch_budgets, grids
from bsgen.studies import best_runs, budgets, tasks
from tests.papers.smith_elsen_de_2020 import budget_outcomes

_EPOCHS = (8, 32, 128, 512)
_RATES = grids.powers_of_two(-7, 1)
_TEST = epoch_budgets.Metric("test accuracy", best_runs.Selection(5, 7))
_TRAIN = epoch_budgets.Metric(
    "training loss",
    best_runs.Selection(5, 7, "final_train_cross_entropy", False, math.inf),
)
_TASK = tasks.Task(
    config.DataConfig("digits", 80),
    config.ModelConfig("mlp", (4,)),
    config.MomentumConfig(schedule=config.ConstantThenDecay()),
    batch_size=4,
    budget=budgets.Epochs(1),
    num_seeds=7,
)


def _saturating(epochs):
    return 0.95 - 0.4 / epochs


@functools.lru_cache
def _runs():
    return [
        run
        for epochs in _EPOCHS
        for run in grids.Grid(
            _TASK.changed(budget=budgets.Epochs(epochs)),
            (4,),
            lambda batch_size, momentum: _RATES,
            (0.9,),
        ).runs()
    ]


def _tuned(
    rate=lambda epochs: 0.5,
    rate_of_loss=lambda epochs: 0.5,
    best=_saturating,
    least=lambda epochs: 0.1 / epochs,
    noise=0.0005,
):
    """Accuracies and log losses are parabolas of the octaves to the optimal rates."""

    def accuracy(run, epochs):
        distance = budget_outcomes.octaves(run, rate(epochs))
        return best(epochs) - 0.004 * distance**2

    def loss(run, epochs):
        distance = budget_outcomes.octaves(run, rate_of_loss(epochs))
        return least(epochs) * np.exp(0.1 * distance**2)

    found = budget_outcomes.results(_runs(), accuracy, loss, noise)
    return (
        epoch_budgets.tune(found.runs, _TEST),
        epoch_budgets.tune(found.runs, _TRAIN),
    )


def _power(at_first, exponent):
    return lambda epochs: at_first * (epochs / _EPOCHS[0]) ** exponent


class OptimaTest(absltest.TestCase):
    def test_both_optima_from_the_same_runs(self):
        first = float(np.exp(np.random.default_rng().uniform(-1, 0)))
        test, train = _tuned(_power(first, -0.1), _power(first / 2, -0.5), noise=0)
        self.assertEqual(test.budgets, list(_EPOCHS))
        truth = (test, first, -0.1), (train, first / 2, -0.5)
        for tuned, at_first, exponent in truth:
            expected = [_power(at_first, exponent)(epochs) for epochs in _EPOCHS]
            for estimate, rate, sweep in zip(
                tuned.rates(), expected, tuned.sweeps.values(), strict=True
            ):
                self.assertAlmostEqual(estimate.interval().value / rate, 1, places=6)
                self.assertAlmostEqual(np.log2(sweep.best / rate), 0, delta=0.5)
            change = epoch_budgets.change(tuned).interval()
            span = _EPOCHS[-1] / _EPOCHS[0]
            self.assertAlmostEqual(change.value / span**exponent, 1, places=6)
            # Without noise only the spacing of the grid is left: 0.2 octaves a rate,
            # and the fit's factors over budgets have the norm 3 / sqrt(5).
            error = 0.2 * math.log(2) * 3 / math.sqrt(5)
            reach = math.log(change.upper / change.value)
            self.assertAlmostEqual(reach, 1.959964 * error, places=5)

    def test_the_interval_contains_the_truth(self):
        # Of 40 intervals with 95 % confidence more than 6 miss by a chance of 1 in 300,
        # so these are always the same ones.
        rng, missed = np.random.default_rng(0), 0
        for _ in range(40):
            common = 0.01 * rng.normal(size=10)
            sweeps = {}
            for epochs in _EPOCHS:
                rates = np.array(_RATES)
                distances = np.log2(rates / _power(0.5, -1 / 6)(epochs))
                scores = 0.9 - 0.001 * distances[:, np.newaxis] ** 2 + common
                scores = scores + 0.003 * rng.normal(size=(len(rates), 10))
                rows = [(rate, seed) for rate in rates for seed in range(10)]
                runs = pd.DataFrame(rows, columns=["effective_learning_rate", "seed"])
                runs["final_test_accuracy"] = scores.ravel()
                runs["status"] = "completed"
                sweeps[epochs] = best_runs.sweep(runs, _TEST.selection)
            found = epoch_budgets.change(epoch_budgets.Tuned(_TEST, sweeps)).interval()
            missed += not found.lower < 0.5 < found.upper
        self.assertLessEqual(missed, 6)

    def test_scores_of_what_is_better_when_lower(self):
        _, train = _tuned(noise=0)
        np.testing.assert_allclose(
            train.scores().mean(axis=1), [-np.log(0.1 / e) for e in _EPOCHS], rtol=1e-9
        )

    def test_scores_are_those_of_the_rate_that_is_best_over_all_runs(self):
        # Two of seven runs break down at the rate whose best five are the best.
        rates = (0.5, 1.0, 2.0)
        rows = [(rate, seed) for rate in rates for seed in range(7)]
        runs = pd.DataFrame(rows, columns=["effective_learning_rate", "seed"])
        losses = [0.4] * 7 + [0.2] * 7 + [0.1] * 5 + [9.0] * 2
        runs["final_train_cross_entropy"] = losses
        runs["status"] = "completed"
        sweep = best_runs.sweep(runs, _TRAIN.selection)
        self.assertEqual(sweep.best, 2.0)
        found = epoch_budgets.Tuned(_TRAIN, {4.0: sweep}).scores()
        np.testing.assert_allclose(found.loc[4.0], -np.log(0.2))

    def test_a_diverged_run_is_the_worst(self):
        sweep = next(iter(_tuned()[1].sweeps.values()))
        values = sweep.values.copy()
        values.iloc[-1] = math.inf
        scores = _TRAIN.scores(values)
        worst = -np.log(sweep.values.iloc[:-1].max(axis=None))
        self.assertEqual(scores.iloc[-1].tolist(), [worst] * 7)
        self.assertEqual(scores.min(axis=None), worst)

    def test_ratio(self):
        test, train = _tuned(_power(0.5, 0), _power(0.125, 0), noise=0)
        found = epoch_budgets.ratio(test, train).interval()
        self.assertAlmostEqual(found.value, 4, places=6)
        # 0.2 octaves a rate: sqrt(2) of it for a ratio, half of that for a mean of 4.
        error = 0.2 * math.log(2) * math.sqrt(2) / 2
        self.assertAlmostEqual(math.log(found.upper / 4), 1.959964 * error, places=5)

    def test_one_budget_only(self):
        test, _ = _tuned()
        lone = test._replace(sweeps=dict([*test.sweeps.items()][:1]))
        for claim in (judge.rate_stays(lone), judge.falls_throughout(lone)):
            self.assertEqual(claim.verdict, "undecided")
            self.assertIsNone(claim.measured)


class ClaimsTest(parameterized.TestCase):
    @parameterized.parameters(
        (_saturating, "holds", "holds"),
        (lambda epochs: 0.9 + 0.01 * math.log2(epochs), "holds", "fails"),
        (lambda epochs: 0.95 - 0.004 * (math.log2(epochs) - 6) ** 2, "holds", "holds"),
        (lambda epochs: 0.95 - 0.01 * math.log2(epochs), "fails", None),
    )
    def test_accuracy_over_budgets(self, best, improves, stops):
        test, _ = _tuned(best=best)
        self.assertEqual(judge.improves(test).verdict, improves)
        if stops:
            self.assertEqual(judge.stops_improving(test).verdict, stops)

    def test_accuracy_that_does_not_change(self):
        test, _ = _tuned(best=lambda epochs: 0.9, noise=0.002)
        self.assertNotEqual(judge.improves(test).verdict, "holds")
        self.assertEqual(judge.stops_improving(test).verdict, "undecided")

    def test_gets_worse(self):
        falling, _ = _tuned(best=lambda e: 0.95 - 0.004 * (math.log2(e) - 5) ** 2)
        self.assertEqual(judge.gets_worse(falling).verdict, "holds")
        flat, _ = _tuned(best=lambda e: min(0.9 + 0.01 * math.log2(e), 0.95))
        self.assertNotEqual(judge.gets_worse(flat).verdict, "holds")
        rising, _ = _tuned(best=lambda e: 0.9 + 0.005 * math.log2(e))
        self.assertNotEqual(judge.gets_worse(rising).verdict, "holds")

    def test_loss_falls_throughout(self):
        _, train = _tuned()
        claim = judge.falls_throughout(train)
        self.assertEqual(claim.verdict, "holds")
        self.assertAlmostEqual(claim.measured, 1 / 4, delta=0.01)
        _, rising = _tuned(least=lambda epochs: 0.1 / epochs + (epochs > 200) * 0.01)
        self.assertEqual(judge.falls_throughout(rising).verdict, "fails")
        _, level = _tuned(least=lambda epochs: max(0.1 / epochs, 0.1 / 128))
        self.assertEqual(judge.falls_throughout(level).verdict, "undecided")

    @parameterized.parameters((0.0, "holds", "fails"), (-0.5, "fails", "holds"))
    def test_rates_that_stay_or_fall(self, exponent, stays, falls):
        for tuned in _tuned(_power(0.5, exponent), _power(0.5, exponent)):
            self.assertEqual(judge.rate_stays(tuned).verdict, stays)
            self.assertEqual(judge.rate_falls(tuned).verdict, falls)

    def test_rates_that_noise_hides(self):
        test, _ = _tuned(noise=0.05)
        self.assertEqual(judge.rate_stays(test).verdict, "undecided")
        self.assertEqual(judge.rate_falls(test).verdict, "undecided")

    def test_a_rate_that_rises_does_not_stay(self):
        test, _ = _tuned(_power(0.0625, 0.6))
        self.assertEqual(judge.rate_stays(test).verdict, "fails")

    def test_which_falls_more(self):
        test, train = _tuned(_power(0.5, 0), _power(0.5, -0.5))
        self.assertEqual(judge.falls_more(train, test).verdict, "holds")
        self.assertEqual(judge.falls_more(test, train).verdict, "fails")
        test, train = _tuned()
        self.assertEqual(judge.falls_more(train, test).verdict, "undecided")

    def test_an_optimum_at_the_end_of_the_grid_decides_nothing(self):
        test, train = _tuned(_power(0.5, 0), _power(0.5, -1.3))
        self.assertEqual(train.at_edge(), [512])
        claim = judge.rate_falls(train)
        self.assertEqual(claim.verdict, "undecided")
        self.assertIn("at 512 epochs is at the end of its grid", claim.reason)
        self.assertEqual(judge.falls_more(train, test).verdict, "undecided")
        self.assertEqual(judge.rate_stays(test).verdict, "holds")

    def test_a_metric_of_its_own(self):
        # As the perplexity of figure 9: lower is better on the test set, too.
        metric = epoch_budgets.Metric(
            "test perplexity",
            dataclasses.replace(_TRAIN.selection, column="final_test_perplexity"),
        )
        found = budget_outcomes.results(
            _runs(),
            lambda run, epochs: 0.9,
            lambda run, epochs: (
                80 * (1 + 8 / epochs) * 1.02 ** (budget_outcomes.octaves(run, 0.5) ** 2)
            ),
        )
        rows = found.runs.rename(
            columns={"final_train_cross_entropy": "final_test_perplexity"}
        )
        tuned = epoch_budgets.tune(rows, metric)
        claim = judge.improves(tuned, "LSTM: ")
        self.assertEqual(claim.verdict, "holds")
        self.assertAlmostEqual(claim.measured, np.log(2 / (1 + 8 / 512)), delta=0.01)
        self.assertIn("fall of log test perplexity", claim.quantity)
        self.assertEqual(judge.stops_improving(tuned).verdict, "holds")
        self.assertEqual(judge.rate_stays(tuned).verdict, "holds")


if __name__ == "__main__":
    absltest.main()
