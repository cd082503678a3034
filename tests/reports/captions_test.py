import pandas as pd
from absl.testing import absltest, parameterized

from bsgen import papers
from bsgen.reports import captions
from bsgen.studies import study
from tests.reports import recorded

# The former takes the initial weights of two at a time, the latter three runs.
_SEEDS = {"jastrzebski_2018/fig4": 6, "smith_elsen_de_2020/rule_of_thumb": 9}


class CaptionsTest(parameterized.TestCase):
    @parameterized.parameters(*papers.names())
    def test_every_study_has_a_caption_that_names_its_intervals(self, name):
        results = recorded.results(name)
        found = papers.find(name)[0].caption + captions.settings(results, "quick")
        self.assertRegex(found, "95 % .*interval")
        if len(results.runs) or "seed" in results.measurements:
            num_seeds = _SEEDS.get(name, 3)
            self.assertIn(f"{num_seeds} seeds", found)
        self.assertNotRegex(found, "[{}]")

    def test_settings_come_from_the_table(self):
        results = recorded.results("smith_le_2017/fig6")
        runs = results.runs
        self.assertEqual(
            captions.settings(results, "quick"),
            "Quick scale: digits, N = 125 to 1,000, 2,000 steps, learning rate 1, "
            f"momentum 0.9, 3 seeds, 4 of {len(runs)} runs diverged.",
        )

    def test_hardware_is_counted(self):
        def made(keys, devices):
            table = pd.DataFrame({"key": list(keys), "seed": 0})
            return table.assign(hardware=devices) if devices else table

        older = study.Results(made("ab", None), pd.DataFrame())
        one = study.Results(made("bcd", ["H200"] * 3), pd.DataFrame())
        lines = made("ppqr", ["EPYC", "EPYC", "EPYC", None])
        simulated = study.Results(pd.DataFrame(), pd.DataFrame(), lines[:3])
        both = study.Results(made("de", ["H200", "EPYC"]), pd.DataFrame(), lines)
        unknown = "hardware that was not recorded"
        for found, expected in (
            ([], ""),
            ([older], ""),
            ([one], "Trained on H200."),
            ([simulated], "Measured on EPYC."),
            (
                [both],
                "Trained and measured on EPYC (1 run and 2 measurements), H200 (1 run) "
                f"and {unknown} (1 measurement).",
            ),
            (  # the run d, which two studies share, counts once
                [one, simulated, both],
                "Trained and measured on H200 (3 runs), EPYC (1 run and 2 "
                f"measurements) and {unknown} (1 measurement).",
            ),
            ([older, one], f"Trained on H200 (3 runs) and {unknown} (1 run)."),
        ):
            self.assertEqual(captions.hardware(found), expected)

    def test_missing_settings_are_joined(self):
        rows = [(8, 0.1, 0.9), (16, 0.1, 0.9), (8, 0.3, 0.9), (16, 0.3, 0.9), (8, 1, 0)]
        table = pd.DataFrame(rows, columns=["batch_size", "learning_rate", "momentum"])
        table = table.assign(key="a", seed=0, recorded=False)
        runs = table[:1].drop(columns="recorded")
        for length, expected in (
            (1, "Without batch size 8."),
            (4, "Without batch size 8, 16 at learning rate 0.1 and 0.3."),
            (
                5,
                "Without batch size 8, 16 at learning rate with momentum 0.1 with 0.9 "
                "and 0.3 with 0.9; batch size 8 at learning rate with momentum 1.0 "
                "with 0.0.",
            ),
        ):
            results = study.Results(runs, pd.DataFrame(), missing=table[:length])
            self.assertEqual(captions.missing(results), expected)
        many = table.assign(l2=range(5), model=list("abcde"))
        results = study.Results(runs, pd.DataFrame(), missing=many)
        self.assertIn("missing.csv", captions.missing(results))

    def test_newton_has_no_steps(self):
        results = recorded.results("smith_le_2017/fig1")
        of_one_seed = results._replace(runs=results.runs[results.runs["seed"] == 1])
        found = captions.settings(of_one_seed, "paper")
        self.assertEqual(
            found,
            "Paper scale: gaussian_informative and gaussian_random, N = 200, exact "
            "minimum by Newton's method, 1 seed, no intervals.",
        )

    def test_a_study_without_runs_counts_its_measurements(self):
        rows = pd.DataFrame({"key": ["a", "a", "b"], "seed": [0, 0, 1]})
        results = study.Results(pd.DataFrame(), pd.DataFrame(), rows)
        self.assertEqual(
            captions.settings(results, "quick"),
            "Quick scale: 2 measurements, 2 seeds.",
        )


if __name__ == "__main__":
    absltest.main()
