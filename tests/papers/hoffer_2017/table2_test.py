"""Tests of table 2: its runs, and claims on made-up results."""

import numpy as np
from absl.testing import absltest

from bsgen import config, papers
from bsgen.papers.hoffer_2017 import regimes, table1, table2
from tests.studies import made_up

_NAME = "hoffer_2017/table2"
_SB, _LB, _LR, _GBN, _RA = regimes.STAGES
# Final accuracies of the lines, as in the paper.
_PAPER = [
    {_SB: 0.98, _LB: 0.95, _LR: 0.96, _GBN: 0.974, _RA: 0.982},
    {_SB: 0.98, _LB: 0.94, _LR: 0.95, _GBN: 0.967, _RA: 0.982},
]


def _table(accuracies=_PAPER, num_seeds=4):
    """The table of runs that end at the accuracies, with a noise of 5e-4."""
    lines = table2._LINES["quick"]
    labels = {
        line.run(stage, seed).key: (number, stage)
        for number, line in reversed([*enumerate(lines)])
        for stage in regimes.STAGES
        for seed in range(num_seeds)
    }

    def outcome(run, generator):
        number, stage = labels[run.key]
        last = accuracies[number][stage] + generator.normal(0, 5e-4)
        curve = {"step": [run.num_steps], "test_accuracy": [last]}
        return curve, {"test_accuracy": last}

    runs = table2.runs("quick", num_seeds)
    return table2.analyse(made_up.results(runs, outcome))


class RunsTest(absltest.TestCase):
    def test_both_lines_share_the_small_batch(self):
        runs = table2.runs("quick", 1)
        self.assertLen(runs, 1 + 2 * 4)
        self.assertEqual({run.batch_size for run in runs}, {25, 250, 500})

    def test_the_paper_had_no_memory_for_two_columns(self):
        runs = table2.runs("paper", 1)
        # SB, LB and +LR of both lines are the same, +GBN and +RA are not.
        self.assertLen(runs, 3 + 2 * 2)
        sizes = {}
        for run in runs:
            sizes.setdefault(run.model.normalization, set()).add(run.batch_size)
        self.assertEqual(sizes, {"batch": {128, 2048}, "ghost": {4096, 8192}})
        smaller, larger = table2._LINES["paper"]
        small, adapted = smaller.run(_SB, 0), larger.run(_RA, 0)
        self.assertEqual(small.num_steps, adapted.num_steps)
        self.assertEqual(
            small.sgd.schedule,
            config.parse_schedule(
                "stepwise boundaries=10,15,20,25 factors=0.5,0.1,0.05,0.01"
            ),
        )
        stretched = adapted.sgd.schedule.boundaries
        self.assertEqual(stretched, (640.0, 960.0, 1280.0, 1600.0))
        np.testing.assert_allclose(adapted.sgd.learning_rate, 0.08)


class ClaimsTest(absltest.TestCase):
    def test_as_in_the_paper(self):
        found = table2.judge(_table())
        self.assertEqual(made_up.verdicts(found), ["holds"] * 11)
        self.assertAlmostEqual(found[-1].measured, 0.007, delta=1e-3)

    def test_equal_gaps_are_not_told_apart(self):
        smaller, larger = _PAPER
        same = [smaller, {**larger, _GBN: smaller[_GBN]}]
        *_, last = table2.judge(_table(same))
        self.assertEqual(last.verdict, "undecided")
        other = [{**smaller, _GBN: 0.96}, larger]
        *_, last = table2.judge(_table(other))
        self.assertEqual(last.verdict, "fails")

    def test_each_line_has_its_own_runs(self):
        found = _table()
        self.assertIsInstance(found, table1.Table)
        for row, expected in zip(found.rows, _PAPER, strict=True):
            for stage, accuracy in expected.items():
                values = row.accuracies[stage]
                np.testing.assert_allclose(values, accuracy, atol=2e-3)

    def test_the_papers_numbers_stand_beside_ours(self):
        (study,) = papers.find(_NAME)
        table = study.show(_table()).table
        numbers = table[table["number"] == "accuracy"].set_index("network")
        self.assertEqual(
            numbers.loc["paper: AlexNet, ImageNet, B = 8192", _GBN], "53.93%"
        )
        self.assertStartsWith(numbers.loc["128-128, digits, B = 500", _GBN], "96.7")


if __name__ == "__main__":
    absltest.main()
