"""Tests of figure 4: the plans of runs, and that other ones fail its checks."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import papers
from bsgen.papers.smith_elsen_de_2020 import decay_schedule
from bsgen.studies import outcome
from bsgen.training import step_plan
from tests.studies import made_up

_NAME = "smith_elsen_de_2020/fig4"


def _results(change=lambda rows: rows):
    (study,) = papers.find(_NAME)
    return made_up.measured(
        study.measurements("quick"), lambda entry: change(list(entry.measure(None)))
    )


def _later(rows):
    """All decays come a step later."""
    return [
        {**row, "first_step": row["first_step"] + bool(k)} for k, row in enumerate(rows)
    ]


def _by_rounded_twentieths(rows):
    """Decays at multiples of a twentieth of the budget, rounded: 489 steps at times."""
    spacing = (rows[-1]["first_step"] - rows[1]["first_step"]) / 9 + 0.25
    return [
        {**row, "first_step": rows[1]["first_step"] + round(spacing * (k - 1))}
        if k
        else row
        for k, row in enumerate(rows)
    ]


class DecayScheduleTest(parameterized.TestCase):
    @parameterized.named_parameters(
        ("as planned", lambda rows: rows, "hhhhh"),
        ("later", _later, "fhhhh"),
        ("rounded twentieths", _by_rounded_twentieths, "hfhhh"),
        ("nine decays", lambda rows: rows[:-1], "hhffh"),
    )
    def test_verdicts(self, change, expected):
        judged = made_up.judged(_NAME, _results(change))
        self.assertEqual("".join(claim.verdict[0] for claim in judged), expected)
        self.assertEqual({claim.kind for claim in judged}, {"check"})

    def test_batch_sizes_that_decay_at_other_steps_fail(self):
        results = _results()
        rows = results.measurements
        other = (rows["budget"] == "steps") & (rows["batch_size"] == 4096)
        rows.loc[other, "first_step"] += 3
        self.assertEqual(made_up.judged(_NAME, results)[-1].verdict, "fails")

    def test_stretches_are_those_of_the_rates_step_by_step(self):
        """A slow twin: the rate of each step by the words of appendix B.1."""
        (study,) = papers.find(_NAME)
        (entry, *_) = study.measurements("quick")
        first, between, rate, expected = 4882, 488, 1.0, []
        for step in range(9765):
            decays = 0 if step < first else min(10, 1 + (step - first) // between)
            if 2.0**-decays != rate or not step:
                rate = 2.0**-decays
                expected.append((step, rate))
        rows = entry.measure(None)
        self.assertEqual([(r["first_step"], r["factor"]) for r in rows], expected)
        np.testing.assert_allclose(rows[1]["epoch"], 4882 * 1024 / 50_000)

    def test_the_plans_are_those_that_train_table_1(self):
        (study,) = papers.find("smith_elsen_de_2020/table1")
        (steps,) = {run.num_steps for run in study.runs("paper", 1)}
        run = study.runs("paper", 1)[0]
        plan = step_plan.make(run, 50_000)
        changes = np.flatnonzero(np.diff(plan.learning_rates)) + 1
        self.assertEqual(steps, decay_schedule.STEPS)
        self.assertEqual(changes[0], decay_schedule.FIRST_DECAY)

    def test_picture_and_table(self):
        (study,) = papers.find(_NAME)
        shown = outcome.conclude(study, _results()).shown
        self.assertEqual(list(shown.table["ours"]), list(shown.table["paper"]))
        footer = shown.figure.get_supxlabel()
        self.assertIn("8 measurements", footer)

    def test_every_scale_shows_the_same(self):
        (study,) = papers.find(_NAME)
        keys = [[e.key for e in study.measurements(scale)] for scale in study.scales]
        self.assertEqual(keys, keys[:1] * len(keys))
        self.assertEqual(study.runs("quick"), [])


if __name__ == "__main__":
    absltest.main()
