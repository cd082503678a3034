"""Tests of figure 6: its runs, its claims on made-up errors, and the picture."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import theory
from bsgen.papers.hoffer_2017 import multiplicative_noise, presets, regimes
from bsgen.studies import claims
from tests.papers.hoffer_2017 import error_outcomes
from tests.studies import made_up

NAME = "hoffer_2017/fig6"
_OTHER = multiplicative_noise.NOISE_OF_RATE
_RATE, _NOISE, _ALIKE, _CLOSE, _OTHER_ALIKE, _OTHER_CLOSE = range(6)
_SLOW = {regimes.LB: 0.5, regimes.SB: -0.3}  # what half of the epochs leave more


def _stage(run):
    regime = presets.QUICK
    if run.batch_size == regime.small_batch_size:
        return regimes.SB
    if run.loss_noise:
        exact = theory.loss_noise(500, 25, 1000)
        return regimes.NOISE if np.isclose(run.loss_noise, exact) else _OTHER
    faster = run.sgd.learning_rate > regime.task.optimizer.learning_rate
    return regimes.LR if faster else regimes.LB


def results(errors, slow=None, num_seeds=8, noise=1e-4):
    slow = {**_SLOW, **(slow or {})}

    def final(run):
        return errors[_stage(run)] + error_outcomes.of_seed(run)

    def curve(run, share):
        late = slow.get(_stage(run), 0.0) * share * (1 - share)
        return 0.9 + (final(run) - 0.9) * share + late

    runs = multiplicative_noise.runs("quick", num_seeds)
    return error_outcomes.results(runs, final, noise, curve=curve)


def verdicts(slow=None, **errors):
    usual = {regimes.SB: 0.02, regimes.LB: 0.05, regimes.LR: 0.03}
    given = {regimes.NOISE: errors["noise"], _OTHER: errors["other"]}
    return made_up.verdicts(made_up.judged(NAME, results({**usual, **given}, slow)))


class RunsTest(parameterized.TestCase):
    def test_quick(self):
        small, plain, faster, noisy, other = multiplicative_noise.runs("quick", 1)
        self.assertEqual(small, presets.QUICK.run(regimes.SB, 0))
        self.assertEqual(plain, presets.QUICK.run(regimes.LB, 0))
        self.assertEqual(faster, presets.QUICK.run(regimes.LR, 0))
        for run, left in ((noisy, 1000), (other, 1000 - 500)):
            sigma = (19 * left / 999) ** 0.5
            self.assertAlmostEqual(run.loss_noise, sigma, places=12)
            self.assertEqual(run.sgd.learning_rate, plain.sgd.learning_rate)
            self.assertEqual(run.num_steps, plain.num_steps)

    def test_paper(self):
        runs = multiplicative_noise.runs("paper", 1)
        self.assertEqual([run.batch_size for run in runs], [128, 2048, 2048, 2048])
        self.assertAlmostEqual(runs[-1].loss_noise, (15 * 50_000 / 49_999) ** 0.5)

    def test_settings_are_told_apart(self):
        errors = {regimes.SB: 0.01, regimes.LB: 0.02, regimes.LR: 0.03}
        errors |= {regimes.NOISE: 0.04, _OTHER: 0.05}
        found = multiplicative_noise.analyse(results(errors, num_seeds=2))
        self.assertEqual(list(found), list(errors))
        for stage, curves in found.items():
            self.assertEqual({_stage(run) for run in _runs_of(curves)}, {stage})


def _runs_of(curves):
    runs = multiplicative_noise.runs("quick", 2)
    return [run for run in runs if run.key in set(curves.runs["key"])]


class JudgeTest(parameterized.TestCase):
    def test_noise_that_performs_as_the_rate_does(self):
        self.assertEqual(verdicts(noise=0.0305, other=0.0295), [claims.HOLDS] * 6)

    def test_noise_that_does_nothing_is_not_alike(self):
        """The large batch without either passes no claim on the noise."""
        plain = {regimes.NOISE: 0.5, _OTHER: 0.5}
        found = verdicts(plain, noise=0.05, other=0.05)
        self.assertEqual(found[_RATE], claims.HOLDS)
        self.assertNotEqual(found[_NOISE], claims.HOLDS)
        self.assertEqual(found[_ALIKE:], [claims.FAILS] * 4)

    def test_noise_that_wins_more_is_not_alike(self):
        found = verdicts(noise=0.02, other=0.03)
        self.assertEqual((found[_NOISE], found[_ALIKE]), ("holds", "fails"))
        self.assertEqual(found[_OTHER_ALIKE], "holds")

    def test_curves_may_differ_where_the_end_is_alike(self):
        found = verdicts({regimes.NOISE: 0.6}, noise=0.03, other=0.03)
        self.assertEqual((found[_ALIKE], found[_CLOSE]), ("holds", "fails"))
        self.assertEqual(found[_OTHER_CLOSE], "holds")

    def test_numbers(self):
        errors = {regimes.SB: 0.02, regimes.LB: 0.05, regimes.LR: 0.03}
        errors |= {regimes.NOISE: 0.04, _OTHER: 0.03}
        judged = made_up.judged(NAME, results(errors, noise=1e-7))
        self.assertAlmostEqual(judged[_RATE].measured, -0.02, places=5)
        self.assertAlmostEqual(judged[_ALIKE].measured, 0.5, places=4)


class FigureTest(absltest.TestCase):
    def test_differences_of_each_seed(self):
        errors = {regimes.SB: 0.02, regimes.LB: 0.05, regimes.LR: 0.03}
        errors |= {regimes.NOISE: 0.04, _OTHER: 0.06}
        found = results(errors, num_seeds=3)
        left, right = made_up.figure(NAME, found).axes
        _, labels = left.get_legend_handles_labels()
        self.assertLen(labels, 5)
        dots = [line.get_ydata() for line in right.lines if line.get_alpha()]
        curves = multiplicative_noise.analyse(found)
        plain = curves.pop(regimes.LB).final_error()
        for shown, each in zip(dots, curves.values(), strict=True):
            np.testing.assert_allclose(shown, each.final_error() - plain)


if __name__ == "__main__":
    absltest.main()
