from absl.testing import absltest, parameterized

from bsgen import studies
from bsgen.reports import captions
from tests.reports import recorded


class CaptionsTest(parameterized.TestCase):
    @parameterized.parameters(*studies.names())
    def test_every_study_has_a_caption_that_names_its_intervals(self, name):
        found = captions.caption(name, recorded.results(name), "quick")
        self.assertIn("95 % t interval", found)
        self.assertIn("3 seeds", found)
        self.assertNotRegex(found, "[{}]")

    def test_settings_come_from_the_table(self):
        runs = recorded.results("smith_le_2017/fig6").runs
        self.assertEqual(
            captions.settings(runs, "quick"),
            "Quick scale: digits, N = 125 to 1,000, 2,000 steps, learning rate 1, "
            f"momentum 0.9, 3 seeds, 4 of {len(runs)} runs diverged.",
        )

    def test_newton_has_no_steps(self):
        runs = recorded.results("smith_le_2017/fig1").runs
        found = captions.settings(runs[runs["seed"] == 1], "paper")
        self.assertEqual(
            found,
            "Paper scale: gaussian_informative and gaussian_random, N = 200, exact "
            "minimum by Newton's method, 1 seed, no intervals.",
        )


if __name__ == "__main__":
    absltest.main()
