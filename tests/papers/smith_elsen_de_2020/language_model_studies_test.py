"""Tests of figures 7 and 9 and of table 6 on made-up runs whose optima are known."""

import numpy as np
from absl.testing import absltest, parameterized

from bsgen import models
from bsgen.papers.smith_elsen_de_2020 import language_model_studies as studies
from bsgen.papers.smith_elsen_de_2020 import language_models, two_regimes
from bsgen.training import routing
from tests.studies import made_up

_SCALES = language_models.SCALES


def _results(runs, rate, test, training, rate_of_training=None):
    """Runs whose perplexities have their minima, `test` and `training`, at known rates.

    All four take the run; the logarithms rise by 0.02 times the squared distance in
    octaves.
    """

    def outcome(run, generator):
        effective = run.sgd.learning_rate / (1 - run.sgd.momentum)
        of_seed = np.random.default_rng(run.seed).normal(size=2)
        logs = [
            np.log(best(run)) + 0.02 * np.log2(effective / optimum(run)) ** 2
            for best, optimum in ((test, rate), (training, rate_of_training or rate))
        ]
        own = np.exp(logs + 5e-4 * (2 * of_seed + generator.normal(size=2)))
        both = dict(zip(("test", "train"), own.tolist(), strict=True))
        metrics = {f"{part}_perplexity": value for part, value in both.items()}
        logs = {f"{part}_cross_entropy": np.log(v) for part, v in both.items()}
        return {}, metrics | logs

    return made_up.results(runs, outcome)


class Figure7Test(parameterized.TestCase):
    @parameterized.parameters((0.5, "holds"), (1.0, "fails"))
    def test_the_slope_is_compared_with_a_half(self, exponent, expected):
        runs = studies.FIGURE_7.runs("quick", 4)

        def rate(run):  # with momentum the boundary lies at a larger batch size
            highest = 4 if run.sgd.momentum else 2
            return 0.6 * min((run.batch_size / 16) ** exponent, highest)

        results = _results(runs, rate, lambda run: 9.0, lambda run: 8.0)
        judged = studies.FIGURE_7.judge(studies.FIGURE_7.analyse(results))
        slope, plateau = judged[-4:-2]
        self.assertIn("as the power 0.5 of", slope.claim)
        self.assertIn("is constant", plateau.claim)
        self.assertEqual(slope.verdict, expected)
        self.assertAlmostEqual(slope.measured, exponent, delta=0.1)

    def test_a_lower_perplexity_is_better(self):
        runs = studies.FIGURE_7.runs("quick", 4)

        def test(run):
            helps = run.sgd.momentum and run.batch_size > 16
            return 9.0 + (0.2 if helps else 0.5) * max(0, np.log2(run.batch_size / 16))

        def rate(run):
            return min(run.batch_size / 32, 8 if run.sgd.momentum else 4)

        found = studies.FIGURE_7.analyse(_results(runs, rate, test, test))
        self.assertIsInstance(found, two_regimes.Found)
        same, better = two_regimes.judge(found)[:2]
        self.assertEqual([same.verdict, better.verdict], ["holds", "holds"])
        # At the full batch of 384.
        self.assertAlmostEqual(better.measured, -0.3 * np.log2(384 / 16), delta=0.05)

    def test_forty_epochs_at_64_are_16560_steps(self):
        steps = {
            run.num_steps
            for run in studies.FIGURE_7.runs("paper", 1)
            if run.batch_size == 64
        }
        self.assertEqual(steps, {16_560})
        self.assertEqual(
            {run.num_steps for run in studies.TABLE_6.runs("paper", 1)}, steps
        )


class Table6Test(absltest.TestCase):
    def test_as_in_the_paper(self):
        runs = studies.TABLE_6.runs("quick", 4)

        def test(run):
            return 9.0 + 0.3 * abs(np.log2(run.batch_size / 16))

        results = _results(
            runs, lambda run: 1.0, test, lambda run: 9 - run.batch_size**0.5 / 2
        )
        found = studies.TABLE_6.analyse(results)
        judged = studies.TABLE_6.judge(found)
        self.assertEqual([claim.verdict for claim in judged], ["holds"] * 4)
        table = studies.TABLE_6.show(found).table
        of_paper = table[table["of"] == "paper"]
        self.assertIn("81.67 ± 0.26", set(of_paper["test perplexity"]))


class Figure9Test(parameterized.TestCase):
    @parameterized.named_parameters(
        ("as in the paper", 0.0, "hhhhhh"),
        ("both rates fall alike", -1.0, "hhhfhu"),
    )
    def test_verdicts(self, exponent, expected):
        runs = studies.FIGURE_9.runs("quick", 4)

        def budget(run):
            return run.num_steps / 24 / 32

        results = _results(
            runs,
            lambda run: 0.5 * budget(run) ** exponent,
            lambda run: 9.0 + 0.3 * np.log2(budget(run)) ** 2,
            lambda run: 7.0 * budget(run) ** -0.2,
            lambda run: 0.5 / budget(run),
        )
        judged = studies.judge_figure_9(studies.analyse_figure_9(results))
        self.assertEqual("".join(claim.verdict[0] for claim in judged), expected)


class RunsTest(parameterized.TestCase):
    def test_rates_of_all_batch_sizes_lie_on_one_grid_of_the_root_of_two(self):
        for study in (studies.FIGURE_7, studies.TABLE_6):
            rates = [
                run.sgd.learning_rate / (1 - run.sgd.momentum)
                for run in study.runs("quick", 1)
            ]
            steps = 2 * np.log2(rates)
            np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
            self.assertEqual(set(np.round(steps).astype(int) % 2), {0, 1})

    @parameterized.parameters("FIGURE_7", "TABLE_6", "FIGURE_9")
    def test_every_scale(self, name):
        study = getattr(studies, name)
        for scale in _SCALES:
            runs = study.runs(scale, 1)
            self.assertTrue(all(models.carries_state(run.model) for run in runs))
            engines = {routing.engine(run) for run in runs}
            self.assertEqual(engines, {"ensemble" if scale == "quick" else "loop"})
            self.assertEqual({run.data.sampling for run in runs}, {"contiguous"})


if __name__ == "__main__":
    absltest.main()
