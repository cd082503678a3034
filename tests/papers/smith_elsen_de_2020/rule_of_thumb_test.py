"""The rule of thumb as a study, on made-up runs whose boundary is known."""

import functools

import numpy as np
from absl.testing import absltest, parameterized

from bsgen.papers.smith_elsen_de_2020 import rule_of_thumb, rule_of_thumb_claims
from bsgen.studies import claims, outcome, study
from tests.studies import made_up

_LARGEST = {0.0: 4.0, 0.9: 16.0}  # effective rates, beyond which runs diverge


def _outcome(run, generator, slope, largest, loss):
    """Accuracies of the two regimes; larger batches than the boundary lose `loss`."""
    effective = run.sgd.learning_rate / (1 - run.sgd.momentum)
    bound = largest[run.sgd.momentum]
    if effective > 1.01 * bound:
        return None
    rate = min(run.batch_size / 8 / 2**4, bound)  # the boundary is 128 x the bound
    rate = (run.batch_size / 8) ** slope / 16 if slope != 1 else rate
    beyond = max(0.0, np.log2(run.batch_size / (128 * bound)))
    accuracy = 0.97 - loss * beyond - 0.01 * np.log2(effective / rate) ** 2
    accuracy = max(accuracy, 0.1) + 1e-4 * generator.normal()
    metrics = {"test_accuracy": accuracy, "train_cross_entropy": 0.1}
    if run.data.validation_size:
        metrics["validation_accuracy"] = accuracy
    return {}, metrics


@functools.cache
def _results(slope=1.0, plain=0.5, heavy=2.0, loss=0.02):
    largest = {0.0: plain, 0.9: heavy}
    return made_up.results(
        rule_of_thumb.runs("quick", 3),
        functools.partial(_outcome, slope=slope, largest=largest, loss=loss),
    )


class RuleOfThumbTest(parameterized.TestCase):
    def test_the_boundary_is_found_at_a_small_cost(self):
        found = rule_of_thumb.analyse(_results())
        for momentum, boundary in ((0.0, 64), (0.9, 256)):
            applied = found[momentum]
            self.assertLen(applied.found, 3)
            self.assertEqual(applied.num_failed, 0)
            self.assertEqual(
                {one.setting.batch_size for one in applied.found}, {boundary}
            )
            np.testing.assert_allclose(applied.lost, 0, atol=2e-3)
            # Half of the rate is one octave off.
            np.testing.assert_allclose(applied.lost_at_half, 0.01, atol=2e-3)
            self.assertLess(max(applied.costs), 0.1)

    def test_costs_are_of_what_is_asked_for_alone(self):
        results = _results()
        applied = rule_of_thumb.analyse(results)[0.9]
        (first, *_) = applied.found
        rows = results.runs[results.runs["momentum"] == 0.9]
        few, full = (
            rows[rows["validation_size"] > 0],
            rows[rows["validation_size"] == 0],
        )
        one = few[(few["batch_size"] == 8) & (few["seed"] == 0)].iloc[0]
        # Three epochs of whole batches of 900 examples.
        self.assertEqual(one["num_steps"] * 8, 2696)
        number = sum(full["num_steps"] * full["batch_size"])  # of three seeds
        self.assertAlmostEqual(applied.costs[0], first.num_examples / number)
        self.assertLess(first.num_examples, len(few) / 3 * 2700)

    def test_verdicts(self):
        judged = rule_of_thumb_claims.judge(rule_of_thumb.analyse(_results()))
        self.assertLen(judged, 8)
        # The spacing of the rates leaves where the boundary is open.
        verdicts = [claim.verdict for claim in judged if "locates" not in claim.claim]
        self.assertEqual(verdicts, [claims.HOLDS] * 6)

    def test_what_is_lost_counts(self):
        few_epochs = _results()
        runs = few_epochs.runs.copy()
        # In full, no batch larger than 16 trains well.
        large = (runs["validation_size"] == 0) & (runs["batch_size"] > 16)
        runs.loc[large, "final_test_accuracy"] -= 0.05
        found = rule_of_thumb.analyse(few_epochs._replace(runs=runs))
        self.assertEqual(found[0.0].no_loss, 16)
        verdicts = [claim.verdict for claim in rule_of_thumb_claims.judge(found)]
        self.assertEqual(verdicts[1], claims.FAILS)

    def test_picture_and_table(self):
        made = outcome.conclude(rule_of_thumb.STUDY, _results())
        self.assertLen(made.shown.table, 2 * (1 + 3))
        self.assertLen(made.shown.figure.axes, 3)
        self.assertEqual(made.shown.table["cost"][0], "100%")

    @parameterized.parameters(*rule_of_thumb.CHEAP)
    def test_the_runs_have_plans(self, scale):
        runs = rule_of_thumb.runs(scale, 1)
        sizes = {run.batch_size for run in runs if run.data.validation_size}
        self.assertEqual(sizes, set(rule_of_thumb.CHEAP[scale].batch_sizes))
        self.assertIn(scale, study.SCALES)


if __name__ == "__main__":
    absltest.main()
