"""Tests of figure 3: its runs, both ends of known optimum, its claims and picture."""

import functools
from unittest import mock

import numpy as np
import pandas as pd
from absl.testing import absltest, parameterized

from bsgen.papers.smith_elsen_de_2020 import both_ends, budget_presets, grids
from bsgen.training import step_plan
from tests.papers.smith_elsen_de_2020 import budget_outcomes
from tests.studies import made_up

_NAME = "smith_elsen_de_2020/fig3"
_EPOCHS = (4, 32, 256)
_INITIAL = grids.powers_of_two(-5, 1)
_FINAL = grids.powers_of_two(-16, -2)[::2]


@functools.lru_cache
def _runs():
    """Returns fewer runs than there are at quick scale, of the same form."""
    with (
        mock.patch.dict(budget_presets.EPOCHS_OF_BOTH, quick=_EPOCHS),
        mock.patch.dict(budget_presets.INITIAL_RATES, quick=_INITIAL),
        mock.patch.dict(budget_presets.FINAL_RATES, quick=_FINAL),
    ):
        return made_up.runs(_NAME, "quick", 6)


def _ends(run):
    """Returns the effective rates of a run before and after all decays."""
    rate = run.sgd.learning_rate / (1 - run.sgd.momentum)
    return np.log2(rate), np.log2(rate * run.sgd.schedule.decay**-10.0)


def _final(number, epochs):
    """Returns the logarithm of the optimal final rate, of accuracy or loss."""
    return (-5.3, -2.3)[number] - (1.1, 0.9)[number] * np.log2(epochs)


def _results(
    initial=lambda epochs: (-2.0, -3.0 - 0.1 * np.log2(epochs)),
    final=lambda epochs: (_final(0, epochs), _final(1, epochs)),
    sharpness=(0.004, 0.0001),
    best=lambda epochs: 0.95 - 0.4 / epochs,
    noise=0.0003,
):
    """Made-up runs, with parabolas about optimal rates given as powers of two.

    Args:
      initial, final: of the epochs, for accuracy and loss.
      sharpness: what the accuracy loses an octave squared from either end.
      best: the accuracy at the optimum.
      noise: as of `budget_outcomes.results`.
    """

    def accuracy(run, epochs):
        start, end = _ends(run)
        lost = sharpness[0] * (start - initial(epochs)[0]) ** 2
        return best(epochs) - lost - sharpness[1] * (end - final(epochs)[0]) ** 2

    def loss(run, epochs):
        start, end = _ends(run)
        distance = 0.1 * (start - initial(epochs)[1]) ** 2
        distance += 0.01 * (end - final(epochs)[1]) ** 2
        return np.exp(distance) / epochs

    return budget_outcomes.results(_runs(), accuracy, loss, noise)


def _verdicts(**truth):
    judged = made_up.judged(_NAME, _results(**truth))
    return made_up.verdicts(judged[3:])


class RunsTest(absltest.TestCase):
    def test_every_pair_that_does_not_rise(self):
        runs = [run for run in _runs() if not run.seed]
        pairs = [(run.num_steps, *np.round(_ends(run), 6)) for run in runs]
        expected = [
            (epochs * 25, np.log2(start), np.log2(end))
            for epochs in _EPOCHS
            for start in _INITIAL
            for end in _FINAL
            if end <= start
        ]
        self.assertEqual(pairs, expected)

    def test_the_rate_ends_at_the_final_one(self):
        rng = np.random.default_rng()
        with mock.patch.dict(budget_presets.EPOCHS_OF_BOTH, paper=(50,)):
            runs = made_up.runs(_NAME, "paper", 1)
        run = runs[rng.integers(len(runs))]
        rates = step_plan.make(run, 50_000).learning_rates / (1 - run.sgd.momentum)
        np.testing.assert_allclose(np.log2(rates[[0, -1]]), _ends(run), atol=1e-5)
        self.assertEqual(run.num_steps, 39_062)

    def test_gamma_of_two_is_the_schedule_of_figure_2(self):
        self.assertEqual(both_ends.decay(2.0**-1, 2.0**-11), 2.0)


