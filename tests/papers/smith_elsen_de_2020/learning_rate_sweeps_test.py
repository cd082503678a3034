"""Tests of figure 5 on made-up runs."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import papers
from bsgen.papers.smith_elsen_de_2020 import learning_rate_sweeps, wide_resnet
from tests.papers.smith_elsen_de_2020 import sweep_outcomes

_SETTING = wide_resnet.FIGURE_5["quick"]
_SMALL, _LARGE = _SETTING.grid.batch_sizes


def _rate(size, momentum):
    """Alike in the small batch; four times as large with momentum in the large one."""
    return 1.0 if size == _SMALL else (8.0 if momentum else 2.0)


def _results(rate=_rate, shift=0.0, loss_factor=1.0, gain=0.02, num_seeds=5):
    """At small rates methods differ by `shift` and `loss_factor` alone.

    There accuracy and loss depend on the rate only, as they do in the limit.
    """

    def outcome(run, generator):
        momentum = run.sgd.momentum
        effective = run.sgd.learning_rate / (1 - momentum)
        best = rate(run.batch_size, momentum)
        seed = np.random.default_rng(run.seed).normal()
        if effective > 2 * best:
            return None
        octaves = np.log2(effective)
        accuracy = 0.9 + 0.02 * octaves - 0.05 * (effective > best)
        accuracy += shift * bool(momentum) + 0.004 * seed
        if momentum and run.batch_size == _LARGE and effective > 2:
            accuracy += gain - 0.02 * (octaves - 1)
        loss = 0.1 * 2.0**-octaves * (loss_factor if momentum else 1.0)
        return {}, {
            "test_accuracy": float(accuracy + 5e-4 * generator.normal()),
            "train_cross_entropy": float(loss * np.exp(0.01 * generator.normal())),
        }

    return sweep_outcomes.made_up.results(_SETTING.grid.runs(num_seeds), outcome)


def _judged(**changes):
    return learning_rate_sweeps.judge(learning_rate_sweeps.analyse(_results(**changes)))


class LearningRateSweepsTest(parameterized.TestCase):
    @parameterized.named_parameters(
        # Of each batch size the accuracy and the loss at small rates; SGD at large
        # ones; the repeats: small alike, large better.
        ("as in the paper", {}, "hh hh h hh"),
        ("momentum helps at small rates", {"shift": 0.02}, "fh fh - f-"),
        ("its loss is higher there", {"loss_factor": 1.5}, "hf hf h hh"),
        ("momentum allows no larger rate", {"gain": -0.05}, "hh hh - hu"),
        ("a single seed", {"num_seeds": 1}, "uu uu u uu"),
    )
    def test_verdicts(self, changes, expected):
        found = _judged(**changes)
        for claim, letter in zip(found, expected.replace(" ", ""), strict=True):
            if letter != "-":
                self.assertEqual(claim.verdict[0], letter, claim.claim)

    def test_kinds(self):
        kinds = [claim.kind for claim in _judged()]
        self.assertEqual(kinds, ["paper"] * 5 + ["repeat"] * 2)

    def test_small_rates_end_at_an_eighth_of_the_optimum(self):
        found = learning_rate_sweeps.analyse(_results())
        self.assertEqual(max(found.small_rates(_SMALL)), 1 / 8)
        self.assertEqual(max(found.small_rates(_LARGE)), 1 / 4)

    def test_without_small_rates_nothing_is_said_of_them(self):
        judged = _judged(rate=lambda size, momentum: 2.0**-6)
        for claim in judged[:4]:
            self.assertEqual(claim.verdict, "undecided")
            self.assertEqual(claim.reason, "nothing to measure")

    def test_figure(self):
        shown = learning_rate_sweeps.STUDY.show(
            learning_rate_sweeps.analyse(_results())
        )
        self.assertLen(shown.figure.axes, 4)
        self.assertIn(f"batch size {_LARGE}", shown.figure.axes[1].get_title())

    def test_shares_runs_with_figure_1(self):
        first, fifth = papers.find("smith_elsen_de_2020/fig1") + papers.find(
            "smith_elsen_de_2020/fig5"
        )
        for scale in fifth.scales:
            shared = {run.key for run in first.runs(scale, 2)}
            own = {run.key for run in fifth.runs(scale, 2)}
            self.assertGreater(len(own & shared), len(own) / 3)


if __name__ == "__main__":
    absltest.main()
