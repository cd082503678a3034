"""Tests of the study of ghost statistics: its runs, and claims on made-up results."""

import dataclasses

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import papers
from bsgen.papers.hoffer_2017 import (
    algorithm1,
    presets,
    regimes,
)
from tests.papers.hoffer_2017 import made_up_inference
from tests.studies import made_up

_NAME = "hoffer_2017/algorithm1"
_REGIME = presets.QUICK


def _accuracy(run, by_size=0.002, by_rule=0.01, alone=0.02):
    """As the paper has it, for accuracies of a run without noise."""
    model, large = run.model, _REGIME.large_batch_size
    if run.batch_size < large:
        return 0.98
    ghost = model.ghost_batch_size or large
    if run.sgd.clip_norm is None:
        return 0.93 + (alone if ghost < large else 0)
    accuracy = 0.97 - by_size * np.log2(ghost / _REGIME.ghost_batch_size)
    return accuracy - (by_rule if model.running_statistics == "mean" else 0)


def _results(sources=None, diverged=(), num_seeds=4, **effects):
    def outcome(run, generator):
        if (run.model.ghost_batch_size, run.seed) in diverged:
            return None
        last = _accuracy(run, **effects) + generator.normal(0, 5e-4)
        steps = list(run.evaluation_steps)
        curve = np.linspace(0.1, last, len(steps)).tolist()
        return {"step": steps, "test_accuracy": curve}, {"test_accuracy": last}

    def rows(entry):
        generator = np.random.default_rng(entry.settings["seed"])
        chosen = {**made_up_inference.SOURCES, **(sources or {})}
        return made_up_inference.rows(generator, chosen)

    (study,) = papers.find(_NAME)
    found = made_up.results(study.runs("quick", num_seeds), outcome)
    measured = made_up.measured(study.measurements("quick", num_seeds), rows)
    return found._replace(measurements=measured.measurements)


class RunsTest(parameterized.TestCase):
    @parameterized.parameters("quick", "reduced", "paper", "released")
    def test_what_a_seed_compares(self, scale):
        regime = presets.FIGURES[scale]
        runs = algorithm1.runs(scale, 1)
        keys = {run.key for run in runs}
        for stage in (regimes.SB, regimes.LB, regimes.LR, regimes.GBN):
            self.assertIn(regime.run(stage, 0).key, keys)
        large = [run for run in runs if run.model.normalization == "ghost"]
        for run in large:
            self.assertEqual(run.batch_size, regime.large_batch_size)
            self.assertEqual(run.batch_size % run.model.ghost_batch_size, 0)
        rules = [r for r in large if r.model.running_statistics != "sequential"]
        by_length = {run.num_steps for run in rules}
        self.assertLen(rules, 6)
        self.assertLen(by_length, 2)
        for run in rules:
            model = dataclasses.replace(run.model, running_statistics="sequential")
            # Whatever the rule, the weights are those of the paper's.
            self.assertIn(dataclasses.replace(run, model=model).key, keys)

    def test_the_short_training_is_as_long_as_equal_weights_remember(self):
        steps = min(run.num_steps for run in algorithm1.runs("quick", 1))
        self.assertEqual(steps, 10)

    def test_networks_that_are_measured(self):
        (entry,) = algorithm1.measurements("quick", 1)
        (run,) = entry.runs
        trained = _REGIME.run(regimes.GBN, 0)
        self.assertEqual((run.model, run.sgd), (trained.model, trained.sgd))
        # Other figures' runs need no network, and are trained many at once.
        self.assertNotEqual(run.key, trained.key)


class ClaimsTest(absltest.TestCase):
    def _judged(self, **how):
        return made_up.judged(_NAME, _results(**how))

    def test_as_in_the_paper(self):
        found = self._judged()
        self.assertEqual(made_up.verdicts(found), ["holds"] * 6)
        # Four seeds with a noise of 5e-4 a run, or 1e-3 a source: 3.5e-4, for the slope
        # over five sizes 7e-5, and 7e-4.
        values = [0.02, -0.002, 0.01, 0.01, 0.07, 0.05]
        errors = [3.5e-4, 7e-5, 3.5e-4, 3.5e-4, 7e-4, 7e-4]
        for claim, expected, error in zip(found, values, errors, strict=True):
            self.assertAlmostEqual(claim.measured, expected, delta=4 * error)

    def test_one_at_a_time(self):
        swapped = {"training set": 0.9, "a training ghost": 0.95, "test ghosts": 0.89}
        for changes, failed in (
            ({"alone": -0.02}, {0}),
            ({"by_size": -0.002}, {1}),
            ({"by_rule": -0.01}, {2, 3}),
            ({"sources": swapped}, {4}),
        ):
            found = made_up.verdicts(self._judged(**changes))
            expected = ["fails" if i in failed else "holds" for i in range(6)]
            self.assertEqual(found, expected)

    def test_equal_rules_are_not_told_apart(self):
        found = made_up.verdicts(self._judged(by_rule=0.0))
        self.assertEqual(found[2:4], ["undecided"] * 2)

    def test_a_diverged_run_counts_as_a_guess(self):
        found = algorithm1.analyse(_results(diverged={(50, 1)}))
        self.assertEqual(found.sizes.loc[50, 1], 0.1)
        self.assertGreater(found.sizes.loc[50].drop(1).min(), 0.9)


class FigureTest(absltest.TestCase):
    def test_every_mark(self):
        (study,) = papers.find(_NAME)
        found = study.analyse(_results())
        shown = study.show(found)
        sizes, rules, sources = shown.figure.axes
        labels = [text.get_text() for text in sizes.get_xticklabels()]
        self.assertEqual(labels, ["10", "25", "50", "125", "250", "500"])
        self.assertLen(rules.get_legend().get_texts(), 4)
        self.assertLen(sources.get_xticks(), 5)
        rows = shown.table.set_index(["compared", "setting"])["test accuracy"]
        self.assertLen(rows, 4 + 6 + 4 + 4 + 5)
        self.assertAlmostEqual(
            rows["statistics of inference", "test ghosts"], 0.92, delta=2e-3
        )
        self.assertAlmostEqual(rows["size of the ghosts", "500"], 0.961, delta=2e-3)


if __name__ == "__main__":
    absltest.main()