class AnalysisTest(absltest.TestCase):
    def test_both_ends_of_both_metrics(self):
        found = both_ends.analyse(_results(noise=0.0))
        for number, part in enumerate(("test", "train")):
            for epochs in _EPOCHS:
                starts = getattr(found.initial, part)
                ends = getattr(found.final, part)
                start, end = starts.sweeps[epochs].best, ends.sweeps[epochs].best
                true = (
                    (-2.0, -3.0 - 0.1 * np.log2(epochs))[number],
                    _final(number, epochs),
                )
                nearest = [
                    min(grid, key=lambda rate, t=t: abs(np.log2(rate) - t))
                    for grid, t in zip((_INITIAL, _FINAL), true, strict=True)
                ]
                np.testing.assert_allclose([start, end], nearest, rtol=1e-6)
                # The best pair is the same, seen from both ends.
                np.testing.assert_array_equal(
                    starts.sweeps[epochs].values.loc[start],
                    ends.sweeps[epochs].values.loc[end],
                )

    def test_widths_by_hand(self):
        found = both_ends.analyse(_results(noise=0.0))
        equal = np.full((1, 6), 1 / 6)
        # Without noise no other rate lies within a standard deviation.
        self.assertEqual(both_ends.widths(found.final.test, equal).tolist(), [0.0])
        table = np.array([[0.1], [0.5], [0.5], [0.5], *[[0.2]] * 3])
        table = table + [0, 0, 0, 0.1, 0.1, 0.1]
        sweeps = {
            epochs: sweep._replace(values=pd.DataFrame(table, sweep.values.index))
            for epochs, sweep in found.initial.test.sweeps.items()
        }
        tuned = found.initial.test._replace(sweeps=sweeps)
        self.assertEqual(both_ends.widths(tuned, equal).tolist(), [2.0])


class ClaimsTest(parameterized.TestCase):
    def test_as_in_the_paper(self):
        judged = made_up.judged(_NAME, _results())
        self.assertEqual(
            [claim.kind for claim in judged], 3 * ["repeat"] + 6 * ["paper"]
        )
        self.assertEqual(made_up.verdicts(judged), 9 * ["holds"])

    def test_the_opposite(self):
        verdicts = _verdicts(
            initial=lambda epochs: (-0.0 - 0.5 * np.log2(epochs), -1.0),
            final=lambda epochs: (-13.0 + np.log2(epochs), -13.0),
            sharpness=(0.0001, 0.004),
        )
        self.assertEqual(verdicts[:2], ["fails", "fails"])  # stays; falls
        self.assertEqual(verdicts[5], "fails")  # the final rate is lower

    def test_ends_that_are_equal_for_both(self):
        both = lambda epochs: (-2.0, -2.0)  # noqa: E731
        verdicts = _verdicts(initial=both, final=lambda epochs: (-8.0, -8.0))
        self.assertEqual(verdicts, ["holds", "fails", *4 * ["undecided"]])

    def test_what_noise_hides(self):
        self.assertNotIn("holds", _verdicts(noise=0.05)[:1])


class FigureTest(absltest.TestCase):
    def test_optima_and_their_rates(self):
        results = _results()
        found = both_ends.analyse(results)
        accuracy, loss, *rates = made_up.figure(_NAME, results).axes
        for axes, tuned in (
            (accuracy, found.initial.test),
            (loss, found.initial.train),
        ):
            means = [sweep.optimum["mean"] for sweep in tuned.sweeps.values()]
            drawn = axes.lines[0].get_ydata().astype(float)
            np.testing.assert_allclose(drawn, means)
        for axes, part in zip(rates, ("test", "train"), strict=True):
            for container, ends in zip(axes.containers, found, strict=True):
                tuned = getattr(ends, part)
                expected = [rate.interval().value for rate in tuned.rates()]
                np.testing.assert_allclose(
                    container.lines[0].get_ydata().astype(float), expected
                )


if __name__ == "__main__":
    absltest.main()
