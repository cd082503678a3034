"""Tests of figure 8 and table 7 on made-up errors of known truth."""

import functools

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.smith_elsen_de_2020 import autoencoder_presets, autoencoders
from bsgen.studies import claims, optimum_words
from tests.studies import made_up

_H, _F, _U = claims.HOLDS, claims.FAILS, claims.UNDECIDED
_SEEDS = 5


def _results(study, test, training, rate, noise=0.003):
    """Results in which log errors are parabolas of the octaves to the optimal rate.

    Args:
      study: whose quick runs they are.
      test, training, rate: take batch size and momentum to what is optimal there.
      noise: standard deviation of logarithms; seeds share twice as much.
    """

    def outcome(run, generator):
        place = run.batch_size, run.sgd.momentum
        effective = run.sgd.learning_rate / (1 - run.sgd.momentum)
        octaves = np.log2(effective / rate(*place))
        if octaves > 3.1:
            return None
        common = 2 * noise * np.random.default_rng(run.seed).normal()
        own = noise * generator.normal(size=2) + common
        logs = np.log([test(*place), training(*place)]) + 0.03 * octaves**2 + own
        names = ("test_mse", "train_mse")
        return {}, dict(zip(names, np.exp(logs).tolist(), strict=True))

    return made_up.results(study.runs("quick", _SEEDS), outcome)


def _degrading(by_size, size, momentum):
    """2 up to the last good batch size of a momentum, then more an octave."""
    last = autoencoder_presets.FIGURE_8["quick"].last[momentum]
    return 2.0 * np.exp(by_size * max(0.0, np.log2(size / last)))


def _middle(settings, size, momentum):
    """The middle one of the rates that are tried."""
    rates = settings["quick"].grid.rates(size, momentum)
    return rates[len(rates) // 2]


class TwoRegimesTest(parameterized.TestCase):
    def _verdicts(self, **changes):
        truth = {
            "test": functools.partial(_degrading, 0.1),
            "training": functools.partial(_degrading, 0.15),
            "rate": functools.partial(_middle, autoencoder_presets.FIGURE_8),
            **changes,
        }
        found = autoencoders.FIGURE_8.analyse(_results(autoencoders.FIGURE_8, **truth))
        return made_up.verdicts(autoencoders.FIGURE_8.judge(found))[:10]

    def test_as_in_the_paper(self):
        self.assertEqual(self._verdicts(), [_H] * 10)

    def test_an_error_that_falls_with_the_batch_size_is_none_that_rises(self):
        found = self._verdicts(
            test=functools.partial(_degrading, -0.1),
            training=functools.partial(_degrading, -0.1),
        )
        # Momentum loses at the largest batch, and no error rises.
        self.assertEqual(found[1:3], [_F, _F])
        self.assertEqual([found[5], found[6], found[8], found[9]], [_F] * 4)

    def test_seeds_that_disagree_leave_it_open(self):
        found = self._verdicts(noise=0.5)
        self.assertEqual(found[0], _U)


class ConstantStepsTest(parameterized.TestCase):
    def _judged(self, rise=0.007, fall=-0.02, shift=0.0, start=1.0, **changes):
        """Errors that change by a share of themselves an octave of the batch size.

        The optimal rate rises with its power `shift`, from `start` times the middle
        one.
        """
        rate = functools.partial(_middle, autoencoder_presets.TABLE_7)
        first = min(autoencoder_presets.TABLE_7["quick"].grid.batch_sizes)
        results = _results(
            autoencoders.TABLE_7,
            lambda size, momentum: 2.9 * (size / first) ** (rise / np.log(2)),
            lambda size, momentum: 2.0 * (size / first) ** (fall / np.log(2)),
            lambda size, momentum: (
                start * rate(size, momentum) * (size / first) ** shift
            ),
            **changes,
        )
        found = autoencoders.TABLE_7.analyse(results)
        return autoencoders.TABLE_7.judge(found)

    @parameterized.parameters(
        ({}, [_H, _H, _H, _H]),
        ({"rise": -0.01}, [_F, _H, _H, _H]),
        ({"fall": 0.02}, [_H, _F, _H, _H]),
        ({"rise": 0.1}, [_H, _H, _F, _H]),
        ({"shift": 1.0, "start": 0.35}, [_H, _H, _H, _F]),  # in proportion
        ({"rise": 0.0, "fall": 0.0, "shift": 0.3, "noise": 0.03}, [_U] * 2),
    )
    def test_verdicts(self, changes, expected):
        judged = self._judged(**changes)
        self.assertEqual(made_up.verdicts(judged)[: len(expected)], expected, judged)

    def test_an_optimum_at_the_end_of_the_rates_leaves_their_claim_open(self):
        *_, rate = self._judged(shift=2.5)
        self.assertEqual(rate.verdict, _U)
        self.assertIn("at the end of the rates", rate.reason)

    def test_what_is_measured(self):
        rises, *_ = self._judged(rise=0.02, noise=1e-4)
        sizes = autoencoder_presets.TABLE_7["quick"].grid.batch_sizes
        octaves = np.log2(sizes[-1] / sizes[0])
        self.assertAlmostEqual(rises.measured, np.exp(0.02 * octaves), delta=0.002)

    def test_the_papers_numbers_stand_beside_ours(self):
        results = _results(
            autoencoders.TABLE_7,
            *(lambda size, momentum: 2.0,) * 2,
            functools.partial(_middle, autoencoder_presets.TABLE_7),
        )
        shown = autoencoders.TABLE_7.show(autoencoders.TABLE_7.analyse(results))
        of_paper = shown.table[shown.table["of"] == "paper"]
        expected = [f"{mse} ± 0.01" for mse in (2.91, 2.95, 2.96, 2.98)]
        self.assertEqual(list(of_paper["test MSE"]), expected)
        self.assertEqual(set(of_paper[optimum_words.RATE]), {"0.08 (0.08–0.08)"})
        self.assertLen(shown.figure.axes, 3)


class RunsTest(absltest.TestCase):
    def test_of_the_paper(self):
        table = autoencoders.TABLE_7.runs("paper", 1)
        self.assertEqual({run.num_steps for run in table}, {156_250})
        self.assertEqual({run.data.train_size for run in table}, {50_000})
        rates = [round(run.sgd.learning_rate, 9) for run in table]
        self.assertIn(0.008, rates)
        figure = autoencoders.FIGURE_8.runs("paper", 1)
        steps = {run.num_steps for run in figure if run.batch_size == 64}
        self.assertEqual(steps, {156_250})
        for run in (*table, *figure):
            self.assertEqual(
                (run.model.name, run.loss), ("autoencoder", "squared_error")
            )
            self.assertEqual(run.sgd.l2, 1e-5)


if __name__ == "__main__":
    absltest.main()
