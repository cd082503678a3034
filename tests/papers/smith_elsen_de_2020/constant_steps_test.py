"""Tests of table 1 on made-up runs whose optima are known."""

import functools

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import papers
from bsgen.papers.smith_elsen_de_2020 import constant_steps, optima
from bsgen.studies import claims
from tests.papers.smith_elsen_de_2020 import sweep_outcomes

_SIZES = (8, 32, 128, 512)
_SETTING = sweep_outcomes.setting(_SIZES, {0.9: 32})
_ROW = optima.Row(256, 0.935, 0.001, 0.232, 0.001, 4.0, 2.0, 4.0)


def _rate(size, momentum):
    return min(size / 8, 8.0)


def _accuracy(size, momentum):
    """Highest at 32."""
    return 0.95 - 0.01 * abs(np.log2(size / 32))


def _loss(size, momentum):
    return 0.4 / size


@functools.cache
def _analysed(rate=_rate, accuracy=_accuracy, loss=_loss, num_seeds=None):
    results = sweep_outcomes.results(
        _SETTING, rate, accuracy, loss, num_seeds=num_seeds
    )
    settings = {"quick": _SETTING}
    return constant_steps.analyse(results, settings, optima.ACCURACY, [_ROW])


def _rising(size, momentum):
    return 0.8 + 0.01 * np.log2(size)


def _falling(size, momentum):
    return 0.95 - 0.01 * np.log2(size)


def _loss_rises(size, momentum):
    return 0.1 + 1e-3 * size


class ConstantStepsTest(parameterized.TestCase):
    @parameterized.named_parameters(
        # Rises, its loss falls; falls again, although its loss is lower.
        ("as in the paper", {}, "hhhh"),
        ("the largest is best", {"accuracy": _rising}, "hhfh"),
        ("the smallest is best", {"accuracy": _falling}, "fhhh"),
        ("large batches train less", {"loss": _loss_rises}, "hfhf"),
        ("a single seed", {"num_seeds": 1}, "uuuu"),
    )
    def test_verdicts(self, changes, expected):
        judged = constant_steps.judge(_analysed(**changes))
        self.assertEqual("".join(claim.verdict[0] for claim in judged), expected)

    def test_what_is_measured(self):
        rise, _, fall, lower = constant_steps.judge(_analysed())
        self.assertAlmostEqual(rise.measured, 0.02, delta=0.004)
        self.assertAlmostEqual(fall.measured, -0.04, delta=0.004)
        self.assertAlmostEqual(lower.measured, 0.4 / 512 - 0.4 / 32, delta=1e-3)
        self.assertIn("batch size 512 minus 32", fall.quantity)

    def test_the_paper_s_rows_stand_below_ours(self):
        shown = constant_steps.show(_analysed())
        table = shown.table
        self.assertEqual(list(table["of"]), ["ours"] * 4 + ["paper"])
        self.assertEqual(list(table["B"]), [*_SIZES, 256])
        cells = ["0.935 ± 0.001", "0.232 ± 0.001", "", "2² (2¹–2²)", ""]
        self.assertEqual(table.loc[4].tolist()[2:], cells)
        self.assertNotIn("m", table)
        # The best four of five are better than all, by their spread.
        for _, row in table[:4].iterrows():
            best = float(row["test accuracy"].partition(" ")[0])
            self.assertGreater(best, float(row["all runs"]))
        self.assertLen(shown.figure.axes, 3)

    def test_all_batch_sizes_of_a_scale_take_as_many_steps(self):
        (study,) = papers.find("smith_elsen_de_2020/table1")
        for scale in study.scales:
            runs = study.runs(scale, 1)
            self.assertLen({run.num_steps for run in runs}, 1)
            self.assertEqual({run.sgd.momentum for run in runs}, {0.9})
        self.assertEqual(study.runs("paper", 1)[0].num_steps, 9765)

    def test_a_margin_is_not_needed_to_hold(self):
        """The claims compare with 0, so equal batch sizes must not pass."""
        judged = constant_steps.judge(
            _analysed(accuracy=lambda size, m: 0.9, loss=lambda size, m: 0.1)
        )
        self.assertNotIn(claims.HOLDS, [claim.verdict for claim in judged])


if __name__ == "__main__":
    absltest.main()
