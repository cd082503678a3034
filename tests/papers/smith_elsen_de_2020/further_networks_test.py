"""Tests of figure 6 and tables 2 to 5: their runs, and their claims on made-up ones."""

import functools

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import config, models, papers
from bsgen.papers.smith_elsen_de_2020 import residual_networks
from bsgen.studies import claims
from tests.papers.smith_elsen_de_2020 import sweep_outcomes

_SETTINGS = {
    "fig6": residual_networks.FIGURE_6,
    "table2": residual_networks.TABLE_2,
    "table3": residual_networks.TABLE_3,
    "table4": residual_networks.TABLE_4,
    "table5": residual_networks.TABLE_5,
}
_OF_STEPS = ("table3", "table4", "table5")


def _study(name):
    (study,) = papers.find(f"smith_elsen_de_2020/{name}")
    return study


class RunsTest(parameterized.TestCase):
    @parameterized.parameters(*_SETTINGS)
    def test_networks_fit_their_tasks(self, name):
        for scale, setting in _SETTINGS[name].items():
            runs = _study(name).runs(scale, 1)
            with_momentum = {run.sgd.momentum for run in runs}
            self.assertEqual(with_momentum, {0.9} if name in _OF_STEPS else {0.0, 0.9})
            for run in runs:
                models.check(run.model)
                ghosts = run.model.ghost_batch_size
                if ghosts is None:
                    self.assertEqual(run.model.normalization, "none")
                    self.assertEqual(run.sgd.l2_parameters, "kernels")
                else:
                    self.assertEqual(run.batch_size % ghosts, 0)
                self.assertEqual(run.sgd.schedule, config.ConstantThenDecay())
                self.assertGreater(run.sgd.l2, 0)
            self.assertEqual(set(setting.last), with_momentum)
            self.assertContainsSubset(setting.last.values(), setting.grid.batch_sizes)

    @parameterized.parameters(*_OF_STEPS)
    def test_all_batch_sizes_take_as_many_steps(self, name):
        steps = {"table3": 156_250, "table4": 9765, "table5": 156_250}[name]
        for scale in _SETTINGS[name]:
            (found,) = {run.num_steps for run in _study(name).runs(scale, 1)}
            self.assertEqual(found, steps if scale == "paper" else found)

    def test_equal_epochs(self):
        for name, epochs in (("fig6", 200), ("table2", 90)):
            for run in _study(name).runs("paper", 1):
                expected = epochs * run.data.train_size // run.batch_size
                self.assertEqual(run.num_steps, expected)

    def test_figure_6_and_table_3_share_runs(self):
        """Table 3 takes as many steps as one of the figure's batch sizes."""
        for scale, size in (("quick", 32), ("reduced", 64), ("paper", 64)):
            of_figure, of_table = (
                {
                    run.key
                    for run in _study(name).runs(scale)
                    if run.batch_size == size and run.sgd.momentum
                }
                for name in ("fig6", "table3")
            )
            self.assertEqual(of_figure, of_table)

    def test_appendix_b(self):
        tasks = {name: found["paper"].grid.task for name, found in _SETTINGS.items()}
        networks = {name: task.model.name for name, task in tasks.items()}
        self.assertEqual(
            networks,
            {
                "fig6": "wrn_16_4",
                "table2": "resnet50",
                "table3": "wrn_16_4",
                "table4": "wrn_28_10",
                "table5": "wrn_28_10",
            },
        )
        ghosts = [task.model.ghost_batch_size for task in tasks.values()]
        self.assertEqual(ghosts, [None, 32, None, 64, None])
        strengths = [task.optimizer.l2 for task in tasks.values()]
        self.assertEqual(strengths, [5e-4, 1e-4, 5e-4, 5e-4, 5e-4])
        chosen = [
            (found["paper"].selection.keep, found["paper"].selection.of)
            for found in _SETTINGS.values()
        ]
        self.assertEqual(chosen, [(12, 15), (1, 1), (12, 15), (12, 15), (12, 15)])


