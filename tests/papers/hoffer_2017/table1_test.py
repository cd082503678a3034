"""Tests of table 1 on made-up runs whose accuracies are known."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import papers
from bsgen.papers.hoffer_2017 import presets, regimes, table1
from bsgen.studies import claims, tables
from bsgen.training import records
from tests.papers.hoffer_2017 import error_outcomes

_HOLDS, _FAILS, _UNDECIDED = claims.HOLDS, claims.FAILS, claims.UNDECIDED
_AS_PUBLISHED = dict(zip(regimes.STAGES, (0.02, 0.06, 0.04, 0.03, 0.018), strict=True))


def _first(regime, stage):
    return regime is presets.QUICK


def _results(errors, scale="quick", num_seeds=8, keep=lambda regime, stage: True):
    """Returns tables of runs, whose mean test error follows from the stage."""
    runs, stages = [], {}
    for regime in presets.ROWS[scale]:
        for stage in filter(lambda stage: keep(regime, stage), regimes.STAGES):
            own = [regime.run(stage, seed) for seed in range(num_seeds)]
            runs += own
            stages |= {run.key: stage for run in own}

    def final_error(run):
        error = errors[stages[run.key]]
        return None if error is None else error + error_outcomes.of_seed(run)

    return error_outcomes.results(runs, final_error, noise=5e-4)


class Table1Test(parameterized.TestCase):
    def test_is_a_study_of_all_scales(self):
        (study,) = papers.find("hoffer_2017/table1")
        for scale, num_rows in (("quick", 3), ("paper", 6), ("released", 5)):
            runs = study.runs(scale, 2)
            self.assertLen(runs, 2 * 5 * num_rows)
        self.assertTrue(study.shows_parts)

    @parameterized.named_parameters(
        ("as published", {}, [_HOLDS] * 5),
        ("nothing is lost", {"LB": 0.02}, [_UNDECIDED, _FAILS, _HOLDS, None, None]),
        ("remedies do nothing", {"+LR": 0.06, "+GBN": 0.06, "+RA": 0.06}, None),
        ("ghosts harm", {"+GBN": 0.045}, [_HOLDS, _HOLDS, _FAILS, _FAILS, _HOLDS]),
        ("no run at LB survives", {"LB": None}, [_HOLDS] * 5),
    )
    def test_verdicts(self, changes, expected):
        found = table1.analyse(_results(_AS_PUBLISHED | changes, keep=_first))
        for row in found.rows:
            verdicts = [claim.verdict for claim in table1._judge_row(row)]
            if expected is None:  # the seeds decide what is exactly on a bound
                self.assertEqual(verdicts[0], _HOLDS)
                self.assertNotIn(_HOLDS, verdicts[1:])
            else:
                for verdict, wanted in zip(verdicts, expected, strict=True):
                    self.assertIn(verdict, (wanted,) if wanted else (verdict,))

    def test_nothing_is_as_good_where_nothing_is_lost(self):
        """Else the claim would hold without a remedy, too."""
        errors = _AS_PUBLISHED | {"LB": 0.0201}
        found = table1.analyse(_results(errors, keep=_first))
        for row in found.rows:
            last = table1._judge_row(row)[-1]
            self.assertEqual(last.verdict, _UNDECIDED)
            self.assertIn("without any remedy", last.reason)

    def test_the_gap_that_remains(self):
        found = table1.analyse(_results(_AS_PUBLISHED, num_seeds=4))
        self.assertLen(found.rows, 3)
        for row in found.rows:
            for stage, expected in (("SB", 0), ("LB", 1), ("+LR", 0.5), ("+GBN", 0.25)):
                interval = row.remaining(stage).interval()
                # The errors have a deviation of 0.0005 sqrt(2 / 4), the gap is 0.04.
                self.assertAlmostEqual(interval.value, expected, delta=0.04)
                self.assertLessEqual(interval.lower, expected + 0.02)
                self.assertGreaterEqual(interval.upper, expected - 0.02)

    def test_a_row_of_which_some_stages_are_trained(self):
        whole, started, _ = presets.ROWS["quick"]

        def keep(regime, stage):
            return regime is whole or (regime is started and stage in ("SB", "+LR"))

        results = _results(_AS_PUBLISHED, keep=keep)
        found = table1.analyse(results)
        self.assertEqual(list(found.rows[1].accuracies), ["SB", "+LR"])
        self.assertLen(found.rows, 2)
        judged = table1.judge(found)
        self.assertLen(judged, 5)  # all of the first row
        shown = table1.STUDY.show(found)
        self.assertLen(shown.table, 7 + 4)
        self.assertEqual(shown.table["+RA"][7], "")

    def test_the_paper_s_numbers_stand_beside_ours(self):
        found = table1.analyse(_results(_AS_PUBLISHED, num_seeds=3))
        table = table1.STUDY.show(found).table
        of_paper = table[table["network"] == "paper: F1, MNIST"]
        self.assertEqual(set(of_paper["+GBN"]), {"97.60%"})
        # (98.27 - 97.60) / (98.27 - 97.05), and so on.
        left = table.loc[of_paper.index[0] + 1]
        self.assertEqual(left["LB"], "1.00")
        self.assertEqual(
            [left["+LR"], left["+GBN"], left["+RA"]], ["0.59", "0.55", "-0.21"]
        )
        self.assertRegex(table["SB"][0], r"^9[78]\.\d\d%$")

    def test_a_single_seed_has_no_interval(self):
        found = table1.analyse(_results(_AS_PUBLISHED, num_seeds=1))
        self.assertEqual({c.verdict for c in table1.judge(found)}, {_UNDECIDED})
        table = table1.STUDY.show(found).table
        self.assertEqual(
            set(table[table["number"].isin(["±", "from", "to"])]["+LR"]), {""}
        )

    def test_unfinished_runs_leave_their_setting_out(self):
        """As the report of a study that is not finished does."""
        regime = presets.QUICK
        runs = [regime.run(stage, seed) for stage in ("SB", "LB") for seed in (0, 1)]
        final = {"test_accuracy": 0.9, "test_cross_entropy": 0.5}
        store = records.RunStore(self.create_tempdir())
        store.hold(
            [records.RunRecord(run, "completed", {}, final, 1.0) for run in runs[:3]]
        )
        found = table1.analyse(tables.partial_results(runs, store))
        self.assertEqual(list(found.rows[0].accuracies), ["SB"])
        self.assertEqual(table1.judge(found), [])


class ReleasedTest(absltest.TestCase):
    def test_rates_as_in_the_code(self):
        regime = presets.ROWS["released"][0]  # F1: 0.1, scaled from 256
        rates = [regime.run(stage, 0).sgd.learning_rate for stage in regimes.STAGES]
        ghosts = 0.1 * np.sqrt(4096 / 128)
        expected = [0.1 * np.sqrt(0.5), 0.1, 0.4, ghosts, ghosts]
        np.testing.assert_allclose(rates, expected, rtol=1e-6)

    def test_what_else_differs(self):
        paper, ours = presets.ROWS["paper"][0], presets.ROWS["released"][0]
        for stage in regimes.STAGES:
            run, of_paper = ours.run(stage, 3), paper.run(stage, 3)
            self.assertEqual(run.num_steps, of_paper.num_steps)
            self.assertEqual((run.sgd.clip_norm, run.sgd.clip_steps), (5.0, None))
            self.assertEqual(run.model.variant, "released")
            ghosts = run.model.normalization == "ghost"
            self.assertEqual(ghosts, stage in ("+GBN", "+RA"))
            self.assertEqual(run.model.unbiased, ghosts)

    def test_noise_is_at_the_small_batch_s_rate(self):
        regime = presets.released(presets.QUICK)
        small, noisy = (regime.run(stage, 0) for stage in ("SB", regimes.NOISE))
        self.assertEqual(noisy.sgd.learning_rate, small.sgd.learning_rate)

    def test_every_row_is_found_again_by_its_name(self):
        names = [regime.name for regime in presets.known()]
        self.assertLen(set(names), len(names))
        runs = [regime.run("+RA", 1) for regime in presets.known()]
        self.assertLen({run.key for run in runs}, len(runs))

    def test_smaller_versions_stand_beside_the_row_that_they_are_of(self):
        rows = {regime.name: regime for regime in presets.ROWS["paper"]}
        for regime in presets.ROWS["quick"] + presets.ROWS["reduced"]:
            self.assertEqual(regime.paper, rows[regime.row].paper)


if __name__ == "__main__":
    absltest.main()
