"""Tests of figure 1 on made-up runs whose regimes are known."""

import functools

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import papers
from bsgen.papers.smith_elsen_de_2020 import optima, two_regimes
from bsgen.studies import claims, optimum_words
from tests.papers.smith_elsen_de_2020 import sweep_outcomes

_SIZES = (4, 8, 16, 32, 64, 128)
_LAST = {0.0: 16, 0.9: 16}
_SETTING = sweep_outcomes.setting(_SIZES, _LAST)


def _rate(size, momentum):
    """In proportion, up to 2 without and to 8 with momentum."""
    return min(size / 8, 8.0 if momentum else 2.0)


def _accuracy(size, momentum):
    """Constant up to 16, then falling, with momentum half as fast."""
    return 0.95 - (0.01 if momentum else 0.02) * max(0.0, np.log2(size / 16))


def _loss(size, momentum):
    return 0.01 * (size / 16) ** (0.5 if momentum else 1.0) if size > 16 else 0.01


_results = functools.partial(
    sweep_outcomes.results, _SETTING, rate=_rate, accuracy=_accuracy, loss=_loss
)


@functools.cache
def _analysed(**changes):
    settings = {"quick": _SETTING}
    return two_regimes.analyse(_results(**changes), settings, optima.ACCURACY)


def _verdicts(**changes):
    return [claim.verdict for claim in two_regimes.judge(_analysed(**changes))]


def _flat(size, momentum):
    """Hardly better in large batches, and hardly worse with momentum."""
    return 0.95 + 0.0005 * np.log2(size) - 0.001 * bool(momentum)


def _helps_always(size, momentum):
    return _accuracy(size, momentum) + 0.02 * bool(momentum)


def _rises(size, momentum):
    return 0.8 + 0.02 * np.log2(size) + 0.02 * bool(momentum)


def _harms(size, momentum):
    return _accuracy(size, 0.9 - momentum)


class TwoRegimesTest(parameterized.TestCase):
    @parameterized.named_parameters(
        # Methods: alike when small, better when large, lower loss, larger rate. Then of
        # each: independent of the batch size, degrades, its loss degrades.
        ("as in the paper", {}, "hhhh hhh hhh"),
        ("nothing depends on B", {"accuracy": _flat, "noise": 5e-4}, "hn-- hn- hn-"),
        ("momentum helps always", {"accuracy": _helps_always}, "fh-- hh- hh-"),
        ("momentum harms", {"accuracy": _harms}, "hf-- hh- hh-"),
        ("accuracy rises", {"accuracy": _rises}, "fh-- ff- ff-"),
        ("the loss is the same", {"loss": lambda size, m: 0.1}, "--n- --n --n"),
        ("rates are the same", {"rate": lambda size, m: 1.0}, "---f --- ---"),
        ("a single seed", {"num_seeds": 1}, "uuuu uuu uuu"),
    )
    def test_verdicts(self, changes, expected):
        """By letters: n for anything but "holds", - for anything."""
        found = _verdicts(**changes)[:10]
        for verdict, letter in zip(found, expected.replace(" ", ""), strict=True):
            if letter == "n":  # exactly on a bound: the seeds decide
                self.assertNotEqual(verdict, claims.HOLDS)
            elif letter != "-":
                self.assertEqual(verdict[0], letter)

    @parameterized.named_parameters(
        # Of each method: in proportion, then constant. Three sizes below the boundary
        # are too few for the spacing of the rates, one above it for an exponent.
        ("as in the paper", {}, "uh hu"),
        ("a square root", {"rate": lambda size, m: (size / 8) ** 0.5}, "f- f-"),
        ("always the same", {"rate": lambda size, m: 1.0}, "n- n-"),
        ("a single seed", {"num_seeds": 1}, "uu uu"),
    )
    def test_verdicts_on_rates(self, changes, expected):
        changes = {"share": 0.02, "noise": 1e-4, **changes}
        found = _verdicts(**changes)[10:]
        for verdict, letter in zip(found, expected.replace(" ", ""), strict=True):
            if letter == "n":
                self.assertNotEqual(verdict, claims.HOLDS)
            elif letter != "-":
                self.assertEqual(verdict[0], letter)

    def test_what_is_measured(self):
        alike, better, loss, rates, *_ = two_regimes.judge(_analysed())
        self.assertAlmostEqual(alike.measured, 0.0, delta=0.003)
        self.assertAlmostEqual(better.measured, 0.03, delta=0.004)
        self.assertAlmostEqual(loss.measured, 0.01 * (8**0.5 - 8), delta=1e-3)
        self.assertAlmostEqual(rates.measured, 4.0, delta=0.1)
        self.assertIn("batch size 128", better.quantity)
        self.assertIn("up to 16", alike.quantity)

    def test_noise_leaves_it_open(self):
        found = _verdicts(noise=0.05)
        self.assertEqual(found[0], claims.UNDECIDED)

    def test_figure_and_table(self):
        found = _analysed()
        shown = two_regimes.show(found)
        table = shown.table
        self.assertLen(table, 12)
        rates = [_rate(size, m) for m in (0.0, 0.9) for size in _SIZES]
        found = [text.partition(" ")[0] for text in table[optimum_words.RATE]]
        exponents = ["⁻¹", "⁰", "¹", "¹", "¹", "¹", "⁻¹", "⁰", "¹", "²", "³", "³"]
        self.assertEqual(found, [f"2{exponent}" for exponent in exponents])
        numbers = [2.0**e for e in (-1, 0, 1, 1, 1, 1, -1, 0, 1, 2, 3, 3)]
        self.assertEqual(numbers, rates)
        loss = table["final training loss"][5].partition(" ")[0]
        self.assertAlmostEqual(float(loss), 0.08, delta=5e-4)
        self.assertNotIn("of", table)
        self.assertLen(shown.figure.axes, 3)


class StudyTest(absltest.TestCase):
    def test_runs_of_figure_1(self):
        (study,) = papers.find("smith_elsen_de_2020/fig1")
        for scale in study.scales:
            runs = study.runs(scale, 1)
            sizes = {run.batch_size for run in runs}
            rates = {run.sgd.learning_rate / (1 - run.sgd.momentum) for run in runs}
            self.assertEqual({run.sgd.momentum for run in runs}, {0.0, 0.9})
            self.assertGreaterEqual(len(sizes), 4 if scale == "gpu" else 6)
            octaves = np.log2(list(rates)) * (2 if scale == "quick" else 1)
            np.testing.assert_allclose(octaves, octaves.round(), atol=1e-9)

    def test_the_scale_is_found_by_the_runs(self):
        with self.assertRaisesRegex(ValueError, "of no scale"):
            optima.setting_of(
                _results(num_seeds=1, train_size=900).runs, {"quick": _SETTING}
            )


if __name__ == "__main__":
    absltest.main()