@functools.cache
def _results(name, accuracy, loss, num_seeds=8):
    """Made-up runs at quick scale, whose best rate is in the middle of the rates."""
    setting = _SETTINGS[name]["quick"]

    def rate(size, momentum):
        tried = setting.grid.rates(size, momentum)
        return tried[len(tried) // 2]

    sizes = setting.grid.batch_sizes

    def place(size):
        return sizes.index(size) / (len(sizes) - 1)

    return sweep_outcomes.results(
        setting,
        rate,
        lambda size, m: accuracy(place(size), size > setting.last[m], m),
        lambda size, m: loss(place(size), size > setting.last[m], m),
        num_seeds=num_seeds,
    )


# Of a batch size's place among those tried, from 0 to 1, whether it is beyond the last
# that does not lose, and the momentum.
def _rises_and_falls(place, beyond, momentum):
    return 0.93 - 0.02 * place if beyond else 0.93 + 0.02 * place


def _constant_and_falls(place, beyond, momentum):
    return 0.95 - (0.01 if momentum else 0.03) * beyond


def _rises(place, beyond, momentum):
    return 0.93 + 0.02 * place


def _falls(place, beyond, momentum):
    return 0.95 - 0.02 * place


def _loss_falls(place, beyond, momentum):
    return 0.1 * 10**-place


def _loss_rises_too(place, beyond, momentum):
    return 0.01 * 10**place


def _loss_rises(place, beyond, momentum):
    return 0.01 * (1 + (1 if momentum else 5) * beyond)


class ClaimsTest(parameterized.TestCase):
    def _verdicts(self, name, *truth, **changes):
        study = _study(name)
        judged = study.judge(study.analyse(_results(name, *truth, **changes)))
        return [claim.verdict[0] for claim in judged]

    @parameterized.parameters(*_OF_STEPS)
    def test_constant_steps(self, name):
        as_in_paper = self._verdicts(name, _rises_and_falls, _loss_falls)
        self.assertEqual(as_in_paper, ["h"] * 4)
        falls = self._verdicts(name, _falls, _loss_falls)
        self.assertEqual(falls, ["f", "h", "h", "h"])
        rises = self._verdicts(name, _rises, _loss_rises_too)
        self.assertEqual(rises, ["h", "f", "f", "f"])
        alone = self._verdicts(name, _rises_and_falls, _loss_falls, num_seeds=1)
        self.assertEqual(alone, ["u"] * 4)

    @parameterized.parameters("fig6", "table2")
    def test_constant_epochs(self, name):
        study = _study(name)

        def judged(*truth, **changes):
            found = study.judge(study.analyse(_results(name, *truth, **changes)))
            return {claim.claim: claim.verdict for claim in found}

        as_in_paper = judged(_constant_and_falls, _loss_rises)
        words = " ".join(as_in_paper)
        falls = [claim for claim in as_in_paper if "begins to degrade" in claim]
        # The paper's ResNet-50 loses nothing with momentum.
        self.assertLen(falls, 2 if name == "fig6" else 1)
        self.assertIn("independent of the batch size", words)
        for claim, verdict in as_in_paper.items():
            if "rate" not in claim:
                self.assertEqual(verdict, claims.HOLDS, claim)
        improves = judged(_rises, _loss_falls)
        for claim in falls:
            self.assertEqual(improves[claim], claims.FAILS)
        alone = judged(_constant_and_falls, _loss_rises, num_seeds=1)
        self.assertEqual(set(alone.values()), {claims.UNDECIDED})


class TablesTest(parameterized.TestCase):
    @parameterized.parameters("table2", *_OF_STEPS)
    def test_the_paper_s_rows(self, name):
        study, grid = _study(name), _SETTINGS[name]["paper"].grid
        truth = _constant_and_falls, _loss_rises
        found = study.analyse(_results(name, *truth, num_seeds=2))
        of_paper = found.of_paper
        expected = [(m, size) for m in grid.momenta for size in grid.batch_sizes]
        self.assertEqual([(row.momentum, row.batch_size) for row in of_paper], expected)
        for row in of_paper:
            tried = np.array(grid.rates(row.batch_size, row.momentum))
            ends = row.low, row.rate, row.high
            self.assertGreater(np.nanmin(ends), tried[0])  # the paper checks its own
            self.assertLess(np.nanmax(ends), tried[-1])
            np.testing.assert_allclose(np.abs(tried / row.rate - 1).min(), 0)
            self.assertBetween(row.test, 0.7, 0.96)
        table = study.show(found).table
        self.assertEqual((table["of"] == "paper").sum(), len(expected))
        self.assertEqual("m" in table, len(grid.momenta) > 1)


if __name__ == "__main__":
    absltest.main()
